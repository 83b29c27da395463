/* At most one process waits; a thread starts its successor. */
#include "query/spare.h"

struct query_spare {
	const struct query_child_options *options;
	GMutex lock;
	struct query_child *child; /* NULL: it was taken */
	GThreadPool *starter;
};

/* What fails here fails again, and is told, when somebody needs the worker. */
static void start(gpointer data, gpointer user_data)
{
	struct query_spare *spare = user_data;
	g_autoptr(query_child) child = query_child_start(spare->options, NULL);
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&spare->lock);
	if (!spare->child)
		spare->child = g_steal_pointer(&child);
}

struct query_spare *query_spare_new(const struct query_child_options *options)
{
	struct query_spare *spare = g_new0(struct query_spare, 1);
	spare->options = options;
	g_mutex_init(&spare->lock);
	spare->starter = g_thread_pool_new(start, spare, 1, FALSE, NULL);
	g_thread_pool_push(spare->starter, spare, NULL);
	return spare;
}

void query_spare_free(struct query_spare *spare)
{
	if (!spare)
		return;
	g_thread_pool_free(spare->starter, TRUE, TRUE);
	query_child_free(spare->child);
	g_mutex_clear(&spare->lock);
	g_free(spare);
}

struct query_child *query_spare_take(struct query_spare *spare, GError **error)
{
	g_mutex_lock(&spare->lock);
	g_autoptr(query_child) child = g_steal_pointer(&spare->child);
	g_mutex_unlock(&spare->lock);
	g_thread_pool_push(spare->starter, spare, NULL);
	if (child && query_child_is_alive(child))
		return g_steal_pointer(&child);
	return query_child_start(spare->options, error);
}
