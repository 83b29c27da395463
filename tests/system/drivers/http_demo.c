/*
 * A server with one route of each kind on src/http, for the tests of the HTTP core: prints its
 * port, serves until SIGTERM, then drains for as many seconds as $DRAIN says.
 */
#include "http/openapi.h"
#include "http/server.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANYBODY, MEMBERS };

static struct http_response *hello(struct http_request *request)
{
	return http_json(200, json_pack("{ss}", "hello", "world"));
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
	int64_t lines, pause_ms;
	bool fail;
};

static gpointer produce(gpointer data)
{
	g_autofree struct producer *producer = data;
	for (int64_t i = 0; i < producer->lines; i++) {
		g_autofree char *line = g_strdup_printf("line %" G_GINT64_FORMAT "\n", i);
		if (write(producer->fd, line, strlen(line)) < 0)
			break;
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
	producer->pause_ms = http_request_int(request, "pause_ms");
	g_thread_unref(g_thread_new("producer", produce, producer));
	return http_relay(200, "text/plain", pipe_fds[0], relay_finish,
			  GINT_TO_POINTER(http_request_bool(request, "fail")));
}

static struct http_response *openapi(struct http_request *request)
{
	return http_json(200, http_openapi(request->application));
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
static const struct http_field relay_fields[] = {
	{"lines", HTTP_IN_QUERY, HTTP_INTEGER, .initial = "10"},
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
	{HTTP_GET, "/file/{name}", .fields = file_fields, .summary = "A file", .tag = "demo",
	 .handle = file},
	{HTTP_POST, "/upload", ANYBODY, HTTP_BLOCKING, HTTP_FORM, .body_limit = 64 << 20,
	 .fields = upload_fields, .summary = "Takes a file", .tag = "demo", .handle = upload},
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

int main(void)
{
	static const char *const never[] = {"/never/", NULL};
	static const char *const origins[] = {"http://app.example.com", NULL};
	static const char *const proxies[] = {"127.0.0.1", NULL};
	const char *trust = g_getenv("TRUST"), *port = g_getenv("PORT"), *drain = g_getenv("DRAIN");
	const struct http_options options = {
		.listen_fd = -1,
		.port = port ? (int)strtol(port, NULL, 10) : 0,
		.never_compressed = never,
		.cors_origins = origins,
		.trusted_proxies = trust ? proxies : NULL,
	};
	static const char *const access[] = {[ANYBODY] = NULL, [MEMBERS] = "members"};
	struct http_application application = {.title = "Demo",
					       .description = "Every kind of route",
					       .version = "1",
					       .routes = routes,
					       .route_count = G_N_ELEMENTS(routes),
					       .admit = admit,
					       .access_meanings = access};
	application.data = &application;
	g_autoptr(GError) error = NULL;
	g_autoptr(http_server) server = http_server_start(&options, &application, &error);
	if (!server) {
		g_printerr("%s\n", error->message);
		return 1;
	}
	g_print("%d\n", http_server_port(server));
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	g_unix_signal_add(SIGTERM, quit, loop);
	g_main_loop_run(loop);
	http_server_stop(server, drain ? (int)strtol(drain, NULL, 10) : 1);
	g_print("stopped\n");
	return 0;
}
