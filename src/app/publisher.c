/* The thread that publishes. */
#include "app/publisher.h"

#include "base/error.h"
#include "engine/analytics.h"
#include "engine/orchestrator.h"
#include "engine/publish_limits.h"

struct publisher {
	char *data_dir;
	struct directory_store *directory;
	struct orchestrator *orchestrator;
	struct publish_limits limits;
	GThread *thread;
	GMutex lock;
	GCond changed;
	bool stopping, wanted;
};

/* What was published is in the state by then: readers of the directory see the new data from here.
 */
static bool publish(struct publisher *publisher, const char *source, bool *changed, GError **error)
{
	g_auto(rebuild) rebuild = {0};
	if (!orchestrator_rebuild(publisher->orchestrator, source, &rebuild, error))
		return false;
	rebuild_log(&rebuild);
	*changed = rebuild.before != rebuild.after;
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

static void work(struct publisher *publisher)
{
	g_autoptr(GError) error = NULL;
	bool changed = false;
	if (!publish(publisher, NULL, &changed, &error))
		g_warning("the extracts cannot be published: %s", error->message);
	else if (changed || !is_analytics_current(publisher))
		rewrite_analytics(publisher);
}

static gpointer publish_loop(gpointer data)
{
	struct publisher *publisher = data;
	g_mutex_lock(&publisher->lock);
	while (!publisher->stopping) {
		if (!publisher->wanted) {
			g_cond_wait(&publisher->changed, &publisher->lock);
			continue;
		}
		publisher->wanted = false;
		g_mutex_unlock(&publisher->lock);
		work(publisher);
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

bool publisher_publish(struct publisher *publisher, const char *source, GError **error)
{
	bool changed = false;
	if (!publish(publisher, source, &changed, error))
		return false;
	/* The thread finds nothing to publish, but the file for other tools is behind. */
	if (changed)
		rewrite_analytics(publisher);
	return true;
}
