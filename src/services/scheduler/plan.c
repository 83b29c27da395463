/* Due times, and their being put off after failures. */
#include "services/scheduler/plan.h"

#define MINUTE		       ((gint64)60 * G_USEC_PER_SEC)
#define LONGEST_PAUSE_OF_DAILY (60 * MINUTE)

enum { MOST_DOUBLINGS = 30 };

void plan_init(struct plan *plan, const struct schedule *schedule, int64_t last, int64_t now,
	       gint64 not_before)
{
	*plan = (struct plan){.schedule = *schedule, .last = last, .not_before = not_before};
	if (schedule->daily && last == SCHEDULE_NEVER)
		plan->last = now;
}

bool plan_is_due(struct plan *plan, int64_t now, gint64 passed)
{
	if (plan->last > now && !plan->schedule.daily)
		plan->last = now;
	return passed >= plan->not_before && schedule_is_due(&plan->schedule, plan->last, now);
}

void plan_succeed(struct plan *plan, int64_t started)
{
	plan->last = started;
	plan->failures = 0;
}

gint64 plan_fail(struct plan *plan, gint64 passed, gint64 least, double share)
{
	gint64 most = plan->schedule.daily ? LONGEST_PAUSE_OF_DAILY
					   : plan->schedule.minutes * MINUTE;
	gint64 pause = least;
	for (int i = 0; i < MIN(plan->failures, MOST_DOUBLINGS) && pause < most; i++)
		pause *= 2;
	plan->failures++;
	pause = MIN(pause, most);
	pause -= (gint64)((double)pause / 4 * share);
	plan->not_before = passed + pause;
	return pause;
}
