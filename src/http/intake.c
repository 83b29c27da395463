/* From headers and bytes to a routed, admitted and validated request. */
#include "http/intake.h"

#include "base/json.h"
#include "http/cors.h"
#include "http/fields.h"
#include "http/form.h"
#include "http/serving.h"
#include "http/sweep.h"

#include <string.h>

enum {
	MOST_QUERY_VALUES = 64,
	FIRST_BODY_BYTES = 64 * 1024, /* room made at once, whatever length is announced */
	ECHO_LIMIT = 64 * 1024,	      /* a larger body is not repeated in what is wrong with it */
	DROPPED_BODY = 64 * 1024 * 1024, /* as much is read to let a client see a refusal */
};

/*
 * Headers that decide where a message ends must be unambiguous, or a proxy may see another message
 * than we do.
 */
struct framing {
	int lengths, encodings, hosts;
	bool malformed;
};

static bool is_length(const char *value, size_t size)
{
	return size > 0 && size <= 19 && strspn(value, "0123456789") == size;
}

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind, const char *key,
				    size_t key_size, const char *value, size_t value_size)
{
	struct framing *framing = cls;
	if (strpbrk(key, " \t")) {
		framing->malformed = true;
	} else if (g_ascii_strcasecmp(key, "Content-Length") == 0) {
		framing->lengths++;
		framing->malformed |= !value || !is_length(value, value_size);
	} else if (g_ascii_strcasecmp(key, "Transfer-Encoding") == 0) {
		framing->encodings++;
		framing->malformed |= !value || g_ascii_strcasecmp(value, "chunked") != 0;
	} else if (g_ascii_strcasecmp(key, "Host") == 0) {
		framing->hosts++;
	}
	return framing->malformed ? MHD_NO : MHD_YES;
}

static bool is_framed(const struct http_exchange *exchange, struct framing *framing)
{
	MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, count_header, framing);
	return framing->lengths + framing->encodings <= 1 && framing->hosts <= 1 &&
	       !framing->malformed && !(exchange->old && framing->encodings);
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
	/* A broken sequence, or a NUL, which became one, can only be an attack on who comes next.
	 */
	if (!g_utf8_validate(exchange->request.path, -1, NULL))
		return http_refuse(404, "Page not found");
	http_router_find(exchange->server->router, exchange->request.method, exchange->request.path,
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
	g_autofree char *name = g_ascii_strdown(parts[0] ? g_strstrip(parts[0]) : "", -1);
	return strcmp(name, "application/json") == 0 ||
	       (g_str_has_prefix(name, "application/") && g_str_has_suffix(name, "+json"));
}

static struct http_response *refuse_size(size_t limit)
{
	return http_refuse(413, "The request body is larger than the %zu bytes allowed", limit);
}

static uint64_t announced_length(const struct http_exchange *exchange)
{
	const char *length = http_request_header(&exchange->request, "Content-Length");
	return length ? g_ascii_strtoull(length, NULL, 10) : 0;
}

/* Prepares for the body, or refuses it when its length is announced and too large. */
static struct http_response *expect_body(struct http_exchange *exchange)
{
	const struct http_route *to = exchange->request.route;
	exchange->body_limit = to->body_limit ? to->body_limit
					      : exchange->server->options.body_limit;
	uint64_t announced = announced_length(exchange);
	if (announced > exchange->body_limit)
		return refuse_size(exchange->body_limit);
	if (to->body == HTTP_FORM)
		exchange->form = http_form_new(exchange->connection);
	exchange->wants_body = to->body == HTTP_RAW || (to->body == HTTP_JSON && is_json(exchange));
	if (exchange->wants_body)
		exchange->body = g_byte_array_sized_new((guint)MIN(announced, FIRST_BODY_BYTES));
	return NULL;
}

/*
 * Whether the client is better told at once and cut: who asked whether to send a body has not sent
 * it yet, and a huge one is not worth reading. From anybody else the body is read and dropped: a
 * closed socket with unread bytes throws away the answer that the client should see.
 */
static bool cut_at_once(const struct http_exchange *exchange)
{
	return http_request_header(&exchange->request, "Expect") ||
	       announced_length(exchange) > DROPPED_BODY;
}

struct http_response *http_intake_headers(struct http_exchange *exchange, const char *method,
					  bool *now)
{
	struct framing framing = {0};
	*now = !is_framed(exchange, &framing);
	if (*now)
		return http_refuse(400, "Malformed request");
	struct http_response *refusal = http_cors_preflight(exchange, method);
	if (!refusal)
		refusal = route(exchange, method);
	if (!refusal && exchange->server->application.admit)
		refusal = exchange->server->application.admit(&exchange->request);
	bool has_body = framing.encodings || framing.lengths;
	if (!refusal && has_body)
		refusal = expect_body(exchange);
	*now = refusal && has_body && cut_at_once(exchange);
	return refusal;
}

/* The longer a body gets, the longer it may take. */
static void grant_time(struct http_exchange *exchange)
{
	int earned = (int)MIN(exchange->body_seen / (size_t)exchange->server->options.slowest_body,
			      G_MAXINT / 2);
	http_connection_extend(exchange->peer, earned - exchange->body_seconds);
	exchange->body_seconds = earned;
}

bool http_intake_body(struct http_exchange *exchange, const char *data, size_t size)
{
	exchange->body_seen += size;
	grant_time(exchange);
	if (exchange->reply)
		return exchange->body_seen <= DROPPED_BODY;
	if (exchange->body_seen > exchange->body_limit) {
		g_clear_pointer(&exchange->body, g_byte_array_unref);
		return exchange->body_seen - exchange->body_limit <= DROPPED_BODY;
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

static json_t *parse_query(const struct http_exchange *exchange)
{
	json_t *values = json_object();
	MHD_get_connection_values_n(exchange->connection, MHD_GET_ARGUMENT_KIND, collect_query,
				    values);
	return values;
}

static json_t *parse_body(const struct http_exchange *exchange, json_t *problems)
{
	if (!exchange->body || exchange->body->len == 0)
		return NULL;
	return http_fields_parse((const char *)exchange->body->data, exchange->body->len, problems);
}

/* A problem repeats what was sent; a large body would come back once for each of its problems. */
static void forget_inputs(json_t *problems)
{
	size_t index;
	json_t *problem;
	json_array_foreach(problems, index, problem)
		json_object_set_new(problem, "input", json_null());
}

static struct http_response *validate(struct http_exchange *exchange)
{
	const struct http_route *to = exchange->request.route;
	g_autoptr(json_t) problems = json_array();
	g_autoptr(json_t) body = to->body == HTTP_JSON ? parse_body(exchange, problems) : NULL;
	g_autoptr(json_t) query = parse_query(exchange);
	struct http_input input = {
		.body = body,
		.opaque_body = to->body == HTTP_JSON && !exchange->wants_body &&
			       exchange->body_seen > 0,
		.form = exchange->form ? http_form_values(exchange->form) : NULL,
		.files = exchange->form ? http_form_files(exchange->form) : NULL,
		.query = query,
		.path = exchange->path_values,
	};
	if (json_array_size(problems) == 0)
		exchange->request.fields = http_fields_validate(to, &input, problems);
	if (json_array_size(problems) == 0)
		return NULL;
	if (exchange->body_seen > ECHO_LIMIT)
		forget_inputs(problems);
	return http_refuse_with(422, g_steal_pointer(&problems));
}

static struct http_response *refuse_form(const struct http_exchange *exchange)
{
	if (!http_form_is_kept(exchange->form))
		return http_refuse(503, "The server has no room for the upload; try again later");
	return http_refuse(400, "There was an error parsing the body");
}

struct http_response *http_intake_finish(struct http_exchange *exchange)
{
	const struct http_route *to = exchange->request.route;
	if (exchange->body_seen > exchange->body_limit)
		return refuse_size(exchange->body_limit);
	if (exchange->form && exchange->body_seen && !http_form_finish(exchange->form))
		return refuse_form(exchange);
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
