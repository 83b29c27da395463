/* src/http/router: which route a path finds, what it says of the others, and its limits. */
#include "http/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct http_route routes[] = {
	{HTTP_GET, "/"},
	{HTTP_GET, "/things"},
	{HTTP_POST, "/things"},
	{HTTP_GET, "/things/{id}"},
	{HTTP_DELETE, "/things/{id}"},
	{HTTP_GET, "/things/special"},
	{HTTP_GET, "/things/special/{part}/end"},
	{HTTP_GET, "/things/{id}/parts/{part}"},
	{HTTP_GET, "/files/{path...}"},
	{HTTP_PUT, "/files/readme"},
	{HTTP_GET, "/deep/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h...}"},
};

static int set_up(void **state)
{
	*state = http_router_new(routes, G_N_ELEMENTS(routes));
	return 0;
}

static int tear_down(void **state)
{
	http_router_free(*state);
	return 0;
}

/* "PATTERN name=value name=value", or "405 METHOD METHOD", or "404". */
static char *find(const struct http_router *router, enum http_method method, const char *path)
{
	g_auto(http_match) match = {0};
	GString *told = g_string_new(NULL);
	http_router_find(router, method, path, &match);
	if (!match.route)
		g_string_append(told, match.allowed ? "405" : "404");
	else
		g_string_append(told, match.route->pattern);
	for (int i = 0; !match.route && i < HTTP_METHODS; i++) {
		if (match.allowed & (1U << i))
			g_string_append_printf(told, " %s", http_method_name((enum http_method)i));
	}
	for (size_t i = 0; i < match.count; i++)
		g_string_append_printf(told, " %s=%s", match.parameters[i].name,
				       match.parameters[i].value);
	return g_string_free(told, FALSE);
}

static void expect(void **state, enum http_method method, const char *path, const char *expected)
{
	g_autofree char *found = find(*state, method, path);
	assert_string_equal(found, expected);
}

static void a_literal_goes_before_a_parameter(void **state)
{
	expect(state, HTTP_GET, "/", "/");
	expect(state, HTTP_GET, "/things", "/things");
	expect(state, HTTP_GET, "/things/special", "/things/special");
	expect(state, HTTP_GET, "/things/specials", "/things/{id} id=specials");
	expect(state, HTTP_GET, "/things/7", "/things/{id} id=7");
}

static void a_dead_end_behind_a_literal_is_left_again(void **state)
{
	expect(state, HTTP_GET, "/things/special/x/end", "/things/special/{part}/end part=x");
	expect(state, HTTP_GET, "/things/special/parts/4",
	       "/things/{id}/parts/{part} id=special part=4");
	expect(state, HTTP_GET, "/things/special/x/y", "404");
}

static void a_rest_takes_everything_even_nothing(void **state)
{
	expect(state, HTTP_GET, "/files/", "/files/{path...} path=");
	expect(state, HTTP_GET, "/files/a/b//c/", "/files/{path...} path=a/b//c/");
	expect(state, HTTP_GET, "/files/../x", "/files/{path...} path=../x");
	expect(state, HTTP_GET, "/files", "404");
}

static void a_parameter_is_never_empty(void **state)
{
	expect(state, HTTP_GET, "/things/", "404");
	expect(state, HTTP_GET, "/things//parts/4", "404");
	expect(state, HTTP_GET, "//things", "404");
	expect(state, HTTP_GET, "/things/7/", "404");
}

static void other_methods_are_told(void **state)
{
	expect(state, HTTP_PUT, "/things", "405 GET POST");
	expect(state, HTTP_POST, "/things/7", "405 GET DELETE");
	expect(state, HTTP_GET, "/files/readme", "405 PUT");
	expect(state, HTTP_POST, "/nothing", "404");
}

static void long_and_deep_paths_are_bounded(void **state)
{
	g_autofree char *longest = g_strnfill(HTTP_PATH_LIMIT - strlen("/things/"), 'x');
	g_autofree char *fits = g_strconcat("/things/", longest, NULL);
	g_autofree char *too_long = g_strconcat("/things/x", longest, NULL);
	g_autofree char *found = find(*state, HTTP_GET, fits);
	assert_true(g_str_has_prefix(found, "/things/{id} id=xxx"));
	expect(state, HTTP_GET, too_long, "404");

	expect(state, HTTP_GET, "/deep/1/2/3/4/5/6/7/8/9",
	       "/deep/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h...} a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8/9");
	GString *deep = g_string_new("/files");
	for (int i = 0; i < 1500; i++)
		g_string_append(deep, "/x");
	g_autofree char *deepest = find(*state, HTTP_GET, deep->str);
	assert_true(g_str_has_prefix(deepest, "/files/{path...} path=x/x/"));
	g_string_free(deep, TRUE);
}

static void what_is_no_path_is_not_found(void **state)
{
	expect(state, HTTP_GET, "", "404");
	expect(state, HTTP_GET, "things", "404");
	expect(state, HTTP_GET, "*", "404");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_literal_goes_before_a_parameter, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_dead_end_behind_a_literal_is_left_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_rest_takes_everything_even_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_parameter_is_never_empty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_methods_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_and_deep_paths_are_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_path_is_not_found, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
