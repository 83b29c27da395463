/* src/query/comments, predicate and scan: what a scan's fields become, and what they may not be. */
#include "base/error.h"
#include "base/json.h"
#include "duck/query.h"
#include "guard_fixture.h"
#include "query/comments.h"
#include "query/predicate.h"
#include "query/predicate_functions.h"
#include "query/scan.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const columns[] = {"id", "Name", "odd \"name", "from", NULL};

static int set_up(void **state)
{
	return guard_fixture_set_up(state, json_pack("[s]", "orders"));
}

static void comments_become_blanks(void **state)
{
	static const char *const cases[][2] = {
		{"a = 1", "a = 1"},
		{"a = 1 -- b", "a = 1"},
		{"a -- b\n= 1", "a  \n= 1"},
		{"a -- b\r= 1", "a  \r= 1"},
		{"a/* b */= 1", "a = 1"},
		{"a /* /* */ */ = 1", "a   = 1"},
		{"a = 1 ; ; -- x", "a = 1"},
		{"a = ';'", "a = ';'"},
		{"a = '--' AND b", "a = '--' AND b"},
		{"a = 'it''s -- x'", "a = 'it''s -- x'"},
		{"a = 'x\\' -- y", "a = 'x\\'"},
		{"a = e'x\\' -- y'", "a = e'x\\' -- y'"},
		{"a = E'\\\\' -- y", "a = E'\\\\'"},
		{"note'\\' -- y", "note'\\'"},
		{"\"a -- \"\" b\" = 1", "\"a -- \"\" b\" = 1"},
		{"$$ -- $$ = 1", "$$ -- $$ = 1"},
		{"$t$ $$ -- $t$ -- x", "$t$ $$ -- $t$"},
		{"a$$b -- c", "a$$b"},
		{"$1 - -1", "$1 - -1"},
		{"a //* x */ 2", "a /  2"},
		{"\xc4\x8d$$x -- y", "\xc4\x8d$$x"},
		{"", ""},
	};
	static const char *const open[] = {"'a",       "a = 'b''", "\"a",    "/* a",
					   "/* /* */", "$$ a$",	   "$t$ $$", "e'\\'"};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = sql_strip_comments(cases[i][0]);
		assert_non_null(text);
		assert_string_equal(text, cases[i][1]);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(open); i++) {
		if (sql_strip_comments(open[i]))
			fail_msg("closed: %s", open[i]);
	}
}

static void functions_are_found_by_name(void **state)
{
	static const char *const known[] = {"abs",	"XOR", "unix_seconds", "!~~",
					    "~~~",	"%",   "CONTAINS",     "trunc",
					    "to_years", "row", "||",	       "^@"};
	static const char *const unknown[] = {
		"",	      "sum",	"read_text",
		"list_value", "getenv", "->",
		"x",	      "date_",	"a name that is longer than any of those in the lists"};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		assert_true(predicate_function_allowed(known[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(unknown); i++)
		assert_false(predicate_function_allowed(unknown[i]));
}

/* The predicate that is let through, or NULL with its rejection as text. */
static char *check(void **state, const char *text, char **rejected)
{
	struct guard_fixture *at = *state;
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	g_hash_table_add(names, (gpointer) "id");
	g_hash_table_add(names, (gpointer) "name");
	const struct predicate_scope scope = {.table = "in.c-orders", .columns = names};
	g_autoptr(json_t) rejection = NULL;
	g_autoptr(GError) error = NULL;
	char *passed = predicate_check(at->guard, text, &scope, &rejection, &error);
	*rejected = rejection ? json_dumps(rejection, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	assert_true(passed ? !error && !rejection : error != NULL);
	return passed;
}

static void predicates_are_rejected_by_their_tree(void **state)
{
	static const char *const passing[] = {"id = 1", "\"in.c-orders\".ID = 1 OR NAME LIKE 'x'",
					      "(id)", "current_date > '2026-01-01'"};
	static const char *const cases[][2] = {
		{"id = 1; SELECT 1", "{\"details\":{},\"kind\":\"multi_statement\"}"},
		{"id = 1 LIMIT 1", "{\"details\":{},\"kind\":\"parse_error\"}"},
		{"1=1 UNION SELECT 1", "{\"details\":{},\"kind\":\"disallowed_node\"}"},
		{"id IN (FROM orders)", "{\"details\":{},\"kind\":\"nested_select\"}"},
		{"orders.id = 1", "{\"details\":{},\"kind\":\"cross_table_reference\"}"},
		{"\"in.c-orders\".current_date = 1",
		 "{\"details\":{\"column\":\"current_date\"},\"kind\":\"unknown_column\"}"},
		/* The first in the order of the codes, then the first in the text. */
		{"x = 1 AND zap(y) AND zip(1)",
		 "{\"details\":{\"function\":\"ZAP\"},\"kind\":\"unknown_function\"}"},
		{"x = 1 AND y = 1", "{\"details\":{\"column\":\"x\"},\"kind\":\"unknown_column\"}"},
	};
	char *rejected;
	for (size_t i = 0; i < G_N_ELEMENTS(passing); i++) {
		g_autofree char *passed = check(state, passing[i], &rejected);
		if (!passed)
			fail_msg("%s: %s", passing[i], rejected);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		assert_null(check(state, cases[i][0], &rejected));
		assert_string_equal(rejected, cases[i][1]);
		free(rejected);
	}
	g_autofree char *blanks = g_strnfill((gsize)300 * 1024, ' ');
	g_autofree char *bomb = g_strconcat("id = ", blanks, "1", NULL);
	assert_null(check(state, bomb, &rejected));
	assert_null(rejected);
}

static char *build(void **state, const char *fields, char **message)
{
	struct guard_fixture *at = *state;
	struct query_scan scan = {0};
	g_auto(query_verdict) verdict = {0};
	g_autoptr(json_t) rejection = NULL;
	g_autoptr(GError) error = NULL;
	json_t *json = json_loads(fields, 0, NULL);
	assert_non_null(json);
	bool built = query_scan_unpack(json, &scan, &error) &&
		     query_scan_build(at->guard, &scan, columns, &verdict, &rejection, &error);
	json_decref(json);
	*message = error ? g_strdup(error->message) : NULL;
	assert_true(!built || verdict.tables->len == 1);
	return built ? g_strdup(verdict.body) : NULL;
}

static void fields_become_sql(void **state)
{
	static const char *const cases[][2] = {
		{"{\"table\":\"orders\",\"alias\":\"o\"}", "SELECT * FROM \"orders\" AS \"o\""},
		{"{\"table\":\"orders\",\"alias\":\"o\",\"select\":[\"ID\",\"odd \\\"name\"],"
		 "\"order_by\":[\"odd \\\"name\",\" name  desc \",\"from\"],\"limit\":0}",
		 "SELECT \"id\", \"odd \"\"name\" FROM \"orders\" AS \"o\" ORDER BY \"odd \"\"name\" , "
		 "\"Name\" DESC, \"from\"  LIMIT 0"},
		{"{\"table\":\"orders\",\"alias\":\"o\",\"where\":\"id=1 -- ) x\"}",
		 "SELECT * FROM \"orders\" AS \"o\" WHERE (\nid=1\n)"},
	};
	static const char *const wrong[][2] = {
		{"{\"alias\":\"o\"}", "the scan is no scan"},
		{"{\"table\":\"orders\",\"alias\":\"o\",\"select\":[1]}", "the scan is no scan"},
		{"{\"table\":\"orders\",\"alias\":\"o\",\"select\":\"id\"}", "the scan is no scan"},
		{"{\"table\":\"orders\",\"alias\":\"o\",\"select\":[\"x\",\"id\",\"y\"]}",
		 "unknown columns: ['x', 'y']"},
		{"{\"table\":\"orders\",\"alias\":\"o\",\"select\":[\"x\",\"a b\"]}",
		 "invalid column name: 'a b'"},
		{"{\"table\":\"orders\",\"alias\":\"o\",\"order_by\":[\"id DESC DESC\"]}",
		 "invalid order_by entry: 'id DESC DESC'"},
		{"{\"table\":\"orders\",\"alias\":\"o\",\"order_by\":[\"desc\"]}",
		 "unknown order_by column: 'desc'"},
	};
	char *message;
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *sql = build(state, cases[i][0], &message);
		if (!sql)
			fail_msg("%s: %s", cases[i][0], message);
		assert_string_equal(sql, cases[i][1]);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		assert_null(build(state, wrong[i][0], &message));
		assert_string_equal(message, wrong[i][1]);
		g_free(message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments_become_blanks),
		cmocka_unit_test(functions_are_found_by_name),
		cmocka_unit_test_setup_teardown(predicates_are_rejected_by_their_tree, set_up,
						guard_fixture_tear_down),
		cmocka_unit_test_setup_teardown(fields_become_sql, set_up, guard_fixture_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
