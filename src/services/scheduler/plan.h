/*
 * When a job is to be called next. Nothing here reads a clock: `now` is microseconds since 1970 in
 * UTC, `passed` microseconds of the clock that nobody sets.
 */
#pragma once

#include "engine/schedule.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct plan {
	struct schedule schedule;
	int64_t last;	   /* start of the last call that succeeded; SCHEDULE_NEVER: none */
	gint64 not_before; /* by the clock that nobody sets */
	int failures;	   /* since then */
};

/* `last` is what is remembered; a daily job of which nothing is known counts as done today. */
void plan_init(struct plan *plan, const struct schedule *schedule, int64_t last, int64_t now,
	       gint64 not_before);

/*
 * An interval goes on from now when the clock was set back, so that an hour back does not stop a
 * job for an hour; a daily job may find its time a second time.
 */
bool plan_is_due(struct plan *plan, int64_t now, gint64 passed);

void plan_succeed(struct plan *plan, int64_t started);

/*
 * Puts the next try off: at first by `least` microseconds, then by twice as many each time, up to
 * the job's interval (an hour for a daily job); `share`, from 0 to 1, takes up to a quarter away,
 * so that many schedulers do not come at once. Returns by how much.
 */
gint64 plan_fail(struct plan *plan, gint64 passed, gint64 least, double share);
