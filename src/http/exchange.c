/* The life of a request, its suspension, and what it tells the handler about its client. */
#include "http/exchange.h"

#include "http/form.h"
#include "http/serving.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>

/* Keeps what is harmless of the client's own id; makes one if nothing is left. */
static void choose_id(struct http_exchange *exchange)
{
	const char *given = http_request_header(&exchange->request, "X-Request-ID");
	size_t length = 0;
	for (; given && *given && length < sizeof exchange->id - 1; given++) {
		if (g_ascii_isalnum(*given) || *given == '_' || *given == '-')
			exchange->id[length++] = *given;
	}
	if (length == 0)
		g_snprintf(exchange->id, sizeof exchange->id, "%06x%06x", g_random_int() & 0xffffff,
			   g_random_int() & 0xffffff);
	exchange->request.id = exchange->id;
}

static void peer_address(struct http_exchange *exchange)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	if (address && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr,
			  exchange->address, sizeof exchange->address);
	if (address && address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr,
			  exchange->address, sizeof exchange->address);
	/* One machine has one name, whichever family it came by. */
	if (g_str_has_prefix(exchange->address, "::ffff:") && strchr(exchange->address, '.'))
		memmove(exchange->address, exchange->address + 7,
			strlen(exchange->address + 7) + 1);
}

/* Behind a proxy that we trust, the first address of X-Forwarded-For is the client's. */
static void apply_forwarding(struct http_exchange *exchange)
{
	const char *const *trusted = exchange->server->options.trusted_proxies;
	if (!trusted ||
	    (!g_strv_contains(trusted, exchange->address) && !g_strv_contains(trusted, "*")))
		return;
	const char *proto = http_request_header(&exchange->request, "X-Forwarded-Proto");
	const char *list = http_request_header(&exchange->request, "X-Forwarded-For");
	if (proto)
		exchange->request.secure = g_ascii_strcasecmp(proto, "https") == 0;
	if (!list)
		return;
	g_auto(GStrv) hops = g_strsplit(list, ",", 2);
	char *client = g_strstrip(hops[0]);
	if (g_hostname_is_ip_address(client))
		g_strlcpy(exchange->address, client, sizeof exchange->address);
}

struct http_exchange *http_exchange_new(struct http_server *server,
					struct MHD_Connection *connection, const char *path)
{
	struct http_exchange *exchange = g_new0(struct http_exchange, 1);
	exchange->server = server;
	exchange->connection = connection;
	exchange->path = g_strdup(path);
	exchange->started = g_get_monotonic_time();
	g_mutex_init(&exchange->gone_lock);
	exchange->request = (struct http_request){.path = exchange->path,
						  .address = exchange->address,
						  .secure = server->options.tls_key != NULL,
						  .application = server->application.data,
						  .exchange = exchange};
	choose_id(exchange);
	peer_address(exchange);
	apply_forwarding(exchange);
	return exchange;
}

void http_exchange_free(struct http_exchange *exchange)
{
	if (!exchange)
		return;
	struct http_request *request = &exchange->request;
	if (request->caller && request->caller_free)
		request->caller_free(request->caller);
	http_exchange_unwatch(exchange);
	http_response_free(exchange->response);
	http_form_free(exchange->form);
	g_clear_pointer(&exchange->body, g_byte_array_unref);
	g_clear_pointer(&request->body, g_bytes_unref);
	json_decref(request->fields);
	json_decref(exchange->path_values);
	json_decref(exchange->query_values);
	g_mutex_clear(&exchange->gone_lock);
	g_free(exchange->path);
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
}

static void client_left(void *data)
{
	struct http_exchange *exchange = data;
	http_exchange_leave(exchange);
	if (exchange->readable_watch)
		http_exchange_resume(exchange);
}

static void descriptor_readable(void *data)
{
	http_exchange_resume(data);
}

bool http_exchange_suspend(struct http_exchange *exchange, int fd)
{
	struct http_watcher *watcher = exchange->server->watcher;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	http_exchange_unwatch(exchange);
	atomic_store(&exchange->suspended, true);
	MHD_suspend_connection(exchange->connection);
	if (fd >= 0) {
		exchange->readable_watch = http_watch_add(watcher, fd, HTTP_WATCH_READABLE,
							  descriptor_readable, exchange);
		if (!exchange->readable_watch) {
			http_exchange_resume(exchange);
			return false;
		}
	}
	/* The server may have begun to cut relays just before this one was suspended. */
	if (fd >= 0 && atomic_load(&exchange->server->cutting))
		http_exchange_resume(exchange);
	/* Without this watch the handler merely learns late that nobody listens. */
	exchange->left_watch = http_watch_add(watcher, info->connect_fd, HTTP_WATCH_LEFT,
					      client_left, exchange);
	return true;
}

void http_exchange_resume(struct http_exchange *exchange)
{
	if (atomic_exchange(&exchange->suspended, false))
		MHD_resume_connection(exchange->connection);
}

void http_exchange_unwatch(struct http_exchange *exchange)
{
	http_watch_remove(exchange->server->watcher, g_steal_pointer(&exchange->left_watch));
	http_watch_remove(exchange->server->watcher, g_steal_pointer(&exchange->readable_watch));
}
