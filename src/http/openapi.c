/* From routes and fields to OpenAPI: nothing is described that the table does not say. */
#include "http/openapi.h"

#include <string.h>

/* A type as JSON Schema names it; strings and lists of strings are the only lists with an item
 * type. */
static json_t *schema_of_kind(enum http_kind kind)
{
	switch (kind) {
	case HTTP_STRING:
		return json_pack("{ss}", "type", "string");
	case HTTP_INTEGER:
		return json_pack("{ss}", "type", "integer");
	case HTTP_NUMBER:
		return json_pack("{ss}", "type", "number");
	case HTTP_BOOLEAN:
		return json_pack("{ss}", "type", "boolean");
	case HTTP_STRINGS:
		return json_pack("{ss s{ss}}", "type", "array", "items", "type", "string");
	case HTTP_LIST:
		return json_pack("{ss}", "type", "array");
	case HTTP_OBJECT:
		return json_pack("{ss}", "type", "object");
	case HTTP_ANY:
		return json_object();
	}
	g_assert_not_reached();
}

static void add_bounds(json_t *schema, const struct http_field *field)
{
	bool number = field->kind == HTTP_INTEGER || field->kind == HTTP_NUMBER;
	if (field->least == 0 && field->most == 0)
		return;
	json_object_set_new(schema, number ? "minimum" : "minLength", json_integer(field->least));
	json_object_set_new(schema, number ? "maximum" : "maxLength", json_integer(field->most));
}

static json_t *schema_of(const struct http_field *field)
{
	if (field->place == HTTP_IN_FILE)
		return json_pack("{ss ss}", "type", "string", "contentMediaType",
				 "application/octet-stream");
	json_t *schema = schema_of_kind(field->kind);
	add_bounds(schema, field);
	if (field->nullable && json_object_size(schema) > 0)
		schema = json_pack("{s[o{ss}]}", "anyOf", schema, "type", "null");
	if (field->initial)
		json_object_set_new(schema, "default",
				    json_loads(field->initial, JSON_DECODE_ANY, NULL));
	if (field->meaning)
		json_object_set_new(schema, "description", json_string(field->meaning));
	return schema;
}

static json_t *parameters_of(const struct http_route *route)
{
	json_t *parameters = json_array();
	for (const struct http_field *field = route->fields; field && field->name; field++) {
		const char *place = field->place == HTTP_IN_PATH    ? "path"
				    : field->place == HTTP_IN_QUERY ? "query"
								    : NULL;
		if (place)
			json_array_append_new(parameters,
					      json_pack("{ss ss sb so}", "name", field->name, "in",
							place, "required", field->required,
							"schema", schema_of(field)));
	}
	return parameters;
}

/* The schema of the fields that stand in `first` or `second`, or NULL if there are none. */
static json_t *object_of(const struct http_route *route, enum http_place first,
			 enum http_place second)
{
	json_t *properties = json_object();
	json_t *required = json_array();
	for (const struct http_field *field = route->fields; field && field->name; field++) {
		if (field->place != first && field->place != second)
			continue;
		json_object_set_new(properties, field->name, schema_of(field));
		if (field->required)
			json_array_append_new(required, json_string(field->name));
	}
	json_t *schema = json_pack("{ss so}", "type", "object", "properties", properties);
	if (json_array_size(required) > 0)
		json_object_set(schema, "required", required);
	json_decref(required);
	return schema;
}

static json_t *content(const char *type, json_t *schema)
{
	return json_pack("{sb s{s{so}}}", "required", true, "content", type, "schema", schema);
}

static json_t *body_of(const struct http_route *route)
{
	switch (route->body) {
	case HTTP_JSON:
		return content("application/json", object_of(route, HTTP_IN_BODY, HTTP_IN_BODY));
	case HTTP_FORM:
		return content("multipart/form-data", object_of(route, HTTP_IN_FORM, HTTP_IN_FILE));
	case HTTP_RAW:
		return content("application/octet-stream", json_pack("{ss}", "type", "string"));
	case HTTP_NO_BODY:
		return NULL;
	}
	g_assert_not_reached();
}

static void add_response(json_t *responses, int status, const char *meaning)
{
	char key[16];
	g_snprintf(key, sizeof key, "%d", status);
	json_object_set_new(responses, key, json_pack("{ss}", "description", meaning));
}

static json_t *responses_of(const struct http_route *route, const char *caller)
{
	json_t *responses = json_object();
	bool other_success = false;
	for (const struct http_answer *answer = route->answers; answer && answer->status; answer++)
		other_success |= answer->status < 400;
	if (!other_success)
		add_response(responses, 200, "Successful response");
	if (caller) {
		add_response(responses, 401, "Not signed in");
		add_response(responses, 403, "Not allowed");
	}
	if (route->fields)
		add_response(responses, 422, "A field is missing or wrong");
	for (const struct http_answer *answer = route->answers; answer && answer->status; answer++)
		add_response(responses, answer->status, answer->meaning);
	return responses;
}

/* Unique because method and path are: "get_api_users_user_id". */
static char *operation_id(const struct http_route *route)
{
	g_autoptr(GString) id = g_string_new(NULL);
	g_autofree char *method = g_ascii_strdown(http_method_name(route->method), -1);
	g_string_append(id, method);
	bool gap = true;
	for (const char *at = route->pattern; *at; at++) {
		bool word = g_ascii_isalnum(*at) || *at == '_';
		if (word && gap)
			g_string_append_c(id, '_');
		if (word)
			g_string_append_c(id, *at);
		gap = !word;
	}
	return g_string_free(g_steal_pointer(&id), FALSE);
}

static json_t *operation_of(const struct http_application *application,
			    const struct http_route *route)
{
	const char *caller = application->access_meanings
				     ? application->access_meanings[route->access]
				     : NULL;
	g_autofree char *id = operation_id(route);
	json_t *operation = json_pack("{s[s*] ss ss so so so*}", "tags", route->tag, "summary",
				      route->summary ? route->summary : "", "operationId", id,
				      "parameters", parameters_of(route), "responses",
				      responses_of(route, caller), "requestBody", body_of(route));
	if (caller) {
		json_object_set_new(operation, "description", json_sprintf("Caller: %s.", caller));
		json_object_set_new(operation, "security", json_pack("[{s[]}]", "bearer"));
	}
	return operation;
}

/* {name...} is a parameter like any other to OpenAPI. */
static char *path_of(const struct http_route *route)
{
	g_auto(GStrv) parts = g_strsplit(route->pattern, "...}", -1);
	return g_strjoinv("}", parts);
}

json_t *http_openapi(const struct http_application *application)
{
	json_t *paths = json_object();
	for (size_t i = 0; i < application->route_count; i++) {
		const struct http_route *route = &application->routes[i];
		g_autofree char *path = path_of(route);
		g_autofree char *method = g_ascii_strdown(http_method_name(route->method), -1);
		json_t *item = json_object_get(paths, path);
		if (!item) {
			item = json_object();
			json_object_set_new(paths, path, item);
		}
		json_object_set_new(item, method, operation_of(application, route));
	}
	return json_pack("{ss s{ss ss ss} so s{s{s{ss ss}}}}", "openapi", "3.1.0", "info", "title",
			 application->title, "description", application->description, "version",
			 application->version, "paths", paths, "components", "securitySchemes",
			 "bearer", "type", "http", "scheme", "bearer");
}
