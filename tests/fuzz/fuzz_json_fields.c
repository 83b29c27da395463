/* Bodies of requests: whatever comes is refused with 422 entries, or every field gets a value. */
#include "base/json.h"
#include "http/fields.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *no_spaces(const json_t *value)
{
	return strchr(json_string_value(value), ' ') ? g_strdup("no spaces") : NULL;
}

static const struct http_field fields[] = {
	{"text", HTTP_IN_BODY, HTTP_STRING, .least = 1, .most = 5, .check = no_spaces},
	{"count", HTTP_IN_BODY, HTTP_INTEGER, .least = 1, .most = 100},
	{"any", HTTP_IN_BODY, HTTP_INTEGER, .nullable = true},
	{"ratio", HTTP_IN_BODY, HTTP_NUMBER},
	{"flag", HTTP_IN_BODY, HTTP_BOOLEAN, .initial = "true"},
	{"tags", HTTP_IN_BODY, HTTP_STRINGS},
	{"list", HTTP_IN_BODY, HTTP_LIST},
	{"object", HTTP_IN_BODY, HTTP_OBJECT},
	{"what", HTTP_IN_BODY, HTTP_ANY},
	{"form", HTTP_IN_FORM, HTTP_INTEGER},
	{"query", HTTP_IN_QUERY, HTTP_BOOLEAN},
	{0},
};
static const struct http_route route = {HTTP_POST, "/", .body = HTTP_JSON, .fields = fields};

static void check_problems(const json_t *problems)
{
	size_t index;
	json_t *problem;
	json_array_foreach(problems, index, problem)
	{
		g_assert_true(json_is_string(json_object_get(problem, "type")));
		g_assert_true(json_is_string(json_object_get(problem, "msg")));
		g_assert_cmpuint(json_array_size(json_object_get(problem, "loc")), >, 0);
		g_assert_nonnull(json_object_get(problem, "input"));
	}
	/* What is answered must be writable as JSON. */
	g_autofree char *text = json_to_text(problems);
	g_assert_nonnull(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(json_t) problems = json_array();
	g_autoptr(json_t) body = http_fields_parse((const char *)data, size, problems);
	g_assert_true(!body == (json_array_size(problems) == 1));
	/* The same tree serves as the other places a field may come from. */
	const struct http_input input = {.body = body, .form = body, .query = body};
	g_autoptr(json_t) values = http_fields_validate(&route, &input, problems);
	if (json_array_size(problems) == 0)
		g_assert_cmpuint(json_object_size(values), ==, G_N_ELEMENTS(fields) - 1);
	check_problems(problems);
	return 0;
}
