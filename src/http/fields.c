/*
 * Field validation. Conversion is lax in the way that clients of the API know: numeric strings are
 * integers, words are booleans, but nothing is turned into a string.
 */
#include "http/fields.h"

#include "http/large_integers.h"

#include <math.h>
#include <string.h>

enum { MOST_PROBLEMS = 100 }; /* a list may have a million wrong elements */

static const char *const place_names[] = {
	[HTTP_IN_BODY] = "body", [HTTP_IN_QUERY] = "query", [HTTP_IN_PATH] = "path",
	[HTTP_IN_FORM] = "body", [HTTP_IN_FILE] = "body",
};

void http_problem_add(json_t *problems, const char *type, json_t *location, const char *message,
		      json_t *input, json_t *context)
{
	if (json_array_size(problems) >= MOST_PROBLEMS) {
		json_decref(location);
		json_decref(input);
		json_decref(context);
		return;
	}
	json_t *entry = json_pack("{ss so ss so}", "type", type, "loc", location, "msg", message,
				  "input", input ? input : json_null());
	if (context)
		json_object_set_new(entry, "ctx", context);
	json_array_append_new(problems, entry);
}

/* Where a check stands: which field, and which element of its list (-1: the field itself). */
struct spot {
	const struct http_field *field;
	int element;
	const json_t *value;
	json_t *problems;
};

static bool complain(const struct spot *spot, const char *type, const char *message,
		     json_t *context)
{
	json_t *location = json_pack("[ss]", place_names[spot->field->place], spot->field->name);
	if (spot->element >= 0)
		json_array_append_new(location, json_integer(spot->element));
	http_problem_add(spot->problems, type, location, message,
			 json_incref((json_t *)spot->value), context);
	return false;
}

static bool from_word(const char *word, bool *value)
{
	static const char *const words[][2] = {{"true", "false"}, {"1", "0"}, {"yes", "no"},
					       {"on", "off"},	  {"t", "f"}, {"y", "n"}};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		for (int no = 0; no < 2; no++) {
			if (g_ascii_strcasecmp(word, words[i][no]) == 0) {
				*value = !no;
				return true;
			}
		}
	}
	return false;
}

static bool to_boolean(const struct spot *spot, json_t **out)
{
	static const char unknown[] = "Input should be a valid boolean, unable to interpret input";
	const json_t *value = spot->value;
	bool flag;
	if (json_is_boolean(value)) {
		flag = json_is_true(value);
	} else if (json_is_integer(value) || json_is_real(value)) {
		double number = json_number_value(value);
		if (number != 0 && number != 1)
			return complain(spot, "bool_parsing", unknown, NULL);
		flag = number != 0;
	} else if (json_is_string(value)) {
		if (!from_word(json_string_value(value), &flag))
			return complain(spot, "bool_parsing", unknown, NULL);
	} else {
		return complain(spot, "bool_type", "Input should be a valid boolean", NULL);
	}
	*out = json_boolean(flag);
	return true;
}

static bool integer_from_real(const struct spot *spot, double number, int64_t *integer)
{
	if (number != floor(number))
		return complain(
			spot, "int_from_float",
			"Input should be a valid integer, got a number with a fractional part",
			NULL);
	/* Beyond 2^63 the conversion would be undefined: the largest are as good as any larger. */
	if (fabs(number) >= 9.2e18)
		*integer = number > 0 ? INT64_MAX : INT64_MIN;
	else
		*integer = (int64_t)number;
	return true;
}

static bool integer_from_text(const struct spot *spot, const char *text, int64_t *integer)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *trimmed = g_strstrip(g_strdup(text));
	if (g_ascii_string_to_signed(trimmed, 10, INT64_MIN, INT64_MAX, integer, &error))
		return true;
	if (g_error_matches(error, G_NUMBER_PARSER_ERROR, G_NUMBER_PARSER_ERROR_OUT_OF_BOUNDS)) {
		*integer = *trimmed == '-' ? INT64_MIN : INT64_MAX;
		return true;
	}
	return complain(spot, "int_parsing",
			"Input should be a valid integer, unable to parse string as an integer",
			NULL);
}

static bool within_bounds(const struct spot *spot, int64_t number)
{
	const struct http_field *field = spot->field;
	if (field->least == 0 && field->most == 0)
		return true;
	if (number < field->least) {
		g_autofree char *message = g_strdup_printf(
			"Input should be greater than or equal to %" G_GINT64_FORMAT, field->least);
		return complain(spot, "greater_than_equal", message,
				json_pack("{sI}", "ge", (json_int_t)field->least));
	}
	if (number > field->most) {
		g_autofree char *message = g_strdup_printf(
			"Input should be less than or equal to %" G_GINT64_FORMAT, field->most);
		return complain(spot, "less_than_equal", message,
				json_pack("{sI}", "le", (json_int_t)field->most));
	}
	return true;
}

static bool to_integer(const struct spot *spot, json_t **out)
{
	const json_t *value = spot->value;
	int64_t integer = 0;
	bool fine = true;
	if (json_is_integer(value))
		integer = json_integer_value(value);
	else if (json_is_boolean(value))
		integer = json_is_true(value);
	else if (json_is_real(value))
		fine = integer_from_real(spot, json_real_value(value), &integer);
	else if (json_is_string(value))
		fine = integer_from_text(spot, json_string_value(value), &integer);
	else
		fine = complain(spot, "int_type", "Input should be a valid integer", NULL);
	if (!fine || !within_bounds(spot, integer))
		return false;
	*out = json_integer(integer);
	return true;
}

static bool to_number(const struct spot *spot, json_t **out)
{
	const json_t *value = spot->value;
	if (json_is_number(value) || json_is_boolean(value)) {
		*out = json_real(json_is_boolean(value) ? json_is_true(value)
							: json_number_value(value));
		return true;
	}
	if (!json_is_string(value))
		return complain(spot, "float_type", "Input should be a valid number", NULL);
	char *end = NULL;
	double number = g_ascii_strtod(json_string_value(value), &end);
	if (end == json_string_value(value) || *end || !isfinite(number))
		return complain(
			spot, "float_parsing",
			"Input should be a valid number, unable to parse string as a number", NULL);
	*out = json_real(number);
	return true;
}

static bool to_string(const struct spot *spot, json_t **out)
{
	if (!json_is_string(spot->value))
		return complain(spot, "string_type", "Input should be a valid string", NULL);
	const struct http_field *field = spot->field;
	glong length = field->most ? g_utf8_strlen(json_string_value(spot->value), -1) : 0;
	if (field->most && length < field->least) {
		g_autofree char *message = g_strdup_printf(
			"String should have at least %d characters", (int)field->least);
		return complain(spot, "string_too_short", message,
				json_pack("{sI}", "min_length", (json_int_t)field->least));
	}
	if (field->most && length > field->most) {
		g_autofree char *message = g_strdup_printf(
			"String should have at most %d characters", (int)field->most);
		return complain(spot, "string_too_long", message,
				json_pack("{sI}", "max_length", (json_int_t)field->most));
	}
	*out = json_incref((json_t *)spot->value);
	return true;
}

static bool to_strings(const struct spot *spot, json_t **out)
{
	bool fine = true;
	size_t index;
	json_t *element;
	if (!json_is_array(spot->value))
		return complain(spot, "list_type", "Input should be a valid list", NULL);
	json_array_foreach(spot->value, index, element)
	{
		struct spot inner = *spot;
		inner.element = (int)index;
		inner.value = element;
		if (!json_is_string(element))
			fine = complain(&inner, "string_type", "Input should be a valid string",
					NULL);
	}
	if (fine)
		*out = json_incref((json_t *)spot->value);
	return fine;
}

static bool as_is(const struct spot *spot, bool fits, const char *type, const char *message,
		  json_t **out)
{
	if (!fits)
		return complain(spot, type, message, NULL);
	*out = json_incref((json_t *)spot->value);
	return true;
}

static bool convert(const struct spot *spot, json_t **out)
{
	switch (spot->field->kind) {
	case HTTP_STRING:
		return to_string(spot, out);
	case HTTP_INTEGER:
		return to_integer(spot, out);
	case HTTP_NUMBER:
		return to_number(spot, out);
	case HTTP_BOOLEAN:
		return to_boolean(spot, out);
	case HTTP_STRINGS:
		return to_strings(spot, out);
	case HTTP_LIST:
		return as_is(spot, json_is_array(spot->value), "list_type",
			     "Input should be a valid list", out);
	case HTTP_OBJECT:
		return as_is(spot, json_is_object(spot->value), "dict_type",
			     "Input should be a valid dictionary", out);
	case HTTP_ANY:
		return as_is(spot, true, NULL, NULL, out);
	}
	g_assert_not_reached();
}

static bool passes_check(const struct spot *spot, const json_t *value)
{
	g_autofree char *wrong = spot->field->check ? spot->field->check(value) : NULL;
	if (!wrong)
		return true;
	g_autofree char *message = g_strconcat("Value error, ", wrong, NULL);
	return complain(spot, "value_error", message, json_pack("{s{}}", "error"));
}

static json_t *initial_value(const struct http_field *field)
{
	if (!field->initial)
		return json_null();
	json_t *value = json_loads(field->initial, JSON_DECODE_ANY, NULL);
	if (!value)
		g_error("http: the default of field %s is not JSON", field->name);
	return value;
}

static const json_t *source_of(const struct http_input *input, enum http_place place)
{
	switch (place) {
	case HTTP_IN_BODY:
		return input->body;
	case HTTP_IN_QUERY:
		return input->query;
	case HTTP_IN_PATH:
		return input->path;
	case HTTP_IN_FORM:
		return input->form;
	case HTTP_IN_FILE:
		return input->files;
	}
	g_assert_not_reached();
}

/* The converted value, or NULL after a complaint. */
static json_t *validate_field(const struct http_field *field, const struct http_input *input,
			      json_t *problems)
{
	const json_t *source = source_of(input, field->place);
	const json_t *value = json_object_get(source, field->name);
	bool is_form = field->place == HTTP_IN_FORM;
	if (is_form && json_is_string(value) && json_string_length(value) == 0)
		value = NULL;
	if (!value && !field->required)
		return initial_value(field);
	if (!value) {
		json_t *enclosing = field->place == HTTP_IN_BODY ? json_incref((json_t *)source)
								 : NULL;
		http_problem_add(problems, "missing",
				 json_pack("[ss]", place_names[field->place], field->name),
				 "Field required", enclosing, NULL);
		return NULL;
	}
	if (json_is_null(value) && field->nullable)
		return json_null();
	struct spot spot = {field, -1, value, problems};
	json_t *converted = NULL;
	if (field->place == HTTP_IN_FILE)
		return json_true();
	if (!convert(&spot, &converted))
		return NULL;
	if (passes_check(&spot, converted))
		return converted;
	json_decref(converted);
	return NULL;
}

/* Whether the body as a whole can be looked into; complains if not. */
static bool body_is_object(const struct http_input *input, json_t *problems)
{
	if (json_is_object(input->body))
		return true;
	if (!input->opaque_body && (!input->body || json_is_null(input->body)))
		http_problem_add(problems, "missing", json_pack("[s]", "body"), "Field required",
				 NULL, NULL);
	else
		http_problem_add(
			problems, "model_attributes_type", json_pack("[s]", "body"),
			"Input should be a valid dictionary or object to extract fields from",
			json_incref((json_t *)input->body), NULL);
	return false;
}

static bool needs_object(const struct http_route *route)
{
	for (const struct http_field *field = route->fields; field && field->name; field++) {
		if (field->place == HTTP_IN_BODY)
			return true;
	}
	return false;
}

json_t *http_fields_validate(const struct http_route *route, const struct http_input *input,
			     json_t *problems)
{
	json_t *values = json_object();
	bool skip_body = needs_object(route) && !body_is_object(input, problems);
	for (const struct http_field *field = route->fields; field && field->name; field++) {
		if (skip_body && field->place == HTTP_IN_BODY)
			continue;
		json_t *value = validate_field(field, input, problems);
		if (value)
			json_object_set_new(values, field->name, value);
	}
	return values;
}

/* Integers have no limit in JSON; where one counts, its bounds say more than the parser. */
static json_t *parse_any_integer(const char *text, size_t size, json_error_t *error)
{
	json_t *value = json_loadb(text, size, JSON_DECODE_ANY, error);
	if (value || json_error_code(error) != json_error_numeric_overflow)
		return value;
	size_t length;
	g_autofree char *as_reals = large_integers_as_reals(text, size, &length);
	return json_loadb(as_reals, length, JSON_DECODE_ANY, error);
}

json_t *http_fields_parse(const char *text, size_t size, json_t *problems)
{
	json_error_t error;
	json_t *value = parse_any_integer(text, size, &error);
	if (!value)
		http_problem_add(problems, "json_invalid",
				 json_pack("[si]", "body", MIN(error.position, (int)size)),
				 "JSON decode error", json_object(),
				 json_pack("{ss}", "error", error.text));
	return value;
}
