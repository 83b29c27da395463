/* The thread that publishes. */
#include "app/publisher.h"

#include "base/error.h"
#include "engine/analytics.h"
#include "engine/orchestrator.h"
#include "engine/publish_limits.h"

/*
 * The file for other tools is written when no publication has followed for a moment, but not later
 * than this.
 */
#define ANALYTICS_PAUSE	  (300 * G_TIME_SPAN_MILLISECOND)
#define ANALYTICS_LONGEST (5 * G_TIME_SPAN_SECOND)

/* How long whoever opened the file for other tools may go on reading what it named. */
enum { SUPERSEDED_SECONDS = 4 * 60 * 60 };

struct publisher {
	char *data_dir;
	struct directory_store *directory;
	struct orchestrator *orchestrator;
	struct publish_limits limits;
	GThread *thread;
	GMutex lock; /* for what follows */
	GCond changed;
	bool stopping;
	bool wanted;   /* somebody wants the extracts looked at */
	bool renewed;  /* there is an edition that on_change does not know of */
	gint64 behind; /* since when the file for other tools is; 0: it is not */
	gint64 latest; /* the last publication */
	void (*on_change)(void *data);
	void *data;
};

static void note_change(struct publisher *publisher, bool renewed)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&publisher->lock);
	publisher->latest = g_get_monotonic_time();
	publisher->renewed |= renewed;
	if (!publisher->behind)
		publisher->behind = publisher->latest;
	g_cond_broadcast(&publisher->changed);
}

/* What was published is in the state by then: readers of the directory see the new data from here.
 */
static bool publish(struct publisher *publisher, bool *changed, GError **error)
{
	g_auto(rebuild) rebuild = {0};
	if (!orchestrator_rebuild(publisher->orchestrator, NULL, &rebuild, error))
		return false;
	rebuild_log(&rebuild);
	*changed = rebuild.before != rebuild.after;
	if (*changed)
		note_change(publisher, true);
	return !*changed || directory_reload_tables(publisher->directory, error);
}

static void rewrite_analytics(struct publisher *publisher)
{
	g_autoptr(GError) error = NULL;
	if (!analytics_write(publisher->data_dir, publisher->orchestrator, &publisher->limits,
			     &error))
		g_warning("analytics/server.duckdb stays as it was: %s", error->message);
}

/* It is not when a server died before it wrote the file, or could not write it. */
static bool is_analytics_current(struct publisher *publisher)
{
	g_autoptr(edition) edition = publisher_edition(publisher);
	return analytics_is_current(publisher->data_dir, edition);
}

static void look(struct publisher *publisher)
{
	g_autoptr(GError) error = NULL;
	bool changed = false;
	if (!publish(publisher, &changed, &error))
		g_warning("the extracts cannot be published: %s", error->message);
	else if (!changed && !is_analytics_current(publisher))
		note_change(publisher, false);
}

/* The next thing to do, chosen with the lock held. */
enum work { WORK_LOOK, WORK_TELL, WORK_WRITE, WORK_NONE };

static enum work choose_work(struct publisher *publisher)
{
	if (publisher->wanted) {
		publisher->wanted = false;
		return WORK_LOOK;
	}
	if (publisher->renewed && publisher->on_change) {
		publisher->renewed = false;
		return WORK_TELL;
	}
	if (!publisher->behind) {
		g_cond_wait(&publisher->changed, &publisher->lock);
		return WORK_NONE;
	}
	gint64 due = MIN(publisher->latest + ANALYTICS_PAUSE,
			 publisher->behind + ANALYTICS_LONGEST);
	if (g_get_monotonic_time() < due) {
		g_cond_wait_until(&publisher->changed, &publisher->lock, due);
		return WORK_NONE;
	}
	publisher->behind = 0;
	return WORK_WRITE;
}

static void do_work(struct publisher *publisher, enum work work)
{
	switch (work) {
	case WORK_LOOK:
		look(publisher);
		break;
	case WORK_TELL:
		publisher->on_change(publisher->data);
		break;
	case WORK_WRITE:
		rewrite_analytics(publisher);
		break;
	case WORK_NONE:
		break;
	}
}

static gpointer publish_loop(gpointer data)
{
	struct publisher *publisher = data;
	g_mutex_lock(&publisher->lock);
	while (!publisher->stopping) {
		enum work work = choose_work(publisher);
		g_mutex_unlock(&publisher->lock);
		do_work(publisher, work);
		g_mutex_lock(&publisher->lock);
	}
	g_mutex_unlock(&publisher->lock);
	return NULL;
}

struct publisher *publisher_new(const char *data_dir, struct state *state,
				struct directory_store *directory,
				const struct configuration *config, GError **error)
{
	g_autoptr(publisher) publisher = g_new0(struct publisher, 1);
	g_mutex_init(&publisher->lock);
	g_cond_init(&publisher->changed);
	publisher->data_dir = g_canonicalize_filename(data_dir, NULL);
	publisher->directory = directory;
	publisher->wanted = true;
	publish_limits_choose(&publisher->limits, config);
	publisher->orchestrator = orchestrator_new(publisher->data_dir, state, &publisher->limits,
						   ORCHESTRATOR_LOCKS, error);
	if (!publisher->orchestrator)
		return NULL;
	publisher->thread = g_thread_new("publish", publish_loop, publisher);
	return g_steal_pointer(&publisher);
}

void publisher_free(struct publisher *publisher)
{
	if (!publisher)
		return;
	if (publisher->thread) {
		g_mutex_lock(&publisher->lock);
		publisher->stopping = true;
		g_cond_broadcast(&publisher->changed);
		g_mutex_unlock(&publisher->lock);
		g_thread_join(publisher->thread);
	}
	orchestrator_free(publisher->orchestrator);
	g_mutex_clear(&publisher->lock);
	g_cond_clear(&publisher->changed);
	g_free(publisher->data_dir);
	g_free(publisher);
}

struct edition *publisher_edition(struct publisher *publisher)
{
	return orchestrator_edition(publisher->orchestrator);
}

void publisher_wake(struct publisher *publisher)
{
	g_mutex_lock(&publisher->lock);
	publisher->wanted = true;
	g_cond_broadcast(&publisher->changed);
	g_mutex_unlock(&publisher->lock);
}

bool publisher_publish(struct publisher *publisher, GError **error)
{
	bool changed;
	return publish(publisher, &changed, error);
}

void publisher_on_change(struct publisher *publisher, void (*changed)(void *data), void *data)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&publisher->lock);
	publisher->on_change = changed;
	publisher->data = data;
	g_cond_broadcast(&publisher->changed);
}

bool publisher_sweep(struct publisher *publisher, GError **error)
{
	return orchestrator_sweep(publisher->orchestrator, SUPERSEDED_SECONDS, error);
}
