/* The thread that has tables profiled. */
#include "app/sync/profiles.h"

#include "app/app.h"
#include "app/publisher.h"
#include "app/table_facts.h"
#include "base/error.h"

enum {
	BUSY_SECONDS = 2, /* while others have tables profiled */
	NICENESS = 10,	  /* nobody waits for it */
};

struct profile_queue {
	struct app *app;
	GThread *thread;
	struct measurement measurement;
	GMutex lock; /* for what follows */
	GCond changed;
	GQueue waiting;	 /* names */
	GHashTable *set; /* of the same names, borrowed */
	bool stopping;
};

/* The error is BUSY when it may be tried again. */
static bool profile(struct profile_queue *queue, const char *name, GError **error)
{
	struct app *app = queue->app;
	g_autoptr(directory_view) directory = directory_store_get(app->directory);
	g_autoptr(edition) edition = publisher_edition(app->publisher);
	const struct directory_table *table = directory_table_named(directory, name);
	const struct edition_table *entry = edition_find(edition, name);
	if (!table || !entry || !entry->table->file ||
	    (table->registered && table->registered->profile_after_sync == RECORD_FALSE))
		return true;
	g_autoptr(configuration) config = app_config(app);
	g_autoptr(json_t) made = table_facts_profile(app->table_facts, table, entry->table, config,
						     &queue->measurement, error);
	return made != NULL;
}

/* The next name, taken off; NULL when it is time to end. */
static char *take_next(struct profile_queue *queue)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->lock);
	while (!queue->stopping && g_queue_is_empty(&queue->waiting))
		g_cond_wait(&queue->changed, &queue->lock);
	if (queue->stopping)
		return NULL;
	char *name = g_queue_pop_head(&queue->waiting);
	g_hash_table_remove(queue->set, name);
	return name;
}

static void wait_for_others(struct profile_queue *queue)
{
	gint64 end = g_get_monotonic_time() + BUSY_SECONDS * G_USEC_PER_SEC;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->lock);
	while (!queue->stopping && g_cond_wait_until(&queue->changed, &queue->lock, end))
		;
}

static gpointer profile_loop(gpointer data)
{
	struct profile_queue *queue = data;
	char *next;
	while ((next = take_next(queue))) {
		g_autofree char *name = next;
		g_autoptr(GError) error = NULL;
		if (profile(queue, name, &error))
			continue;
		if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_BUSY)) {
			profile_queue_add(queue, name);
			wait_for_others(queue);
		} else if (!g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CANCELLED)) {
			g_warning("table '%s' was not profiled: %s", name, error->message);
		}
	}
	return NULL;
}

struct profile_queue *profile_queue_new(struct app *app)
{
	struct profile_queue *queue = g_new0(struct profile_queue, 1);
	queue->app = app;
	g_mutex_init(&queue->lock);
	g_cond_init(&queue->changed);
	g_queue_init(&queue->waiting);
	queue->set = g_hash_table_new(g_str_hash, g_str_equal);
	measurement_init(&queue->measurement);
	queue->measurement.nice = NICENESS;
	queue->thread = g_thread_new("profiles", profile_loop, queue);
	return queue;
}

void profile_queue_free(struct profile_queue *queue)
{
	if (!queue)
		return;
	g_mutex_lock(&queue->lock);
	queue->stopping = true;
	g_cond_broadcast(&queue->changed);
	g_mutex_unlock(&queue->lock);
	measurement_stop(&queue->measurement);
	g_thread_join(queue->thread);
	measurement_clear(&queue->measurement);
	g_hash_table_unref(queue->set);
	g_queue_clear_full(&queue->waiting, g_free);
	g_mutex_clear(&queue->lock);
	g_cond_clear(&queue->changed);
	g_free(queue);
}

void profile_queue_add(struct profile_queue *queue, const char *table)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->lock);
	if (g_hash_table_contains(queue->set, table))
		return;
	char *name = g_strdup(table);
	g_queue_push_tail(&queue->waiting, name);
	g_hash_table_add(queue->set, name);
	g_cond_signal(&queue->changed);
}
