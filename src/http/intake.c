/* From headers and bytes to a routed, admitted and validated request. */
#include "http/intake.h"

#include "http/cors.h"
#include "http/fields.h"
#include "http/form.h"
#include "http/serving.h"
#include "http/sweep.h"

#include <string.h>

enum {
	BODY_GRACE_SECONDS = 30,
	SLOWEST_BODY = 16 * 1024, /* bytes a second below which an upload is cut */
	MOST_QUERY_VALUES = 64,
};

/* Headers that decide where a message ends must be unambiguous, or a proxy may see another message.
 */
struct framing {
	int lengths, encodings, hosts;
	bool bad_length;
};

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind, const char *key,
				    const char *value)
{
	struct framing *framing = cls;
	if (g_ascii_strcasecmp(key, "Content-Length") == 0) {
		framing->lengths++;
		framing->bad_length |= !*value || strspn(value, "0123456789") != strlen(value);
	} else if (g_ascii_strcasecmp(key, "Transfer-Encoding") == 0) {
		framing->encodings++;
		framing->bad_length |= g_ascii_strcasecmp(value, "chunked") != 0;
	} else if (g_ascii_strcasecmp(key, "Host") == 0) {
		framing->hosts++;
	}
	return MHD_YES;
}

static struct http_response *refuse_framing(struct http_exchange *exchange)
{
	struct framing framing = {0};
	MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, count_header, &framing);
	if (framing.lengths + framing.encodings <= 1 && framing.hosts <= 1 && !framing.bad_length)
		return NULL;
	struct http_response *response = http_refuse(400, "Malformed request");
	http_response_header(response, "Connection", "close");
	return response;
}

static bool parse_method(struct http_exchange *exchange, const char *method)
{
	struct http_request *request = &exchange->request;
	request->head = strcmp(method, "HEAD") == 0;
	if (request->head)
		method = "GET";
	for (int i = 0; i < HTTP_METHODS; i++) {
		if (strcmp(method, http_method_name((enum http_method)i)) == 0) {
			request->method = (enum http_method)i;
			return true;
		}
	}
	return false;
}

static struct http_response *refuse_method(unsigned allowed)
{
	struct http_response *response = http_refuse(405, "Method Not Allowed");
	g_autoptr(GString) list = g_string_new(NULL);
	for (int i = 0; i < HTTP_METHODS; i++) {
		if (allowed & (1U << i))
			g_string_append_printf(list, "%s%s", list->len ? ", " : "",
					       http_method_name((enum http_method)i));
	}
	if (allowed & (1U << HTTP_GET))
		g_string_append(list, ", HEAD");
	http_response_header(response, "Allow", list->str);
	return response;
}

static struct http_response *route(struct http_exchange *exchange, const char *method)
{
	g_auto(http_match) match = {0};
	bool known = parse_method(exchange, method);
	/* A NUL or a broken sequence can only be an attack on whoever handles the text next. */
	if (!g_utf8_validate(exchange->path, -1, NULL))
		return http_refuse(404, "Page not found");
	http_router_find(exchange->server->router, exchange->request.method, exchange->path,
			 &match);
	if (!match.allowed)
		return http_refuse(404, "Page not found");
	if (!known || !match.route)
		return refuse_method(match.allowed);
	exchange->request.route = match.route;
	if (match.count)
		exchange->path_values = json_object();
	for (size_t i = 0; i < match.count; i++)
		json_object_set_new(exchange->path_values, match.parameters[i].name,
				    json_string(match.parameters[i].value));
	return NULL;
}

static bool is_json(const struct http_exchange *exchange)
{
	const char *type = http_request_header(&exchange->request, "Content-Type");
	if (!type)
		return false;
	g_auto(GStrv) parts = g_strsplit(type, ";", 2);
	char *name = g_strstrip(parts[0]);
	return g_ascii_strcasecmp(name, "application/json") == 0 ||
	       (g_ascii_strncasecmp(name, "application/", 12) == 0 &&
		g_str_has_suffix(name, "+json"));
}

static struct http_response *refuse_size(size_t limit)
{
	return http_refuse(413, "The request body is larger than the %zu bytes allowed", limit);
}

/* Prepares for the body, or refuses it when its length is announced and too large. */
static struct http_response *expect_body(struct http_exchange *exchange)
{
	const struct http_route *to = exchange->request.route;
	const char *length = http_request_header(&exchange->request, "Content-Length");
	exchange->body_limit = to->body_limit ? to->body_limit
					      : exchange->server->options.body_limit;
	uint64_t announced = length ? g_ascii_strtoull(length, NULL, 10) : 0;
	if (announced > exchange->body_limit)
		return refuse_size(exchange->body_limit);
	http_connection_allow(exchange->deadline,
			      BODY_GRACE_SECONDS + (int64_t)(exchange->body_limit / SLOWEST_BODY));
	if (to->body == HTTP_FORM)
		exchange->form = http_form_new(exchange->connection);
	exchange->wants_body = to->body == HTTP_RAW || (to->body == HTTP_JSON && is_json(exchange));
	if (exchange->wants_body)
		exchange->body = g_byte_array_sized_new((guint)announced);
	return NULL;
}

struct http_response *http_intake_headers(struct http_exchange *exchange, const char *method)
{
	struct http_response *refusal = refuse_framing(exchange);
	if (!refusal)
		refusal = http_cors_preflight(exchange, method);
	if (!refusal)
		refusal = route(exchange, method);
	if (!refusal && exchange->server->application.admit)
		refusal = exchange->server->application.admit(&exchange->request);
	return refusal ? refusal : expect_body(exchange);
}

bool http_intake_body(struct http_exchange *exchange, const char *data, size_t size)
{
	exchange->body_seen += size;
	if (exchange->body_seen > exchange->body_limit) {
		/* Chunked, so that nothing was announced. A little is read and dropped, so that a
		 * client that sends before it reads gets its answer. */
		return exchange->body_seen <= 2 * exchange->body_limit;
	}
	if (exchange->form)
		http_form_feed(exchange->form, data, size);
	else if (exchange->body)
		g_byte_array_append(exchange->body, (const guint8 *)data, (guint)size);
	return true;
}

static enum MHD_Result collect_query(void *cls, enum MHD_ValueKind kind, const char *key,
				     size_t key_size, const char *value, size_t value_size)
{
	json_t *values = cls;
	g_autofree char *name = g_utf8_make_valid(key, (gssize)key_size);
	g_autofree char *text = g_utf8_make_valid(value ? value : "",
						  value ? (gssize)value_size : 0);
	json_object_set_new(values, name, json_string(text));
	return json_object_size(values) < MOST_QUERY_VALUES ? MHD_YES : MHD_NO;
}

static json_t *parse_body(struct http_exchange *exchange, json_t *problems)
{
	if (!exchange->body || exchange->body->len == 0)
		return NULL;
	return http_fields_parse((const char *)exchange->body->data, exchange->body->len, problems);
}

static struct http_response *validate(struct http_exchange *exchange)
{
	const struct http_route *to = exchange->request.route;
	json_t *problems = json_array();
	json_t *body = to->body == HTTP_JSON ? parse_body(exchange, problems) : NULL;
	exchange->query_values = json_object();
	MHD_get_connection_values_n(exchange->connection, MHD_GET_ARGUMENT_KIND, collect_query,
				    exchange->query_values);
	struct http_input input = {
		.has_body = exchange->wants_body,
		.body = body,
		.form = exchange->form ? http_form_values(exchange->form) : NULL,
		.files = exchange->form ? http_form_files(exchange->form) : NULL,
		.query = exchange->query_values,
		.path = exchange->path_values,
	};
	if (json_array_size(problems) == 0)
		exchange->request.fields = http_fields_validate(to, &input, problems);
	json_decref(body);
	if (json_array_size(problems) > 0)
		return http_refuse_with(422, problems);
	json_decref(problems);
	return NULL;
}

struct http_response *http_intake_finish(struct http_exchange *exchange)
{
	const struct http_route *to = exchange->request.route;
	if (exchange->body_seen > exchange->body_limit)
		return refuse_size(exchange->body_limit);
	if (exchange->form && exchange->body_seen && !http_form_feed(exchange->form, "", 0))
		return http_refuse(400, "There was an error parsing the body");
	if (to->fields) {
		struct http_response *refusal = validate(exchange);
		if (refusal)
			return refusal;
	}
	if (exchange->body)
		exchange->request.body = g_byte_array_free_to_bytes(
			g_steal_pointer(&exchange->body));
	return NULL;
}
