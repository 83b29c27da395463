/* The thread of the backups. */
#include "state/backup_keeper.h"

#include "config/config.h"
#include "state/backup.h"

/* Looking often costs nothing, and makes up for a clock that jumps and for failures. */
enum { LOOK_SECONDS = 600, DELAY_SECONDS = 60 };

struct backup_keeper {
	struct state *state;
	struct backup_plan plan;
	GThread *thread;
	GMutex lock;
	GCond stopped;
	bool stopping;
};

void backup_plan_init(struct backup_plan *plan, const struct configuration *config)
{
	*plan = (struct backup_plan){
		.keep = (unsigned)config_int(config, "state.backup_count"),
		.hours = (unsigned)config_int(config, "state.backup_interval_hours"),
		.delay = DELAY_SECONDS,
	};
}

/* False when the keeper is to stop. */
static bool sleep_for(struct backup_keeper *keeper, unsigned seconds)
{
	gint64 end = g_get_monotonic_time() + seconds * G_TIME_SPAN_SECOND;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keeper->lock);
	while (!keeper->stopping) {
		if (!g_cond_wait_until(&keeper->stopped, &keeper->lock, end))
			break;
	}
	return !keeper->stopping;
}

static gpointer keep_backups(gpointer data)
{
	struct backup_keeper *keeper = data;
	for (unsigned pause = keeper->plan.delay; sleep_for(keeper, pause); pause = LOOK_SECONDS) {
		g_autoptr(GError) error = NULL;
		if (!backup_is_due(state_data_dir(keeper->state), keeper->plan.hours))
			continue;
		g_autofree char *path = backup_create(keeper->state, keeper->plan.keep, &error);
		if (path)
			g_message("state: backup %s", path);
		else
			g_warning("%s", error->message);
	}
	return NULL;
}

struct backup_keeper *backup_keeper_new(struct state *state, const struct backup_plan *plan)
{
	struct backup_keeper *keeper = g_new0(struct backup_keeper, 1);
	keeper->state = state;
	keeper->plan = *plan;
	g_mutex_init(&keeper->lock);
	g_cond_init(&keeper->stopped);
	keeper->thread = g_thread_new("backups", keep_backups, keeper);
	return keeper;
}

void backup_keeper_free(struct backup_keeper *keeper)
{
	if (!keeper)
		return;
	g_mutex_lock(&keeper->lock);
	keeper->stopping = true;
	g_cond_signal(&keeper->stopped);
	g_mutex_unlock(&keeper->lock);
	g_thread_join(keeper->thread);
	g_mutex_clear(&keeper->lock);
	g_cond_clear(&keeper->stopped);
	g_free(keeper);
}
