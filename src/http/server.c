/* The listener: libmicrohttpd's callbacks, the pool of blocking handlers, start and stop. */
#include "http/server.h"

#include "base/error.h"
#include "base/log.h"
#include "http/exchange.h"
#include "http/intake.h"
#include "http/serving.h"
#include "http/sweep.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	DEFAULT_CONNECTIONS = 16 * 1024,
	DEFAULT_BLOCKING_THREADS = 32,
	DEFAULT_BODY_LIMIT = 16 * 1024 * 1024,
	CONNECTION_MEMORY = 16 * 1024, /* headers must fit; 10,000 idle connections take 170 MB */
	IDLE_SECONDS = 75,
	HEADER_SECONDS = 30,
	LISTEN_BACKLOG = 1024,
};

static void register_request(struct http_exchange *exchange)
{
	struct http_server *server = exchange->server;
	g_mutex_lock(&server->lock);
	g_hash_table_add(server->requests, exchange);
	g_mutex_unlock(&server->lock);
}

static void unregister_request(struct http_exchange *exchange)
{
	struct http_server *server = exchange->server;
	g_mutex_lock(&server->lock);
	g_hash_table_remove(server->requests, exchange);
	if (g_hash_table_size(server->requests) == 0)
		g_cond_broadcast(&server->idle);
	g_mutex_unlock(&server->lock);
}

static enum MHD_Result refuse(struct http_exchange *exchange, struct http_response *refusal)
{
	const struct http_application *application = &exchange->server->application;
	if (application->dress)
		refusal = application->dress(&exchange->request, refusal);
	return http_send(exchange, refusal);
}

static struct http_response *call_handler(struct http_exchange *exchange)
{
	log_set_request(exchange->id);
	struct http_response *response = exchange->request.route->handle(&exchange->request);
	log_set_request(NULL);
	const struct http_application *application = &exchange->server->application;
	if (http_response_status(response) >= 400 && application->dress)
		response = application->dress(&exchange->request, response);
	return response;
}

static void run_blocking(gpointer data, gpointer unused)
{
	struct http_exchange *exchange = data;
	exchange->response = call_handler(exchange);
	http_exchange_resume(exchange);
}

/* The request is complete: validate, then answer at once or on the pool. */
static enum MHD_Result handle(struct http_exchange *exchange)
{
	exchange->handled = true;
	http_connection_allow(exchange->deadline, 0);
	struct http_response *refusal = http_intake_finish(exchange);
	if (refusal)
		return refuse(exchange, refusal);
	if (exchange->request.route->run == HTTP_INLINE)
		return http_send(exchange, call_handler(exchange));
	if (!http_exchange_suspend(exchange, -1))
		return MHD_NO;
	g_thread_pool_push(exchange->server->pool, exchange, NULL);
	return MHD_YES;
}

static enum MHD_Result begin(struct http_server *server, struct MHD_Connection *connection,
			     const char *path, const char *method, void **state)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_exchange *exchange = http_exchange_new(server, connection, path);
	exchange->deadline = info->socket_context;
	*state = exchange;
	register_request(exchange);
	struct http_response *refusal = http_intake_headers(exchange, method);
	return refusal ? refuse(exchange, refusal) : MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct http_exchange *exchange = *state;
	if (!exchange)
		return begin(cls, connection, path, method, state);
	if (*size > 0) {
		bool fine = http_intake_body(exchange, data, *size);
		*size = 0;
		return fine ? MHD_YES : MHD_NO;
	}
	if (!exchange->handled)
		return handle(exchange);
	http_exchange_unwatch(exchange);
	return exchange->response ? http_send(exchange, g_steal_pointer(&exchange->response))
				  : MHD_NO;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode how)
{
	struct http_exchange *exchange = *state;
	if (!exchange)
		return;
	const struct http_application *application = &exchange->server->application;
	http_connection_allow(exchange->deadline, IDLE_SECONDS);
	if (application->finished)
		application->finished(&exchange->request, exchange->status,
				      (uint64_t)(g_get_monotonic_time() - exchange->started));
	unregister_request(exchange);
	http_exchange_free(exchange);
	*state = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http_server *server = cls;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info = MHD_get_connection_info(
			connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		*context = http_sweeper_add(server->sweeper, info->connect_fd);
		http_connection_allow(*context, HEADER_SECONDS);
		atomic_fetch_add(&server->connections, 1);
	} else {
		http_sweeper_remove(server->sweeper, *context);
		atomic_fetch_sub(&server->connections, 1);
	}
}

static G_GNUC_PRINTF(2, 0) void on_log(void *cls, const char *format, va_list args)
{
	g_autofree char *message = g_strdup_vprintf(format, args);
	g_debug("libmicrohttpd: %s", g_strchomp(message));
}

static int listen_on(const char *host, int port, GError **error)
{
	struct addrinfo *found = NULL;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	g_autofree char *service = g_strdup_printf("%d", port);
	int problem = getaddrinfo(host, service, &hints, &found);
	if (problem) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "cannot listen on '%s': %s",
			    host, gai_strerror(problem));
		return -1;
	}
	const int on = 1;
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool fine = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
		    bind(fd, found->ai_addr, found->ai_addrlen) == 0 &&
		    listen(fd, LISTEN_BACKLOG) == 0;
	if (!fine) {
		agnes_set_errno(error, errno, "cannot listen on %s port %d", host, port);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

static int bound_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;
	char service[NI_MAXSERV] = "0";
	if (getsockname(fd, (struct sockaddr *)&address, &size) == 0)
		getnameinfo((struct sockaddr *)&address, size, NULL, 0, service, sizeof service,
			    NI_NUMERICSERV);
	return (int)g_ascii_strtoll(service, NULL, 10);
}

static void copy_options(struct http_options *to, const struct http_options *from)
{
	*to = *from;
	to->host = g_strdup(from->host ? from->host : "127.0.0.1");
	to->cors_origins = (const char *const *)g_strdupv((char **)from->cors_origins);
	to->trusted_proxies = (const char *const *)g_strdupv((char **)from->trusted_proxies);
	to->never_compressed = (const char *const *)g_strdupv((char **)from->never_compressed);
	to->tls_certificate = g_strdup(from->tls_certificate);
	to->tls_key = g_strdup(from->tls_key);
	if (!to->event_threads)
		to->event_threads = (int)g_get_num_processors();
	if (!to->blocking_threads)
		to->blocking_threads = DEFAULT_BLOCKING_THREADS;
	if (!to->connection_limit)
		to->connection_limit = DEFAULT_CONNECTIONS;
	if (!to->body_limit)
		to->body_limit = DEFAULT_BODY_LIMIT;
}

static bool start_daemon(struct http_server *server, GError **error)
{
	const struct http_options *options = &server->options;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
			 MHD_USE_ERROR_LOG | (options->tls_key ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)options->tls_key},
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)options->tls_certificate},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
	/* A pool of one thread is refused: then there is simply the daemon's own. */
	unsigned threads = options->event_threads > 1 ? (unsigned)options->event_threads : 0;
	server->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log,
		server, MHD_OPTION_LISTEN_SOCKET, options->listen_fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)options->connection_limit, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, server, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_THREAD_POOL_SIZE, threads,
		MHD_OPTION_ARRAY, options->tls_key ? tls : none, MHD_OPTION_END);
	if (server->daemon)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED,
		    "the HTTP server does not start on port %d%s", server->port,
		    options->tls_key ? " (are certificate and key valid PEM, and of one pair?)"
				     : "");
	return false;
}

struct http_server *http_server_start(const struct http_options *options,
				      const struct http_application *application, GError **error)
{
	g_autoptr(http_server) server = g_new0(struct http_server, 1);
	copy_options(&server->options, options);
	server->application = *application;
	g_mutex_init(&server->lock);
	g_cond_init(&server->idle);
	server->requests = g_hash_table_new(NULL, NULL);
	server->router = http_router_new(application->routes, application->route_count);
	server->sweeper = http_sweeper_new();
	server->pool = g_thread_pool_new(run_blocking, NULL, server->options.blocking_threads,
					 FALSE, NULL);
	/* A client that leaves must be an error code, not a signal: sendfile has no MSG_NOSIGNAL.
	 */
	signal(SIGPIPE, SIG_IGN);
	server->watcher = http_watcher_new(error);
	if (!server->watcher)
		return NULL;
	if (server->options.listen_fd < 0)
		server->options.listen_fd = listen_on(server->options.host, server->options.port,
						      error);
	if (server->options.listen_fd < 0)
		return NULL;
	server->port = bound_port(server->options.listen_fd);
	if (!start_daemon(server, error))
		return NULL;
	return g_steal_pointer(&server);
}

int http_server_port(const struct http_server *server)
{
	return server->port;
}

/* Whether nothing is under way any more; waits until `until` at most. */
static bool wait_idle(struct http_server *server, gint64 until)
{
	g_mutex_lock(&server->lock);
	while (g_hash_table_size(server->requests) > 0 &&
	       g_cond_wait_until(&server->idle, &server->lock, until))
		;
	bool idle = g_hash_table_size(server->requests) == 0;
	g_mutex_unlock(&server->lock);
	return idle;
}

/* Tells every handler that its client is gone and wakes every relay, which then ends. */
static void cut_requests(struct http_server *server)
{
	GHashTableIter each;
	gpointer key;
	atomic_store(&server->cutting, true);
	g_mutex_lock(&server->lock);
	g_hash_table_iter_init(&each, server->requests);
	while (g_hash_table_iter_next(&each, &key, NULL)) {
		struct http_exchange *exchange = key;
		http_exchange_leave(exchange);
		if (!exchange->handled || exchange->status)
			http_exchange_resume(exchange);
	}
	g_mutex_unlock(&server->lock);
}

void http_server_stop(struct http_server *server, int drain_seconds)
{
	if (!server->daemon)
		return;
	atomic_store(&server->stopping, true);
	MHD_socket listening = MHD_quiesce_daemon(server->daemon);
	if (!wait_idle(server, g_get_monotonic_time() + drain_seconds * G_TIME_SPAN_SECOND))
		cut_requests(server);
	/* Handlers notice within the time-outs of what they wait for; then every connection runs.
	 */
	g_thread_pool_free(g_steal_pointer(&server->pool), FALSE, TRUE);
	MHD_stop_daemon(g_steal_pointer(&server->daemon));
	if (listening != MHD_INVALID_SOCKET)
		close(listening);
	server->options.listen_fd = -1;
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	http_server_stop(server, 0);
	if (server->pool)
		g_thread_pool_free(server->pool, TRUE, TRUE);
	if (server->options.listen_fd >= 0)
		close(server->options.listen_fd);
	http_watcher_free(server->watcher);
	http_sweeper_free(server->sweeper);
	http_router_free(server->router);
	g_hash_table_unref(server->requests);
	g_mutex_clear(&server->lock);
	g_cond_clear(&server->idle);
	g_free((char *)server->options.host);
	g_strfreev((char **)server->options.cors_origins);
	g_strfreev((char **)server->options.trusted_proxies);
	g_strfreev((char **)server->options.never_compressed);
	g_free((char *)server->options.tls_certificate);
	g_free((char *)server->options.tls_key);
	g_free(server);
}

void http_server_load(struct http_server *server, int *connections, int *requests)
{
	*connections = atomic_load(&server->connections);
	g_mutex_lock(&server->lock);
	*requests = (int)g_hash_table_size(server->requests);
	g_mutex_unlock(&server->lock);
}
