/*
 * A server with one route of each kind on src/http, for the tests of the HTTP core: prints its
 * port, serves until SIGTERM, then drains for as many seconds as $DRAIN says. Options come from the
 * environment, see read_options().
 */
#include "base/systemd.h"
#include "http/openapi.h"
#include "http/server.h"
#include "http/static.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

enum { ANYBODY, MEMBERS };

static struct http_response *hello(struct http_request *request)
{
	return http_json(200, json_pack("{ss}", "hello", "world"));
}

/* As an application answers from memory: rendered before, with an ETag. */
static struct http_response *constant(struct http_request *request)
{
	static const char text[] = "{\"hello\":\"world\"}";
	g_autoptr(GBytes) bytes = g_bytes_new_static(text, strlen(text));
	struct http_response *response = http_json_bytes(200, bytes);
	http_response_etag(response, "constant-1");
	return response;
}

static struct http_response *echo(struct http_request *request)
{
	return http_json(200, json_incref(request->fields));
}

static struct http_response *about(struct http_request *request)
{
	return http_json(200, json_pack("{sO ss sb ss}", "fields", request->fields, "address",
					request->address, "secure", request->secure, "path",
					request->path));
}

static struct http_response *large(struct http_request *request)
{
	char *text = g_strnfill((gsize)http_request_int(request, "size"), 'x');
	struct http_response *response = http_text(200, "text/plain", text);
	http_response_etag(response, "large-1");
	return response;
}

static struct http_response *slow(struct http_request *request)
{
	for (int64_t i = 0; i < http_request_int(request, "ms") && !http_request_gone(request); i++)
		g_usleep(1000);
	if (http_request_gone(request))
		g_printerr("slow: the client left\n");
	return http_json(200, json_pack("{sb}", "gone", http_request_gone(request)));
}

/* A handler that hears nobody. */
static struct http_response *stubborn(struct http_request *request)
{
	g_usleep((gulong)http_request_int(request, "ms") * 1000);
	return http_empty(204);
}

/* Until the client leaves, told rather than asked. */
struct bell {
	GMutex lock;
	GCond rung;
	bool left;
};

static void ring(void *data)
{
	struct bell *bell = data;
	g_mutex_lock(&bell->lock);
	bell->left = true;
	g_cond_signal(&bell->rung);
	g_mutex_unlock(&bell->lock);
}

static struct http_response *wait_for_leaving(struct http_request *request)
{
	struct bell bell = {.left = false};
	g_mutex_init(&bell.lock);
	g_cond_init(&bell.rung);
	http_request_on_gone(request, ring, &bell);
	g_mutex_lock(&bell.lock);
	while (!bell.left)
		g_cond_wait(&bell.rung, &bell.lock);
	g_mutex_unlock(&bell.lock);
	http_request_on_gone(request, NULL, NULL);
	g_printerr("wait: told\n");
	g_mutex_clear(&bell.lock);
	g_cond_clear(&bell.rung);
	return http_empty(204);
}

static struct http_response *raw(struct http_request *request)
{
	g_autofree char *md5 = g_compute_checksum_for_bytes(G_CHECKSUM_MD5, request->body);
	return http_json(200, json_pack("{sI ss}", "size",
					(json_int_t)g_bytes_get_size(request->body), "md5", md5));
}

static struct http_response *page(struct http_request *request)
{
	return http_text(200, "text/html; charset=utf-8", g_strdup("<!doctype html><p>Hello"));
}

static struct http_response *move(struct http_request *request)
{
	return http_redirect(302, http_request_text(request, "to"));
}

static struct http_response *assets(struct http_request *request)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(http_static) files = http_static_new(g_getenv("DEMO_STATIC"), &error);
	if (!files)
		return http_refuse_error(request, g_steal_pointer(&error));
	return http_static_serve(files, request->route->fields ? http_request_text(request, "rest")
							       : "index.html");
}

static struct http_response *load(struct http_request *request)
{
	int connections, requests;
	const struct http_server *const *server = request->application;
	http_server_load(*server, &connections, &requests);
	return http_json(200,
			 json_pack("{si si}", "connections", connections, "requests", requests));
}

static struct http_response *file(struct http_request *request)
{
	int fd = open(g_getenv("DEMO_FILE"), O_RDONLY | O_CLOEXEC);
	struct http_response *response = http_file(fd, "application/octet-stream", "file-1");
	http_response_attachment(response, http_request_text(request, "name"));
	return response;
}

static struct http_response *upload(struct http_request *request)
{
	const struct http_upload *given = http_request_upload(request, "file");
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_MD5);
	guchar buffer[8192];
	ssize_t got;
	while ((got = read(given->fd, buffer, sizeof buffer)) > 0)
		g_checksum_update(checksum, buffer, got);
	return http_json(200, json_pack("{ss sI ss}", "filename", given->filename, "size",
					(json_int_t)given->size, "md5",
					g_checksum_get_string(checksum)));
}

struct producer {
	int fd;
	int64_t lines, width, pause_ms;
};

static gpointer produce(gpointer data)
{
	g_autofree struct producer *producer = data;
	for (int64_t i = 0; i < producer->lines; i++) {
		g_autofree char *line = g_strdup_printf("line %-*" G_GINT64_FORMAT "\n",
							(int)producer->width, i);
		if (write(producer->fd, line, strlen(line)) < 0)
			break;
		if (producer->pause_ms)
			g_usleep((gulong)producer->pause_ms * 1000);
	}
	close(producer->fd);
	return NULL;
}

static bool relay_finish(void *data, bool left)
{
	if (left)
		g_printerr("relay: the client left\n");
	return !GPOINTER_TO_INT(data);
}

static struct http_response *relay(struct http_request *request)
{
	int pipe_fds[2];
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return http_refuse(500, "no pipe");
	struct producer *producer = g_new0(struct producer, 1);
	producer->fd = pipe_fds[1];
	producer->lines = http_request_int(request, "lines");
	producer->width = http_request_int(request, "width");
	producer->pause_ms = http_request_int(request, "pause_ms");
	g_thread_unref(g_thread_new("producer", produce, producer));
	return http_relay(200, "text/plain", pipe_fds[0], relay_finish,
			  GINT_TO_POINTER(http_request_bool(request, "fail")));
}

static struct http_application application;

static struct http_response *openapi(struct http_request *request)
{
	return http_json(200, http_openapi(&application));
}

static char *no_spaces(const json_t *value)
{
	return strchr(json_string_value(value), ' ') ? g_strdup("must not hold a space") : NULL;
}

static const struct http_field echo_fields[] = {
	{"name", HTTP_IN_BODY, HTTP_STRING, .required = true, .check = no_spaces},
	{"count", HTTP_IN_BODY, HTTP_INTEGER, .initial = "3", .least = 1, .most = 100},
	{"flag", HTTP_IN_BODY, HTTP_BOOLEAN, .initial = "false"},
	{"ratio", HTTP_IN_BODY, HTTP_NUMBER, .nullable = true},
	{"tags", HTTP_IN_BODY, HTTP_STRINGS, .nullable = true},
	{"extra", HTTP_IN_BODY, HTTP_OBJECT, .nullable = true},
	{0},
};
static const struct http_field about_fields[] = {
	{"id", HTTP_IN_PATH, HTTP_STRING, .required = true},
	{"n", HTTP_IN_QUERY, HTTP_INTEGER, .initial = "5"},
	{0},
};
static const struct http_field rest_fields[] = {
	{"rest", HTTP_IN_PATH, HTTP_STRING, .required = true}, {0}};
static const struct http_field size_fields[] = {
	{"size", HTTP_IN_QUERY, HTTP_INTEGER, .required = true, .least = 0, .most = 100000000},
	{0}};
static const struct http_field slow_fields[] = {
	{"ms", HTTP_IN_QUERY, HTTP_INTEGER, .required = true}, {0}};
static const struct http_field file_fields[] = {
	{"name", HTTP_IN_PATH, HTTP_STRING, .required = true}, {0}};
static const struct http_field upload_fields[] = {
	{"file", HTTP_IN_FILE, HTTP_ANY, .required = true},
	{"note", HTTP_IN_FORM, HTTP_STRING, .initial = "\"\""},
	{0}};
static const struct http_field move_fields[] = {
	{"to", HTTP_IN_QUERY, HTTP_STRING, .required = true}, {0}};
static const struct http_field relay_fields[] = {
	{"lines", HTTP_IN_QUERY, HTTP_INTEGER, .initial = "10"},
	{"width", HTTP_IN_QUERY, HTTP_INTEGER, .initial = "1", .least = 1, .most = 1000000},
	{"pause_ms", HTTP_IN_QUERY, HTTP_INTEGER, .initial = "0"},
	{"fail", HTTP_IN_QUERY, HTTP_BOOLEAN, .initial = "false"},
	{0}};

static const struct http_answer not_found[] = {{404, "There is no such thing"}, {0}};

static const struct http_route routes[] = {
	{HTTP_GET, "/hello", .summary = "Says hello", .tag = "demo", .handle = hello},
	{HTTP_GET, "/openapi.json", .summary = "This description", .tag = "demo",
	 .handle = openapi},
	{HTTP_GET, "/secret", MEMBERS, .summary = "For members", .tag = "demo", .handle = hello},
	{HTTP_POST, "/secret", MEMBERS, HTTP_BLOCKING, HTTP_JSON, .fields = echo_fields,
	 .summary = "For members", .tag = "demo", .handle = echo},
	{HTTP_POST, "/echo", ANYBODY, HTTP_INLINE, HTTP_JSON, .body_limit = 4096,
	 .fields = echo_fields, .summary = "Gives the fields back", .tag = "demo", .handle = echo},
	{HTTP_GET, "/things/{id}", .fields = about_fields, .summary = "One thing", .tag = "demo",
	 .answers = not_found, .handle = about},
	{HTTP_DELETE, "/things/{id}", .fields = about_fields, .summary = "One thing less",
	 .tag = "demo", .handle = about},
	{HTTP_GET, "/things/special", .summary = "A literal", .tag = "demo", .handle = hello},
	{HTTP_GET, "/rest/{rest...}", .fields = rest_fields, .summary = "The rest", .tag = "demo",
	 .handle = about},
	{HTTP_GET, "/large", .fields = size_fields, .summary = "A large body", .tag = "demo",
	 .handle = large},
	{HTTP_GET, "/never/large", .fields = size_fields, .summary = "Never compressed",
	 .tag = "demo", .handle = large},
	{HTTP_GET, "/slow", ANYBODY, HTTP_BLOCKING, .fields = slow_fields, .summary = "Waits",
	 .tag = "demo", .handle = slow},
	{HTTP_GET, "/stubborn", ANYBODY, HTTP_BLOCKING, .fields = slow_fields,
	 .summary = "Waits in any case", .tag = "demo", .handle = stubborn},
	{HTTP_GET, "/file/{name}", .fields = file_fields, .summary = "A file", .tag = "demo",
	 .handle = file},
	{HTTP_POST, "/upload", ANYBODY, HTTP_BLOCKING, HTTP_FORM, .body_limit = 64 << 20,
	 .fields = upload_fields, .summary = "Takes a file", .tag = "demo", .handle = upload},
	{HTTP_POST, "/quick-upload", ANYBODY, HTTP_INLINE, HTTP_FORM, .body_limit = 64 << 20,
	 .fields = upload_fields, .summary = "Takes a file", .tag = "demo", .handle = upload},
	{HTTP_PUT, "/raw", ANYBODY, HTTP_INLINE, HTTP_RAW, .summary = "Takes bytes", .tag = "demo",
	 .handle = raw},
	{HTTP_GET, "/wait", ANYBODY, HTTP_BLOCKING, .summary = "Until the client leaves",
	 .tag = "demo", .handle = wait_for_leaving},
	{HTTP_GET, "/constant", .summary = "From memory", .tag = "demo", .handle = constant},
	{HTTP_GET, "/page", .summary = "HTML", .tag = "demo", .handle = page},
	{HTTP_GET, "/move", .fields = move_fields, .summary = "Elsewhere", .tag = "demo",
	 .handle = move},
	{HTTP_GET, "/load", .summary = "What is going on", .tag = "demo", .handle = load},
	{HTTP_GET, "/large-late", ANYBODY, HTTP_BLOCKING, .fields = size_fields,
	 .summary = "A large body, from the pool", .tag = "demo", .handle = large},
	{HTTP_GET, "/docs", .summary = "The API to read", .tag = "demo", .handle = assets},
	{HTTP_GET, "/docs/{rest...}", .fields = rest_fields, .summary = "Its files", .tag = "demo",
	 .handle = assets},
	{HTTP_GET, "/relay", .fields = relay_fields, .summary = "Lines from a pipe", .tag = "demo",
	 .handle = relay},
};

static struct http_response *admit(struct http_request *request)
{
	const char *token = http_request_header(request, "Authorization");
	if (request->route->access == ANYBODY || g_strcmp0(token, "Bearer right") == 0)
		return NULL;
	return http_refuse(401, "Missing or invalid Authorization header");
}

static gboolean quit(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

static int number(const char *name)
{
	const char *text = g_getenv(name);
	return text ? (int)g_ascii_strtoll(text, NULL, 10) : 0;
}

static struct http_options read_options(void)
{
	static const char *const never[] = {"/never/", NULL};
	static const char *const origins[] = {"http://app.example.com", NULL};
	const char *trusted = g_getenv("TRUSTED");
	return (struct http_options){
		.listen_fd = -1,
		.port = number("PORT"),
		.event_threads = number("EVENT_THREADS"),
		.blocking_threads = number("BLOCKING_THREADS"),
		.connection_limit = number("CONNECTION_LIMIT"),
		.header_seconds = number("HEADER_SECONDS"),
		.idle_seconds = number("IDLE_SECONDS"),
		.body_seconds = number("BODY_SECONDS"),
		.slowest_body = number("SLOWEST_BODY"),
		.never_compressed = never,
		.cors_origins = origins,
		.trusted_proxies = trusted ? (const char *const *)g_strsplit(trusted, ",", -1)
					   : NULL,
		.tls_certificate = g_getenv("TLS_CERTIFICATE"),
		.tls_key = g_getenv("TLS_KEY"),
	};
}

static struct http_server *start(struct http_options *options, GError **error)
{
	GError *problem = NULL;
	options->listen_fd = systemd_take_listener(&problem);
	if (problem) {
		g_propagate_error(error, problem);
		return NULL;
	}
	return http_server_start(options, &application, error);
}

static const char *const access_meanings[] = {[ANYBODY] = NULL, [MEMBERS] = "members"};
static struct http_application application = {.title = "Demo",
					      .description = "Every kind of route",
					      .version = "1",
					      .routes = routes,
					      .route_count = G_N_ELEMENTS(routes),
					      .admit = admit,
					      .access_meanings = access_meanings};

int main(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(http_server) server = NULL;
	struct http_options options = read_options();
	application.data = &server;
	server = start(&options, &error);
	g_strfreev((char **)options.trusted_proxies);
	if (!server || !systemd_notify("READY=1", &error)) {
		g_printerr("%s\n", error->message);
		return 1;
	}
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	g_unix_signal_add(SIGTERM, quit, loop);
	g_print("%d\n", http_server_port(server));
	g_main_loop_run(loop);
	systemd_notify("STOPPING=1", NULL);
	http_server_stop(server, g_getenv("DRAIN") ? number("DRAIN") : 1);
	g_print("stopped\n");
	return 0;
}
