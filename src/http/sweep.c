/* The thread that closes connections whose client takes too long. */
#include "http/sweep.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>

struct http_connection {
	struct http_sweeper *sweeper;
	int fd;
	atomic_int deadline; /* in the sweeper's seconds; 0: none */
	bool trusted;
	char address[INET6_ADDRSTRLEN];
};

struct http_sweeper {
	GMutex lock;
	GCond stop;
	bool stopping;
	GHashTable *connections; /* set */
	atomic_int now;		 /* seconds since the start: a clock that costs nothing to read */
	gint64 start;
	GThread *thread;
};

/* A shutdown wakes libmicrohttpd, which then closes the descriptor itself. */
static void cut_late(struct http_sweeper *sweeper)
{
	GHashTableIter each;
	gpointer key;
	int now = atomic_load(&sweeper->now);
	g_hash_table_iter_init(&each, sweeper->connections);
	while (g_hash_table_iter_next(&each, &key, NULL)) {
		struct http_connection *connection = key;
		int deadline = atomic_load_explicit(&connection->deadline, memory_order_relaxed);
		if (deadline && deadline < now)
			shutdown(connection->fd, SHUT_RDWR);
	}
}

static gpointer sweep_loop(gpointer data)
{
	struct http_sweeper *sweeper = data;
	g_mutex_lock(&sweeper->lock);
	while (!sweeper->stopping) {
		gint64 now = g_get_monotonic_time();
		atomic_store(&sweeper->now, 1 + (int)((now - sweeper->start) / G_TIME_SPAN_SECOND));
		cut_late(sweeper);
		g_cond_wait_until(&sweeper->stop, &sweeper->lock, now + G_TIME_SPAN_SECOND);
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
	sweeper->start = g_get_monotonic_time();
	atomic_init(&sweeper->now, 1);
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

static void write_address(const struct sockaddr *address, char *text, socklen_t size)
{
	if (address && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text, size);
	if (address && address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, text, size);
	/* One machine has one name, whichever family it came by. */
	static const char mapped[] = "::ffff:";
	if (g_str_has_prefix(text, mapped) && strchr(text, '.'))
		memmove(text, text + strlen(mapped), strlen(text + strlen(mapped)) + 1);
}

struct http_connection *http_sweeper_add(struct http_sweeper *sweeper, int fd,
					 const struct sockaddr *address)
{
	struct http_connection *connection = g_new0(struct http_connection, 1);
	connection->sweeper = sweeper;
	connection->fd = fd;
	write_address(address, connection->address, sizeof connection->address);
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

void http_connection_allow(struct http_connection *connection, int seconds)
{
	int now = atomic_load_explicit(&connection->sweeper->now, memory_order_relaxed);
	atomic_store_explicit(&connection->deadline, seconds ? now + seconds : 0,
			      memory_order_relaxed);
}

void http_connection_extend(struct http_connection *connection, int seconds)
{
	atomic_fetch_add_explicit(&connection->deadline, seconds, memory_order_relaxed);
}

const char *http_connection_address(const struct http_connection *connection)
{
	return connection->address;
}

void http_connection_trust(struct http_connection *connection, bool trusted)
{
	connection->trusted = trusted;
}

bool http_connection_is_trusted(const struct http_connection *connection)
{
	return connection->trusted;
}
