/* The listener: libmicrohttpd's callbacks, the pool of blocking handlers, start and stop. */
#include "http/server.h"

#include "base/error.h"
#include "base/log.h"
#include "http/accept.h"
#include "http/exchange.h"
#include "http/intake.h"
#include "http/listen.h"
#include "http/proxy.h"
#include "http/serving.h"
#include "http/sweep.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	DEFAULT_CONNECTIONS = 16 * 1024,
	DEFAULT_BLOCKING_THREADS = 32,
	DEFAULT_BODY_LIMIT = 16 * 1024 * 1024,
	DEFAULT_HEADER_SECONDS = 30,
	DEFAULT_IDLE_SECONDS = 75,
	DEFAULT_BODY_SECONDS = 30,
	DEFAULT_SLOWEST_BODY = 16 * 1024,
	SEND_SECONDS = 2,	       /* for the last answers, when the server stops */
	CONNECTION_MEMORY = 16 * 1024, /* headers must fit; 10,000 idle connections take 170 MB */
};

static void finish_request(struct http_server *server)
{
	if (atomic_fetch_sub(&server->under_way, 1) > 1 || !atomic_load(&server->stopping))
		return;
	g_mutex_lock(&server->lock);
	g_cond_broadcast(&server->idle);
	g_mutex_unlock(&server->lock);
}

static void make_reply(struct http_exchange *exchange, struct http_response *response)
{
	const struct http_application *application = &exchange->server->application;
	if (http_response_status(response) >= 400 && application->dress)
		response = application->dress(&exchange->request, response);
	http_reply_make(exchange, response);
}

static void run_handler(struct http_exchange *exchange)
{
	log_set_request(exchange->id);
	make_reply(exchange, exchange->request.route->handle(&exchange->request));
	log_set_request(NULL);
}

static void run_blocking(gpointer data, gpointer unused)
{
	run_handler(data);
	http_exchange_resume(data);
}

/* Hands a suspended request to the pool, which takes nothing more once the server is cutting. */
static bool push(struct http_exchange *exchange)
{
	struct http_server *server = exchange->server;
	g_mutex_lock(&server->lock);
	bool open = !atomic_load(&server->cutting);
	if (open)
		g_thread_pool_push(server->pool, exchange, NULL);
	g_mutex_unlock(&server->lock);
	return open;
}

/* The request is complete: validate, then answer at once or on the pool. */
static enum MHD_Result handle(struct http_exchange *exchange)
{
	exchange->handled = true;
	http_connection_allow(exchange->peer, 0);
	struct http_response *refusal = exchange->reply ? NULL : http_intake_finish(exchange);
	if (refusal) {
		make_reply(exchange, refusal);
	} else if (!exchange->reply && exchange->request.route->run == HTTP_BLOCKING) {
		http_exchange_suspend(exchange, -1);
		if (push(exchange))
			return MHD_YES;
		http_exchange_resume(exchange);
		make_reply(exchange, http_refuse(503, "The server is shutting down"));
		return MHD_YES;
	} else if (!exchange->reply) {
		run_handler(exchange);
	}
	return http_reply_queue(exchange);
}

static enum MHD_Result begin(struct http_server *server, struct MHD_Connection *connection,
			     const char *path, const char *method, const char *version,
			     void **state)
{
	bool now = false;
	struct http_exchange *exchange = http_exchange_new(server, connection, path);
	*state = exchange;
	atomic_fetch_add(&server->under_way, 1);
	exchange->old = strcmp(version, "HTTP/1.0") == 0;
	http_connection_allow(exchange->peer, server->options.body_seconds);
	log_set_request(exchange->id);
	struct http_response *refusal = http_intake_headers(exchange, method, &now);
	log_set_request(NULL);
	if (refusal)
		make_reply(exchange, refusal);
	return now ? http_reply_queue(exchange) : MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct http_exchange *exchange = *state;
	if (!exchange)
		return begin(cls, connection, path, method, version, state);
	if (*size > 0) {
		bool fine = http_intake_body(exchange, data, *size);
		*size = 0;
		return fine ? MHD_YES : MHD_NO;
	}
	return exchange->handled ? http_reply_queue(exchange) : handle(exchange);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode how)
{
	struct http_server *server = cls;
	struct http_exchange *exchange = *state;
	if (!exchange)
		return;
	http_connection_allow(exchange->peer, server->options.idle_seconds);
	if (server->application.finished)
		server->application.finished(
			&exchange->request, exchange->status,
			(uint64_t)(g_get_monotonic_time() - exchange->started));
	http_exchange_free(exchange);
	finish_request(server);
	*state = NULL;
}

/* The first line of a request is in: from here on the client must hurry. */
static void *on_request_line(void *cls, const char *target, struct MHD_Connection *connection)
{
	const struct http_server *server = cls;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	http_connection_allow(info->socket_context, server->options.header_seconds);
	return NULL;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http_server *server = cls;
	if (what != MHD_CONNECTION_NOTIFY_STARTED) {
		http_sweeper_remove(server->sweeper, *context);
		http_acceptor_closed(server->acceptor);
		return;
	}
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *peer = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	*context = http_sweeper_add(server->sweeper, info->connect_fd,
				    peer ? peer->client_addr : NULL);
	const char *address = http_connection_address(*context);
	http_connection_trust(*context,
			      server->proxies && http_proxies_trust(server->proxies, address));
	http_connection_allow(*context, server->options.header_seconds);
}

/* A NUL would end the text before its end: it becomes a byte that no UTF-8 text has. */
static size_t on_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
	for (char *at = text; (at = strstr(at, "%00"));)
		at[1] = at[2] = 'F';
	return MHD_http_unescape(text);
}

static G_GNUC_PRINTF(2, 0) void on_log(void *cls, const char *format, va_list args)
{
	g_autofree char *message = g_strdup_vprintf(format, args);
	g_debug("libmicrohttpd: %s", g_strchomp(message));
}

static void set_default(int *option, int value)
{
	if (*option <= 0)
		*option = value;
}

static void copy_options(struct http_options *to, const struct http_options *from)
{
	*to = *from;
	to->host = g_strdup(from->host ? from->host : "127.0.0.1");
	to->cors_origins = (const char *const *)g_strdupv((char **)from->cors_origins);
	to->trusted_proxies = NULL; /* see server->proxies */
	to->never_compressed = (const char *const *)g_strdupv((char **)from->never_compressed);
	to->tls_certificate = g_strdup(from->tls_certificate);
	to->tls_key = g_strdup(from->tls_key);
	set_default(&to->event_threads, (int)g_get_num_processors());
	set_default(&to->blocking_threads, DEFAULT_BLOCKING_THREADS);
	set_default(&to->connection_limit, DEFAULT_CONNECTIONS);
	set_default(&to->header_seconds, DEFAULT_HEADER_SECONDS);
	set_default(&to->idle_seconds, DEFAULT_IDLE_SECONDS);
	set_default(&to->body_seconds, DEFAULT_BODY_SECONDS);
	set_default(&to->slowest_body, DEFAULT_SLOWEST_BODY);
	if (!to->body_limit)
		to->body_limit = DEFAULT_BODY_LIMIT;
}

static bool start_daemon(struct http_server *server, GError **error)
{
	const struct http_options *options = &server->options;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
			 MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG |
			 (options->tls_key ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)options->tls_key},
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)options->tls_certificate},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
	/* The acceptor counts. This limit, which is divided by the threads, must never be met:
	 * loads differ, and what was closed is counted a little longer. */
	unsigned most = 2 * (unsigned)options->connection_limit * (unsigned)options->event_threads;
	/* A pool of one thread is refused: then there is simply the daemon's own. */
	unsigned threads = options->event_threads > 1 ? (unsigned)options->event_threads : 0;
	server->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log,
		server, MHD_OPTION_CONNECTION_LIMIT, most, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)options->idle_seconds, MHD_OPTION_URI_LOG_CALLBACK, on_request_line,
		server, MHD_OPTION_UNESCAPE_CALLBACK, on_escaped, server,
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
	server->own_listener = options->listen_fd < 0;
	server->application = *application;
	atomic_init(&server->next_id, (uint64_t)g_get_real_time() ^ (uint64_t)getpid() << 48);
	g_mutex_init(&server->lock);
	g_cond_init(&server->idle);
	server->waiting = g_hash_table_new(NULL, NULL);
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
	if (options->trusted_proxies)
		server->proxies = http_proxies_new(options->trusted_proxies, error);
	if (options->trusted_proxies && !server->proxies)
		return NULL;
	if (!http_listen(&server->options, &server->port, error) || !start_daemon(server, error))
		return NULL;
	server->acceptor = http_acceptor_new(
		server->options.listen_fd, server->options.connection_limit, server->daemon, error);
	if (!server->acceptor)
		return NULL;
	http_acceptor_start(server->acceptor);
	return g_steal_pointer(&server);
}

int http_server_port(const struct http_server *server)
{
	return server->port;
}

static bool is_idle(const struct http_server *server)
{
	return atomic_load(&server->under_way) == 0;
}

/* Of the requests that were ever suspended none is left without its answer. */
static bool is_answered(const struct http_server *server)
{
	return g_hash_table_size(server->waiting) == 0;
}

/* Waits until it is so, but no longer than some seconds. */
static void wait_until(struct http_server *server, bool (*is_so)(const struct http_server *server),
		       int seconds)
{
	gint64 until = g_get_monotonic_time() + seconds * G_TIME_SPAN_SECOND;
	g_mutex_lock(&server->lock);
	while (!is_so(server) && g_cond_wait_until(&server->idle, &server->lock, until))
		;
	g_mutex_unlock(&server->lock);
}

/* Tells every handler that its client is gone and wakes every relay, which then ends. */
static void cut_requests(struct http_server *server)
{
	GHashTableIter each;
	gpointer key;
	g_mutex_lock(&server->lock);
	atomic_store(&server->cutting, true);
	g_hash_table_iter_init(&each, server->waiting);
	while (g_hash_table_iter_next(&each, &key, NULL))
		http_exchange_leave(key);
	g_mutex_unlock(&server->lock);
}

/* Nobody shall wait in vain to be accepted: our socket's queue is dissolved. One that was given to
 * us has another owner, who keeps the queue for our successor. */
static void stop_listening(struct http_server *server)
{
	if (server->acceptor)
		http_acceptor_stop(server->acceptor);
	if (server->own_listener)
		shutdown(server->options.listen_fd, SHUT_RD);
	close(server->options.listen_fd);
	server->options.listen_fd = -1;
}

void http_server_stop(struct http_server *server, int drain_seconds)
{
	if (!server->daemon)
		return;
	atomic_store(&server->stopping, true);
	stop_listening(server);
	wait_until(server, is_idle, drain_seconds);
	/* Even when all is quiet: a connection that is still open may begin a request any time, and
	 * none may sleep when the daemon stops. */
	cut_requests(server);
	/* Handlers notice within the time-outs of what they wait for; then every connection runs.
	 */
	g_thread_pool_free(g_steal_pointer(&server->pool), FALSE, TRUE);
	/* The daemon closes what has not been sent when it stops. */
	wait_until(server, is_answered, SEND_SECONDS);
	MHD_stop_daemon(g_steal_pointer(&server->daemon));
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
	http_acceptor_free(server->acceptor);
	http_watcher_free(server->watcher);
	http_sweeper_free(server->sweeper);
	http_router_free(server->router);
	http_proxies_free(server->proxies);
	g_hash_table_unref(server->waiting);
	g_mutex_clear(&server->lock);
	g_cond_clear(&server->idle);
	g_free((char *)server->options.host);
	g_strfreev((char **)server->options.cors_origins);
	g_strfreev((char **)server->options.never_compressed);
	g_free((char *)server->options.tls_certificate);
	g_free((char *)server->options.tls_key);
	g_free(server);
}

void http_server_load(const struct http_server *server, int *connections, int *requests)
{
	*connections = http_acceptor_count(server->acceptor);
	*requests = atomic_load(&server->under_way);
}
