/* The thread that closes connections whose client takes too long. */
#include "http/sweep.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct http_connection {
	int fd;
	_Atomic gint64 deadline; /* monotonic microseconds; 0: none */
};

struct http_sweeper {
	GMutex lock;
	GCond stop;
	bool stopping;
	GHashTable *connections; /* set */
	GThread *thread;
};

/* A shutdown wakes libmicrohttpd, which then closes the descriptor itself. */
static void cut_late(struct http_sweeper *sweeper)
{
	GHashTableIter each;
	gpointer key;
	gint64 now = g_get_monotonic_time();
	g_hash_table_iter_init(&each, sweeper->connections);
	while (g_hash_table_iter_next(&each, &key, NULL)) {
		struct http_connection *connection = key;
		gint64 deadline = atomic_load(&connection->deadline);
		if (deadline && deadline < now)
			shutdown(connection->fd, SHUT_RDWR);
	}
}

static gpointer sweep_loop(gpointer data)
{
	struct http_sweeper *sweeper = data;
	g_mutex_lock(&sweeper->lock);
	while (!sweeper->stopping) {
		cut_late(sweeper);
		g_cond_wait_until(&sweeper->stop, &sweeper->lock,
				  g_get_monotonic_time() + G_TIME_SPAN_SECOND);
	}
	g_mutex_unlock(&sweeper->lock);
	return NULL;
}

struct http_sweeper *http_sweeper_new(void)
{
	struct http_sweeper *sweeper = g_new0(struct http_sweeper, 1);
	g_mutex_init(&sweeper->lock);
	g_cond_init(&sweeper->stop);
	sweeper->connections = g_hash_table_new(NULL, NULL);
	sweeper->thread = g_thread_new("http-sweep", sweep_loop, sweeper);
	return sweeper;
}

void http_sweeper_free(struct http_sweeper *sweeper)
{
	if (!sweeper)
		return;
	g_mutex_lock(&sweeper->lock);
	sweeper->stopping = true;
	g_cond_signal(&sweeper->stop);
	g_mutex_unlock(&sweeper->lock);
	g_thread_join(sweeper->thread);
	g_hash_table_unref(sweeper->connections);
	g_mutex_clear(&sweeper->lock);
	g_cond_clear(&sweeper->stop);
	g_free(sweeper);
}

struct http_connection *http_sweeper_add(struct http_sweeper *sweeper, int fd)
{
	struct http_connection *connection = g_new0(struct http_connection, 1);
	connection->fd = fd;
	g_mutex_lock(&sweeper->lock);
	g_hash_table_add(sweeper->connections, connection);
	g_mutex_unlock(&sweeper->lock);
	return connection;
}

void http_sweeper_remove(struct http_sweeper *sweeper, struct http_connection *connection)
{
	g_mutex_lock(&sweeper->lock);
	g_hash_table_remove(sweeper->connections, connection);
	g_mutex_unlock(&sweeper->lock);
	g_free(connection);
}

void http_connection_allow(struct http_connection *connection, int64_t seconds)
{
	gint64 deadline = seconds ? g_get_monotonic_time() + seconds * G_TIME_SPAN_SECOND : 0;
	atomic_store(&connection->deadline, deadline);
}
