/* src/http/fields: every 422 entry that clients know, and every conversion that is done instead. */
#include "base/json.h"
#include "http/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *no_spaces(const json_t *value)
{
	return strchr(json_string_value(value), ' ') ? g_strdup("no spaces please") : NULL;
}

static const struct http_field fields[] = {
	{"text", HTTP_IN_BODY, HTTP_STRING, .check = no_spaces},
	{"short", HTTP_IN_BODY, HTTP_STRING, .least = 2, .most = 3},
	{"count", HTTP_IN_BODY, HTTP_INTEGER, .least = 1, .most = 100},
	{"any_count", HTTP_IN_BODY, HTTP_INTEGER},
	{"ratio", HTTP_IN_BODY, HTTP_NUMBER},
	{"flag", HTTP_IN_BODY, HTTP_BOOLEAN},
	{"tags", HTTP_IN_BODY, HTTP_STRINGS},
	{"list", HTTP_IN_BODY, HTTP_LIST},
	{"object", HTTP_IN_BODY, HTTP_OBJECT},
	{"anything", HTTP_IN_BODY, HTTP_ANY},
	{"maybe", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"initial", HTTP_IN_BODY, HTTP_INTEGER, .initial = "7"},
	{0},
};
static const struct http_route route = {HTTP_POST, "/", .body = HTTP_JSON, .fields = fields};

static const struct http_field strict[] = {
	{"id", HTTP_IN_PATH, HTTP_INTEGER, .required = true},
	{"page", HTTP_IN_QUERY, HTTP_INTEGER, .required = true},
	{"sql", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{0},
};
static const struct http_route strict_route = {HTTP_POST, "/{id}", .body = HTTP_JSON,
					       .fields = strict};

static const struct http_field formal[] = {
	{"email", HTTP_IN_FORM, HTTP_STRING, .required = true},
	{"age", HTTP_IN_FORM, HTTP_INTEGER, .initial = "18"},
	{"file", HTTP_IN_FILE, HTTP_ANY, .required = true},
	{0},
};
static const struct http_route form_route = {HTTP_POST, "/form", .body = HTTP_FORM,
					     .fields = formal};

static json_t *json(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(value);
	return value;
}

static void expect_equal(const json_t *value, const char *expected)
{
	g_autoptr(json_t) wanted = json(expected);
	g_autofree char *text = json_to_text(value);
	if (!json_equal(value, wanted))
		fail_msg("got %s\nexpected %s", text, expected);
}

static void expect_problems(const struct http_route *to, const struct http_input *input,
			    const char *expected)
{
	g_autoptr(json_t) problems = json_array();
	json_decref(http_fields_validate(to, input, problems));
	expect_equal(problems, expected);
}

/* The problems of a JSON body. */
static void refused(const char *text, const char *expected)
{
	g_autoptr(json_t) body = json(text);
	expect_problems(&route, &(struct http_input){.body = body}, expected);
}

/* What one field becomes. */
static void becomes(const char *text, const char *name, const char *expected)
{
	g_autoptr(json_t) body = json(text), problems = json_array();
	g_autoptr(json_t)
		values = http_fields_validate(&route, &(struct http_input){.body = body}, problems);
	expect_equal(problems, "[]");
	assert_int_equal(json_object_size(values), G_N_ELEMENTS(fields) - 1);
	expect_equal(json_object_get(values, name), expected);
}

static void missing_fields_are_told_with_what_they_miss_from(void **state)
{
	g_autoptr(json_t) body = json("{\"other\": 1}"), path = json("{\"id\": \"5\"}"),
			  query = json("{\"pages\": \"5\"}");
	const struct http_input input = {.body = body, .path = path, .query = query};
	expect_problems(
		&strict_route, &input,
		"[{\"type\":\"missing\",\"loc\":[\"query\",\"page\"],\"msg\":\"Field required\","
		"\"input\":null},"
		"{\"type\":\"missing\",\"loc\":[\"body\",\"sql\"],\"msg\":\"Field required\","
		"\"input\":{\"other\":1}}]");
}

static void a_body_that_is_none_or_no_object_is_told_as_a_whole(void **state)
{
	static const char none[] = "[{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":"
				   "\"Field required\",\"input\":null}]";
	static const char what[] =
		"{\"type\":\"model_attributes_type\",\"loc\":[\"body\"],\"msg\":"
		"\"Input should be a valid dictionary or object to extract fields "
		"from\",\"input\":";
	g_autofree char *opaque = g_strconcat("[", what, "null}]", NULL);
	g_autofree char *list = g_strconcat("[", what, "[1]}]", NULL);
	g_autofree char *text = g_strconcat("[", what, "\"a\"}]", NULL);
	expect_problems(&route, &(struct http_input){0}, none);
	refused("null", none);
	expect_problems(&route, &(struct http_input){.opaque_body = true}, opaque);
	refused("[1]", list);
	refused("\"a\"", text);
}

static void types_are_named(void **state)
{
	refused("{\"text\": 5}", "[{\"type\":\"string_type\",\"loc\":[\"body\",\"text\"],\"msg\":"
				 "\"Input should be a valid string\",\"input\":5}]");
	refused("{\"text\": null}",
		"[{\"type\":\"string_type\",\"loc\":[\"body\",\"text\"],\"msg\":"
		"\"Input should be a valid string\",\"input\":null}]");
	refused("{\"object\": []}",
		"[{\"type\":\"dict_type\",\"loc\":[\"body\",\"object\"],\"msg\":"
		"\"Input should be a valid dictionary\",\"input\":[]}]");
	refused("{\"list\": {}}", "[{\"type\":\"list_type\",\"loc\":[\"body\",\"list\"],\"msg\":"
				  "\"Input should be a valid list\",\"input\":{}}]");
	refused("{\"tags\": \"a\"}", "[{\"type\":\"list_type\",\"loc\":[\"body\",\"tags\"],\"msg\":"
				     "\"Input should be a valid list\",\"input\":\"a\"}]");
	refused("{\"tags\": [\"a\", 1, null]}",
		"[{\"type\":\"string_type\",\"loc\":[\"body\",\"tags\",1],\"msg\":"
		"\"Input should be a valid string\",\"input\":1},"
		"{\"type\":\"string_type\",\"loc\":[\"body\",\"tags\",2],\"msg\":"
		"\"Input should be a valid string\",\"input\":null}]");
}

static void integers_are_refused(void **state)
{
	refused("{\"count\": []}", "[{\"type\":\"int_type\",\"loc\":[\"body\",\"count\"],\"msg\":"
				   "\"Input should be a valid integer\",\"input\":[]}]");
	refused("{\"count\": \"5x\"}",
		"[{\"type\":\"int_parsing\",\"loc\":[\"body\",\"count\"],\"msg\":\"Input should be a "
		"valid integer, unable to parse string as an integer\",\"input\":\"5x\"}]");
	refused("{\"count\": \"\"}",
		"[{\"type\":\"int_parsing\",\"loc\":[\"body\",\"count\"],\"msg\":\"Input should be a "
		"valid integer, unable to parse string as an integer\",\"input\":\"\"}]");
	refused("{\"count\": 5.5}",
		"[{\"type\":\"int_from_float\",\"loc\":[\"body\",\"count\"],\"msg\":\"Input should "
		"be a valid integer, got a number with a fractional part\",\"input\":5.5}]");
	refused("{\"count\": 1e300}",
		"[{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"count\"],\"msg\":\"Input "
		"should be less than or equal to 100\",\"input\":1e300,\"ctx\":{\"le\":100}}]");
	refused("{\"count\": 0}",
		"[{\"type\":\"greater_than_equal\",\"loc\":[\"body\",\"count\"],\"msg\":\"Input "
		"should be greater than or equal to 1\",\"input\":0,\"ctx\":{\"ge\":1}}]");
	refused("{\"count\": \"101\"}",
		"[{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"count\"],\"msg\":\"Input "
		"should be less than or equal to 100\",\"input\":\"101\",\"ctx\":{\"le\":100}}]");
}

static void integers_are_converted(void **state)
{
	becomes("{\"count\": 5}", "count", "5");
	becomes("{\"count\": \"5\"}", "count", "5");
	becomes("{\"count\": \" 5 \"}", "count", "5");
	becomes("{\"count\": 5.0}", "count", "5");
	becomes("{\"count\": true}", "count", "1");
	becomes("{\"any_count\": false}", "any_count", "0");
	becomes("{\"any_count\": \"-9223372036854775808\"}", "any_count", "-9223372036854775808");
	becomes("{\"any_count\": 9223372036854775807}", "any_count", "9223372036854775807");
	becomes("{\"any_count\": -4e18}", "any_count", "-4000000000000000000");
}

static void booleans_are_read_as_words(void **state)
{
	static const char *const yes[] = {"true",    "1",      "\"true\"", "\"TRUE\"", "\"1\"",
					  "\"yes\"", "\"On\"", "\"t\"",	   "\"Y\"",    "1.0"};
	static const char *const no[] = {"false",   "0",     "\"False\"", "\"0\"", "\"no\"",
					 "\"OFF\"", "\"f\"", "\"n\"",	  "0.0"};
	for (size_t i = 0; i < G_N_ELEMENTS(yes) + G_N_ELEMENTS(no); i++) {
		bool is = i < G_N_ELEMENTS(yes);
		g_autofree char *body = g_strdup_printf("{\"flag\": %s}",
							is ? yes[i] : no[i - G_N_ELEMENTS(yes)]);
		becomes(body, "flag", is ? "true" : "false");
	}
	refused("{\"flag\": \"maybe\"}",
		"[{\"type\":\"bool_parsing\",\"loc\":[\"body\",\"flag\"],\"msg\":\"Input should be a "
		"valid boolean, unable to interpret input\",\"input\":\"maybe\"}]");
	refused("{\"flag\": 2}",
		"[{\"type\":\"bool_parsing\",\"loc\":[\"body\",\"flag\"],\"msg\":\"Input should be a "
		"valid boolean, unable to interpret input\",\"input\":2}]");
	refused("{\"flag\": []}", "[{\"type\":\"bool_type\",\"loc\":[\"body\",\"flag\"],\"msg\":"
				  "\"Input should be a valid boolean\",\"input\":[]}]");
}

static void numbers_are_read(void **state)
{
	becomes("{\"ratio\": 1}", "ratio", "1.0");
	becomes("{\"ratio\": 0.25}", "ratio", "0.25");
	becomes("{\"ratio\": \"2.5e3\"}", "ratio", "2500.0");
	becomes("{\"ratio\": true}", "ratio", "1.0");
	refused("{\"ratio\": {}}", "[{\"type\":\"float_type\",\"loc\":[\"body\",\"ratio\"],\"msg\":"
				   "\"Input should be a valid number\",\"input\":{}}]");
	for (size_t i = 0; i < 5; i++) {
		static const char *const wrong[] = {"", "x", "1,5", "nan", "inf"};
		g_autofree char *body = g_strdup_printf("{\"ratio\": \"%s\"}", wrong[i]);
		g_autofree char *expected = g_strdup_printf(
			"[{\"type\":\"float_parsing\",\"loc\":[\"body\",\"ratio\"],\"msg\":\"Input "
			"should be a valid number, unable to parse string as a number\","
			"\"input\":\"%s\"}]",
			wrong[i]);
		refused(body, expected);
	}
}

static void texts_have_their_bounds_and_rules(void **state)
{
	becomes("{\"short\": \"žlu\"}", "short", "\"žlu\"");
	refused("{\"short\": \"a\"}",
		"[{\"type\":\"string_too_short\",\"loc\":[\"body\",\"short\"],\"msg\":\"String "
		"should have at least 2 characters\",\"input\":\"a\",\"ctx\":{\"min_length\":2}}]");
	refused("{\"short\": \"žluť\"}",
		"[{\"type\":\"string_too_long\",\"loc\":[\"body\",\"short\"],\"msg\":\"String should "
		"have at most 3 characters\",\"input\":\"žluť\",\"ctx\":{\"max_length\":3}}]");
	refused("{\"text\": \"a b\"}",
		"[{\"type\":\"value_error\",\"loc\":[\"body\",\"text\"],\"msg\":\"Value error, no "
		"spaces please\",\"input\":\"a b\",\"ctx\":{\"error\":{}}}]");
}

static void absent_and_null_fields_have_a_value(void **state)
{
	becomes("{}", "initial", "7");
	becomes("{}", "text", "null");
	becomes("{\"maybe\": null}", "maybe", "null");
	becomes("{\"maybe\": \"x\", \"unknown\": 1}", "maybe", "\"x\"");
	becomes("{\"anything\": {\"a\": [1]}}", "anything", "{\"a\":[1]}");
}

static void all_problems_come_together(void **state)
{
	g_autoptr(json_t) body = json("{\"text\": 1, \"count\": \"x\", \"flag\": 7, \"list\": 1}");
	g_autoptr(json_t) problems = json_array();
	json_decref(http_fields_validate(&route, &(struct http_input){.body = body}, problems));
	assert_int_equal(json_array_size(problems), 4);
}

static void a_million_problems_are_not_told(void **state)
{
	g_autoptr(json_t) body = json_object(), problems = json_array();
	json_t *tags = json_array();
	for (int i = 0; i < 1000000; i++)
		json_array_append_new(tags, json_integer(i));
	json_object_set_new(body, "tags", tags);
	json_decref(http_fields_validate(&route, &(struct http_input){.body = body}, problems));
	assert_int_equal(json_array_size(problems), 100);
}

static void an_empty_value_of_a_form_is_missing(void **state)
{
	g_autoptr(json_t) form = json("{\"email\": \"\", \"age\": \"\"}");
	expect_problems(
		&form_route, &(struct http_input){.form = form},
		"[{\"type\":\"missing\",\"loc\":[\"body\",\"email\"],\"msg\":\"Field required\","
		"\"input\":null},"
		"{\"type\":\"missing\",\"loc\":[\"body\",\"file\"],\"msg\":\"Field required\","
		"\"input\":null}]");
	g_autoptr(json_t) full = json("{\"email\": \"a@example.com\", \"age\": \"\"}"),
			  files = json("{\"file\": true}"), problems = json_array();
	g_autoptr(json_t) values = http_fields_validate(
		&form_route, &(struct http_input){.form = full, .files = files}, problems);
	expect_equal(problems, "[]");
	expect_equal(values, "{\"email\":\"a@example.com\",\"age\":18,\"file\":true}");
}

/* The entry for text that is not JSON: its place in the text, and why. */
static void expect_no_json(const char *text, size_t size)
{
	g_autoptr(json_t) problems = json_array();
	const char *type, *place, *message, *why;
	json_int_t offset;
	json_t *input;
	assert_null(http_fields_parse(text, size, problems));
	assert_int_equal(json_array_size(problems), 1);
	assert_int_equal(json_unpack(json_array_get(problems, 0),
				     "{s:s, s:[s, I], s:s, s:o, s:{s:s !} !}", "type", &type, "loc",
				     &place, &offset, "msg", &message, "input", &input, "ctx",
				     "error", &why),
			 0);
	assert_string_equal(type, "json_invalid");
	assert_string_equal(place, "body");
	assert_string_equal(message, "JSON decode error");
	assert_int_equal(json_object_size(input), 0);
	assert_true(offset >= 0 && (size_t)offset <= size);
	assert_true(*why != '\0');
}

static void text_that_is_not_json_is_told_with_its_place(void **state)
{
	static const char *const wrong[] = {
		"",
		"{",
		"{\"a\":}",
		"[1,]",
		"{\"a\":1}x",
		"nul",
		"\"\xff\"",
		"\"\\ud800\"",
		"{\"a\":1,\"a\":2",
		"1e999",
		"'a'",
		"\xef\xbb\xbf{}",
		"\"\\u0000\"",
		"099999999999999999999",
		"-",
		"99999999999999999999x",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
		expect_no_json(wrong[i], strlen(wrong[i]));
	expect_no_json("{}\0", 3);
}

/* The text is read as JSON, and gives the same as another. */
static void reads_as(const char *text, const char *expected)
{
	g_autoptr(json_t) problems = json_array();
	g_autoptr(json_t) value = http_fields_parse(text, strlen(text), problems);
	if (!value)
		fail_msg("%s is refused", text);
	expect_equal(value, expected);
}

static void integers_have_no_limit(void **state)
{
	reads_as("99999999999999999999", "1e20");
	reads_as("[9223372036854775807,9223372036854775808,-9223372036854775808,"
		 "-9223372036854775809,1]",
		 "[9223372036854775807,9223372036854775808.0,-9223372036854775808,"
		 "-9223372036854775809.0,1]");
	reads_as(
		"{\"99999999999999999999\":\"\\\"99999999999999999999\",\"b\":99999999999999999999,"
		"\"c\":7,\"d\":1.5e3,\"e\":\"\\\\\"}",
		"{\"99999999999999999999\":\"\\\"99999999999999999999\",\"b\":1e20,\"c\":7,"
		"\"d\":1500.0,\"e\":\"\\\\\"}");
	g_autofree char *nines = g_strnfill(400, '9');
	g_autofree char *both = g_strdup_printf("[%s,-%s]", nines, nines);
	g_autofree char *zero = g_strdup_printf("[%s,0%s]", nines, nines);
	reads_as(both, "[1e308,-1e308]");
	expect_no_json(zero, strlen(zero));
	expect_no_json("{\"a\":99999999999999999999", 24);
	expect_no_json("{\"a\":99999999999999999999,\"", 27);
	expect_no_json("{\"a\":99999999999999999999,\"\\", 28);

	g_autoptr(json_t) large = json("{\"count\": 1e20}");
	expect_problems(&route, &(struct http_input){.body = large},
			"[{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"count\"],\"msg\":"
			"\"Input should be less than or equal to 100\",\"input\":1e20,"
			"\"ctx\":{\"le\":100}}]");
	refused("{\"count\": \"99999999999999999999\"}",
		"[{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"count\"],\"msg\":\"Input "
		"should be less than or equal to 100\",\"input\":\"99999999999999999999\","
		"\"ctx\":{\"le\":100}}]");
	becomes("{\"any_count\": \"-99999999999999999999\"}", "any_count", "-9223372036854775808");
}

static void nesting_is_bounded(void **state)
{
	enum { DEPTH = 100000 };
	g_autofree char *open = g_strnfill(DEPTH, '[');
	expect_no_json(open, DEPTH);
	g_autoptr(json_t) problems = json_array();
	g_autoptr(json_t) value = http_fields_parse("[[[[[]]]]]", 10, problems);
	assert_non_null(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_fields_are_told_with_what_they_miss_from),
		cmocka_unit_test(a_body_that_is_none_or_no_object_is_told_as_a_whole),
		cmocka_unit_test(types_are_named),
		cmocka_unit_test(integers_are_refused),
		cmocka_unit_test(integers_are_converted),
		cmocka_unit_test(booleans_are_read_as_words),
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(texts_have_their_bounds_and_rules),
		cmocka_unit_test(absent_and_null_fields_have_a_value),
		cmocka_unit_test(all_problems_come_together),
		cmocka_unit_test(a_million_problems_are_not_told),
		cmocka_unit_test(an_empty_value_of_a_form_is_missing),
		cmocka_unit_test(text_that_is_not_json_is_told_with_its_place),
		cmocka_unit_test(integers_have_no_limit),
		cmocka_unit_test(nesting_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
