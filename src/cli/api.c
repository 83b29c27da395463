/* Calls to the server. */
#include "cli/api.h"

#include "base/error.h"
#include "cli/json_text.h"
#include "cli/output.h"
#include "cli/settings.h"

#include <string.h>

enum {
	SHOWN_OF_BODY = 500, /* of an error that is not JSON, in characters */
	SECONDS_IN_ALL = 300,
	MOST_SECONDS = 24 * 3600,
};

struct api {
	char *server;
	char *authorization; /* the header; NULL: no token */
	const char *headers[2];
	struct http_client *client;
};

struct api *api_new(const char *server, const char *token, GError **error)
{
	g_autoptr(api) api = g_new0(struct api, 1);
	api->server = g_strdup(server);
	if (token && strpbrk(token, "\r\n")) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "the token has more than one line");
		return NULL;
	}
	if (token && *token)
		api->authorization = g_strconcat("Authorization: Bearer ", token, NULL);
	api->headers[0] = api->authorization;
	api->client = http_client_new(API_AGENT, error);
	return api->client ? g_steal_pointer(&api) : NULL;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	http_client_free(api->client);
	g_free(api->server);
	g_free(api->authorization);
	g_free(api);
}

const char *api_server(const struct api *api)
{
	return api->server;
}

const char *const *api_headers(const struct api *api)
{
	return api->headers;
}

void api_reply_free(struct api_reply *reply)
{
	if (!reply)
		return;
	json_decref(reply->json);
	http_reply_free(reply->reply);
	g_free(reply->body);
	g_free(reply);
}

/* Numbers that jansson cannot hold make it refuse; then as reals, for what little is looked at. */
static json_t *parse_body(const char *body, size_t size)
{
	const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
	json_t *value = json_loadb(body, size, flags, NULL);
	return value ? value : json_loadb(body, size, flags | JSON_DECODE_INT_AS_REAL, NULL);
}

/* Takes the reply. */
static struct api_reply *reply_new(const struct api_call *call, struct http_reply *http)
{
	struct api_reply *reply = g_new0(struct api_reply, 1);
	/* A result may be as large as half the memory: its bytes are taken over, not copied. */
	char *body = g_bytes_unref_to_data(http->body, &reply->size);
	http->body = g_bytes_new_static("", 0);
	reply->body = g_realloc(body, reply->size + 1);
	reply->body[reply->size] = '\0';
	reply->reply = http;
	reply->status = http->status;
	if (!call->is_large || !http_reply_is_fine(http))
		reply->json = parse_body(reply->body, reply->size);
	return reply;
}

/* $DA_TIMEOUT is for networks that are slower than the servers that the limits are made for. */
static int seconds_of(const struct api_call *call)
{
	gint64 seconds;
	const char *given = g_getenv("DA_TIMEOUT");
	if (given && g_ascii_string_to_signed(given, 10, 1, MOST_SECONDS, &seconds, NULL))
		return (int)seconds;
	return call->seconds ? call->seconds : API_SECONDS;
}

struct api_reply *api_send(struct api *api, const struct api_call *call, GError **error)
{
	g_autofree char *url = g_strconcat(api->server, call->path, NULL);
	g_autofree char *body = call->body ? json_to_text(call->body) : NULL;
	g_autofree char *accept = g_strconcat(
		"Accept: ", call->accept ? call->accept : "application/json", NULL);
	g_autofree char *known = call->etag ? g_strconcat("If-None-Match: ", call->etag, NULL)
					    : NULL;
	const char *headers[] = {accept, NULL, NULL, NULL, NULL};
	size_t count = 1;
	if (api->authorization)
		headers[count++] = api->authorization;
	if (known)
		headers[count++] = known;
	if (body)
		headers[count++] = "Content-Type: application/json";
	const struct http_call http = {
		.method = call->method	       ? call->method
			  : body || call->file ? "POST"
					       : "GET",
		.url = url,
		.headers = headers,
		.body = body,
		.body_size = body ? strlen(body) : 0,
		.file = call->file,
		.connect_seconds = API_SECONDS_CONNECT,
		.idle_seconds = seconds_of(call),
		.total_seconds = MAX(seconds_of(call), SECONDS_IN_ALL),
		.longest_body = call->longest ? call->longest : API_LONGEST,
		.receive = call->receive,
		.receiver = call->receiver,
	};
	struct http_reply *reply = http_client_call(api->client, &http, error);
	if (body)
		explicit_bzero(body, strlen(body)); /* a password may be in it */
	return reply ? reply_new(call, reply) : NULL;
}

/* --- what failed --- */

/* Not more of a page than a person reads, on one line. */
static char *shorten(const char *body)
{
	g_autofree char *line = output_printable_line(body);
	g_strstrip(line);
	if (g_utf8_strlen(line, -1) > SHOWN_OF_BODY) {
		g_autofree char *start = g_utf8_substring(line, 0, SHOWN_OF_BODY);
		return g_strconcat(start, "…", NULL);
	}
	return g_steal_pointer(&line);
}

char *api_detail(const struct api_reply *reply)
{
	const json_t *detail = json_object_get(reply->json, "detail");
	if (json_is_string(detail))
		return g_strdup(json_string_value(detail));
	if (detail)
		return json_to_text(detail);
	if (reply->json)
		return json_to_text(reply->json);
	g_autofree char *body = shorten(reply->body);
	return *body ? g_steal_pointer(&body) : g_strdup_printf("HTTP %d", reply->status);
}

int api_exit_code(enum api_codes codes, int status)
{
	switch (codes) {
	case API_CODES_CATALOG:
		return EXIT_CODE_SERVER;
	case API_CODES_V2:
		return status >= 500   ? EXIT_CODE_SERVER
		       : status == 403 ? EXIT_CODE_FORBIDDEN
				       : EXIT_CODE_USAGE;
	case API_CODES_FETCH:
		return status == 400			? EXIT_CODE_USAGE
		       : status == 401			? EXIT_CODE_LOGIN
		       : status == 403 || status == 404 ? EXIT_CODE_FORBIDDEN
		       : status == 429			? EXIT_CODE_QUOTA
		       : status >= 500			? EXIT_CODE_SERVER
							: EXIT_CODE_HTTP;
	default:
		return EXIT_CODE_FAILED;
	}
}

/* Prints why a reply is no success, and returns the exit code. */
static int refuse(const struct api_call *call, const struct api_reply *reply)
{
	g_autofree char *detail = api_detail(reply);
	const char *failure = call->failure ? call->failure : "Failed";
	if (call->codes == API_CODES_PLAIN)
		output_warn("%s: %s\n", failure, detail);
	else
		output_warn("Error: %s: HTTP %d: %s\n", failure, reply->status, detail);
	if (reply->status == 401)
		output_warn("Hint: sign in with 'da auth login', or set DA_TOKEN to a token.\n");
	return api_exit_code(call->codes, reply->status);
}

/* A page of HTML with status 200 comes from something else than an Agnes server. */
static bool is_usable(const struct api_call *call, const struct api_reply *reply)
{
	if (call->is_large)
		return json_text_is_whole((struct json_slice){reply->body, reply->size});
	return reply->json || reply->size == 0 || call->accept || call->receive;
}

int api_ask(struct invocation *invocation, const struct api_call *call, struct api_reply **reply)
{
	g_autoptr(GError) error = NULL;
	struct api *api = invocation_api(invocation, &error);
	g_autoptr(api_reply) got = api ? api_send(api, call, &error) : NULL;
	if (!got)
		return command_fail(error);
	bool fine = got->status >= 200 && got->status < 300;
	if (!fine && got->status != call->also_fine)
		return refuse(call, got);
	if (fine && !is_usable(call, got)) {
		const char *type = http_reply_header(got->reply, "Content-Type");
		output_warn("Error: %s answers %s with %s and not with JSON; is it the address of "
			    "an Agnes server?\n",
			    api->server, call->path, type ? type : "something");
		return EXIT_CODE_FAILED;
	}
	*reply = g_steal_pointer(&got);
	return EXIT_CODE_OK;
}

/* --- paths --- */

char *api_path(const char *pattern, ...)
{
	va_list texts;
	GString *path = g_string_new(NULL);
	va_start(texts, pattern);
	for (const char *at = pattern; *at; at++) {
		bool slashes = strncmp(at, "{/}", 3) == 0;
		if (!slashes && strncmp(at, "{}", 2) != 0) {
			g_string_append_c(path, *at);
			continue;
		}
		g_autofree char *escaped = g_uri_escape_string(va_arg(texts, const char *),
							       slashes ? "/" : NULL, FALSE);
		/* "." and ".." would be resolved by whoever reads the address. */
		if (strcmp(escaped, ".") == 0 || strcmp(escaped, "..") == 0)
			g_string_append(path, escaped[1] ? "%2E%2E" : "%2E");
		else
			g_string_append(path, escaped);
		at += slashes ? 2 : 1;
	}
	va_end(texts);
	return g_string_free(path, FALSE);
}

void api_add_query(GString *path, const char *name, const char *value)
{
	if (!value)
		return;
	g_autofree char *escaped = g_uri_escape_string(value, NULL, FALSE);
	g_string_append_printf(path, "%c%s=%s", strchr(path->str, '?') ? '&' : '?', name, escaped);
}
