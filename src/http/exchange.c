/* The life of a request, its suspension, and what it tells the handler about its client. */
#include "http/exchange.h"

#include "http/form.h"
#include "http/proxy.h"
#include "http/serving.h"
#include "http/sweep.h"

#include <inttypes.h>
#include <string.h>

enum { ID_BITS = 48 }; /* twelve digits */

/* Keeps what is harmless of the client's own id; makes one if nothing is left. */
static void choose_id(struct http_exchange *exchange)
{
	const char *given = http_request_header(&exchange->request, "X-Request-ID");
	size_t length = 0;
	for (; given && *given && length < sizeof exchange->id - 1; given++) {
		if (g_ascii_isalnum(*given) || *given == '_' || *given == '-')
			exchange->id[length++] = *given;
	}
	if (length > 0)
		return;
	/* SplitMix64: ids need to differ, not to be secret, and no lock is taken. */
	uint64_t mixed = atomic_fetch_add(&exchange->server->next_id, 0x9e3779b97f4a7c15);
	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
	mixed ^= mixed >> 31;
	static const char digits[] = "0123456789abcdef";
	for (int shift = ID_BITS - 4; shift >= 0; shift -= 4)
		exchange->id[length++] = digits[(mixed >> shift) & 15];
}

struct http_exchange *http_exchange_new(struct http_server *server,
					struct MHD_Connection *connection, const char *path)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_exchange *exchange = g_new0(struct http_exchange, 1);
	exchange->server = server;
	exchange->connection = connection;
	exchange->peer = info->socket_context;
	exchange->started = g_get_monotonic_time();
	g_mutex_init(&exchange->gone_lock);
	exchange->request = (struct http_request){
		.id = exchange->id,
		.path = path,
		.address = http_connection_address(exchange->peer),
		.host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host"),
		.secure = server->options.tls_key != NULL,
		.application = server->application.data,
		.exchange = exchange};
	choose_id(exchange);
	if (http_connection_is_trusted(exchange->peer))
		http_proxy_apply(server->proxies, exchange);
	return exchange;
}

static void unwatch(struct http_exchange *exchange)
{
	http_watch_remove(exchange->server->watcher, g_steal_pointer(&exchange->left_watch));
	http_watch_remove(exchange->server->watcher, g_steal_pointer(&exchange->readable_watch));
	if (!exchange->listed)
		return;
	g_mutex_lock(&exchange->server->lock);
	g_hash_table_remove(exchange->server->waiting, exchange);
	if (atomic_load(&exchange->server->stopping))
		g_cond_broadcast(&exchange->server->idle);
	g_mutex_unlock(&exchange->server->lock);
}

void http_exchange_free(struct http_exchange *exchange)
{
	if (!exchange)
		return;
	struct http_request *request = &exchange->request;
	unwatch(exchange);
	if (request->caller && request->caller_free)
		request->caller_free(request->caller);
	if (exchange->reply)
		MHD_destroy_response(exchange->reply);
	http_form_free(exchange->form);
	g_clear_pointer(&exchange->body, g_byte_array_unref);
	g_clear_pointer(&request->body, g_bytes_unref);
	json_decref(request->fields);
	json_decref(exchange->path_values);
	g_mutex_clear(&exchange->gone_lock);
	g_free(exchange->forwarded);
	g_free(exchange->forwarded_host);
	g_free(exchange);
}

void http_exchange_leave(struct http_exchange *exchange)
{
	g_mutex_lock(&exchange->gone_lock);
	atomic_store(&exchange->gone, true);
	void (*notify)(void *data) = g_steal_pointer(&exchange->gone_notify);
	if (notify)
		notify(exchange->gone_data);
	g_mutex_unlock(&exchange->gone_lock);
	if (atomic_load(&exchange->relaying))
		http_exchange_resume(exchange);
}

static void client_left(void *data)
{
	http_exchange_leave(data);
}

static void descriptor_readable(void *data)
{
	http_exchange_resume(data);
}

/* At the first suspension: from now on the server must know of it, and we of its client. */
static void enlist(struct http_exchange *exchange)
{
	struct http_server *server = exchange->server;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	exchange->listed = true;
	g_mutex_lock(&server->lock);
	g_hash_table_add(server->waiting, exchange);
	g_mutex_unlock(&server->lock);
	/* Without this watch the handler merely learns late that nobody listens. */
	exchange->left_watch = http_watch_add(server->watcher, info->connect_fd, HTTP_WATCH_LEFT,
					      client_left, exchange);
}

static bool watch_descriptor(struct http_exchange *exchange, int fd)
{
	struct http_watcher *watcher = exchange->server->watcher;
	if (exchange->readable_watch)
		return http_watch_again(watcher, exchange->readable_watch);
	exchange->readable_watch = http_watch_add(watcher, fd, HTTP_WATCH_READABLE,
						  descriptor_readable, exchange);
	return exchange->readable_watch != NULL;
}

bool http_exchange_suspend(struct http_exchange *exchange, int fd)
{
	bool fine = true;
	if (!exchange->listed)
		enlist(exchange);
	if (fd >= 0)
		atomic_store(&exchange->relaying, true);
	MHD_suspend_connection(exchange->connection);
	atomic_store(&exchange->suspended, true);
	if (fd >= 0)
		fine = watch_descriptor(exchange, fd);
	/* Who cut or left just before that could not wake what was not asleep yet. */
	if (!fine ||
	    (fd >= 0 && (atomic_load(&exchange->server->cutting) || atomic_load(&exchange->gone))))
		http_exchange_resume(exchange);
	return fine;
}

void http_exchange_resume(struct http_exchange *exchange)
{
	struct MHD_Connection *connection = exchange->connection;
	if (atomic_exchange(&exchange->suspended, false))
		MHD_resume_connection(connection);
}
