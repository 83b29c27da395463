/* src/query/guard: what passes, what does not, and what is said about it. */
#include "base/error.h"
#include "duck/query.h"
#include "guard_fixture.h"
#include "query/functions.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int set_up(void **state)
{
	return guard_fixture_set_up(state, json_pack("[s, s, s, {ss s[sss]}, {ss ss}]", "orders",
						     "customers", "Region", "name", "events",
						     "remote", "bq", "web data", "events", "name",
						     "late", "problem", "'late' is not there yet"));
}

static char *used_names(const struct query_verdict *verdict)
{
	GString *names = g_string_new(NULL);
	for (guint i = 0; i < verdict->tables->len; i++) {
		const struct query_table *table = g_ptr_array_index(verdict->tables, i);
		g_string_append_printf(names, "%s%s", i ? " " : "", table->name);
	}
	return g_string_free(names, FALSE);
}

static void assert_passes(void **state, const char *sql, const char *tables)
{
	struct guard_fixture *at = *state;
	g_auto(query_verdict) verdict = {0};
	g_autoptr(GError) error = NULL;
	if (!query_guard_check(at->guard, sql, &verdict, &error))
		fail_msg("%s: %s", sql, error->message);
	g_autofree char *names = used_names(&verdict);
	if (strcmp(names, tables) != 0)
		fail_msg("%s: uses '%s', not '%s'", sql, names, tables);
}

static void assert_refused(void **state, const char *sql, enum agnes_error code,
			   const char *message)
{
	struct guard_fixture *at = *state;
	g_auto(query_verdict) verdict = {0};
	g_autoptr(GError) error = NULL;
	if (query_guard_check(at->guard, sql, &verdict, &error))
		fail_msg("passed: %s", sql);
	if (error->code != (int)code || !strstr(error->message, message))
		fail_msg("%d %s: %s", error->code, error->message, sql);
	assert_null(verdict.tables);
	assert_null(verdict.body);
}

static void queries_of_granted_tables_pass(void **state)
{
	static const char *const cases[][2] = {
		{"SELECT 1", ""},
		{"SELECT * FROM orders", "orders"},
		{"FROM orders", "orders"},
		{"TABLE orders", "orders"},
		{"VALUES (1, 'a'), (2, 'b')", ""},
		{"DESCRIBE orders", "orders"},
		{"SUMMARIZE orders", "orders"},
		{"SUMMARIZE SELECT * FROM customers", "customers"},
		{"SHOW orders", "orders"},
		{"PIVOT orders ON x IN (1, 2) USING sum(y)", "orders"},
		{"UNPIVOT orders ON a, b INTO NAME n VALUE v", "orders"},
		{"FROM (PIVOT orders ON x IN ('a') USING count(*))", "orders"},
		{"SELECT * FROM ORDERS o JOIN \"Customers\" c USING (id)", "orders customers"},
		{"SELECT * FROM region, main.orders", "Region orders"},
		{"SELECT * FROM orders ASOF JOIN customers c ON orders.t >= c.t",
		 "orders customers"},
		{"SELECT (SELECT max(x) FROM customers) FROM orders WHERE y IN (FROM region)",
		 "customers orders Region"},
		{"SELECT * FROM orders o, LATERAL (SELECT * FROM customers c WHERE c.id = o.id)",
		 "orders customers"},
		{"FROM orders UNION ALL BY NAME FROM customers", "orders customers"},
		{"SELECT * FROM range(10), generate_series(1, 2), unnest([1, 2])", ""},
		{"SELECT unnest(l), list_transform(l, x -> x + 1), [y FOR y IN l IF y > 1] FROM orders",
		 "orders"},
		{"SELECT COLUMNS(c -> c LIKE 'a%'), * EXCLUDE (a) REPLACE (b + 1 AS b) FROM orders",
		 "orders"},
		{"SELECT sum(x) FILTER (WHERE y) OVER w FROM orders WINDOW w AS (ORDER BY z)",
		 "orders"},
		{"SELECT name.upper(), x::DECIMAL(10, 2), DATE '2026-01-01' FROM orders", "orders"},
		{"SELECT a, count(*) FROM orders GROUP BY ROLLUP (a) HAVING count(*) > 1 QUALIFY "
		 "row_number() OVER () = 1 ORDER BY ALL LIMIT 10%",
		 "orders"},
		{"SELECT DISTINCT ON (a) * FROM orders TABLESAMPLE 10% ORDER BY a COLLATE nocase",
		 "orders"},
		{"SELECT 340282366920938463463374607431768211455, 1e300, 0.1", ""},
		{"FROM events", "events"},
		{"FROM bq.\"web data\".events", "events"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_passes(state, cases[i][0], cases[i][1]);
}

static void the_tree_decides_not_the_text(void **state)
{
	static const char *const cases[][2] = {
		{"SELECT last_update , '; DROP TABLE x', '/', \"copy \" FROM orders;", "orders"},
		{"-- DROP TABLE orders\nSELECT /* ; */ 1 ;; -- ; read_csv('x')", ""},
		{"SELECT 'http://example.com', 'information_schema', $$ATTACH$$, $x$';'$x$", ""},
		{"SELECT secret, duckdb_tables FROM orders AS read_csv", "orders"},
		{"  ( SELECT 1 )  ", ""},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_passes(state, cases[i][0], cases[i][1]);
}

static void common_table_expressions_have_a_scope(void **state)
{
	assert_passes(state, "WITH x AS (FROM orders), y AS (FROM x) FROM y, x", "orders");
	assert_passes(state, "WITH orders AS (FROM orders) FROM orders", "orders");
	assert_passes(state, "WITH x AS (SELECT 1) SELECT (SELECT 1 FROM X WHERE EXISTS (FROM x))",
		      "");
	assert_passes(state, "WITH x AS (SELECT 1) FROM x UNION FROM x", "");
	assert_passes(state,
		      "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 9) "
		      "FROM t",
		      "");
	assert_passes(state,
		      "WITH RECURSIVE t(a, b) USING KEY (a) AS (SELECT 1, 2 UNION SELECT a, b FROM "
		      "t JOIN recurring.t USING (a, b)) FROM t",
		      "");
	assert_passes(state, "FROM (WITH secret AS (SELECT 1) FROM secret)", "");
	/* Out of its query, before its definition, or with another schema the name is no CTE. */
	static const char *const denied[] = {
		"FROM (WITH secret AS (SELECT 1) FROM secret), secret",
		"WITH a AS (FROM secret), secret AS (SELECT 1) FROM a",
		"WITH a AS (WITH secret AS (SELECT 1) FROM secret) FROM a, secret",
		"WITH secret AS (FROM secret) FROM secret",
		"FROM secret UNION (WITH secret AS (SELECT 1) FROM secret)",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(denied); i++)
		assert_refused(state, denied[i], AGNES_ERROR_DENIED, "table 'secret'");
	assert_refused(state, "WITH secret AS (SELECT 1) FROM main.secret", AGNES_ERROR_DENIED,
		       "table 'main.secret'");
}

static void other_tables_are_denied_wherever_they_stand(void **state)
{
	static const char *const cases[] = {
		"FROM secret",
		"SELECT * FROM orders, secret",
		"SELECT (SELECT 1 FROM secret) FROM orders",
		"SELECT 1 FROM orders WHERE EXISTS (FROM secret)",
		"SELECT 1 FROM orders ORDER BY (SELECT 1 FROM secret)",
		"SELECT 1 FROM orders LIMIT (SELECT 1 FROM secret)",
		"SELECT 1 FROM orders GROUP BY (SELECT 1 FROM secret)",
		"SELECT 1 FROM orders HAVING (SELECT 1 FROM secret)",
		"SELECT 1 FROM orders QUALIFY (SELECT 1 FROM secret)",
		"SELECT sum(a) OVER (ORDER BY (SELECT 1 FROM secret)) FROM orders",
		"SELECT sum(a) FILTER ((SELECT true FROM secret)) FROM orders",
		"SELECT string_agg(a ORDER BY (SELECT 1 FROM secret)) FROM orders",
		"SELECT CASE WHEN (SELECT 1 FROM secret) THEN 1 END",
		"SELECT [(SELECT 1 FROM secret)]",
		"SELECT list_transform([1], x -> (SELECT 1 FROM secret))",
		"SELECT * REPLACE ((SELECT 1 FROM secret) AS a) FROM orders",
		"SELECT DISTINCT ON ((SELECT 1 FROM secret)) * FROM orders",
		"SELECT (SELECT 1 FROM secret)::INT COLLATE nocase",
		"SELECT a BETWEEN (SELECT 1 FROM secret) AND 2 FROM orders",
		"FROM orders JOIN customers ON (SELECT true FROM secret)",
		"FROM orders UNION FROM secret",
		"FROM orders, LATERAL (FROM secret)",
		"FROM range((SELECT 1 FROM secret))",
		"VALUES ((SELECT 1 FROM secret))",
		"DESCRIBE secret",
		"SUMMARIZE secret",
		"PIVOT secret ON x IN (1) USING sum(y)",
		"PIVOT orders ON x IN (1) USING sum((SELECT 1 FROM secret))",
		"WITH x AS (FROM secret) SELECT 1",
		"WITH RECURSIVE x AS (SELECT 1 UNION ALL FROM secret) FROM x",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_refused(state, cases[i], AGNES_ERROR_DENIED,
			       "Access denied to table 'secret' (line 1, column ");
}

static void a_refusal_says_where_and_what_instead(void **state)
{
	assert_refused(
		state, "SELECT 'ž',\n  read_csv('x')", AGNES_ERROR_INVALID,
		"Only single SELECT queries are allowed: function read_csv() reads or writes "
		"files; name a table instead (line 2, column 3)");
	assert_refused(state, "SELECT 'ž' FROM secret", AGNES_ERROR_DENIED,
		       "Access denied to table 'secret' (line 1, column 17)");
	assert_refused(
		state, "SELEC 1", AGNES_ERROR_INVALID,
		"Query error: parser error: syntax error at or near \"SELEC\" (line 1, column 1)");
	assert_refused(state, "/* x */ (PIVOT orders ON x USING sum(y))", AGNES_ERROR_INVALID,
		       "PIVOT needs its values listed");
	assert_refused(state, "late", AGNES_ERROR_INVALID, "Query error: parser error");
	assert_refused(state, "FROM late", AGNES_ERROR_INVALID, "'late' is not there yet");
}

static void statements_that_are_no_query_are_refused(void **state)
{
	static const char *const cases[][2] = {
		{"", "empty"},
		{" ;; -- nothing", "empty"},
		{"SELECT 1; SELECT 2", "more than one"},
		{"SELECT 1; DROP TABLE orders", "SELECT, FROM"},
		{"DROP TABLE orders", "read-only"},
		{"CREATE TABLE t AS FROM orders", "read-only"},
		{"INSERT INTO orders VALUES (1)", "read-only"},
		{"UPDATE orders SET a = 1", "read-only"},
		{"COPY orders TO 'x.csv'", "as CSV"},
		{"ATTACH ':memory:' AS m", "SELECT, FROM"},
		{"SET threads = 1", "fixed"},
		{"PRAGMA version", "fixed"},
		{"EXPLAIN SELECT 1", "EXPLAIN"},
		{"SHOW TABLES", "GET /api/catalog/tables"},
		{"SELECT * FROM (SHOW ALL TABLES)", "GET /api/catalog/tables"},
		{"FROM 'x.parquet'", "would be a file"},
		{"FROM '/etc/passwd'", "would be a file"},
		{"FROM information_schema.tables", "engine's catalog"},
		{"FROM duckdb_tables", "engine's catalog"},
		{"FROM sqlite_master", "engine's catalog"},
		{"FROM read_parquet('x')", "files"},
		{"FROM query('SELECT 1')", "takes SQL"},
		{"FROM query_table('orders')", "takes SQL"},
		{"SELECT getvariable('x')", "settings"},
		{"SELECT main.current_setting('threads')", "settings"},
		{"SELECT count(*) FILTER (pg_sleep(1)) FROM orders", "waits"},
		{"SELECT nextval('s') OVER ()", "sequence"},
		{"SELECT no_such_function(1)", "does not exist or is not allowed"},
		{"FROM abs(1)", "in FROM"},
		{"SELECT ?", "parameter"},
		{"SELECT $1", "parameter"},
		{"FROM orders AT (VERSION => 1)", "no versions"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_refused(state, cases[i][0], AGNES_ERROR_INVALID, cases[i][1]);
}

static char *body_of(void **state, const char *sql)
{
	struct guard_fixture *at = *state;
	g_auto(query_verdict) verdict = {0};
	g_autoptr(GError) error = NULL;
	if (!query_guard_check(at->guard, sql, &verdict, &error))
		fail_msg("%s: %s", sql, error->message);
	return g_steal_pointer(&verdict.body);
}

/* Its value as a single text, both as it is and between parentheses. */
static void a_body_can_stand_in_parentheses(void **state)
{
	static const char *const cases[][2] = {
		{"SELECT 'a;b'", "a;b"},
		{"SELECT 'a'; ; \n", "a"},
		{"SELECT 'a'; -- ; more", "a"},
		{"SELECT 'a;b' /* ; */ ; /* ; */", "a;b"},
		{"SELECT 'a' -- ; the end", "a"},
		{"SELECT $$;--$$ -- ) ; x", ";--"},
		{"VALUES ('a');", "a"},
		{"WITH x AS (SELECT 'a' AS v) FROM x;", "a"},
		{"SELECT max(column_name) FROM (DESCRIBE SELECT 1 AS a);", "a"},
	};
	struct guard_fixture *at = *state;
	g_autoptr(duck_connection) connection = duck_connect(at->database, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *body = body_of(state, cases[i][0]);
		g_autofree char *sql = g_strdup_printf("FROM (%s\n) q(v)", body);
		g_autoptr(GError) error = NULL;
		g_autoptr(duck_rows) rows = duck_query(connection, &error, sql, NULL);
		if (!rows)
			fail_msg("%s: %s", sql, error->message);
		assert_true(duck_rows_next(rows));
		assert_string_equal(duck_rows_text(rows, 0), cases[i][1]);
	}
}

static void long_and_deep_statements_are_refused(void **state)
{
	g_autofree char *long_one = g_strnfill(GUARD_LONGEST_STATEMENT + 1, ' ');
	assert_refused(state, long_one, AGNES_ERROR_TOO_LARGE, "longer than 256 KiB");
	GString *deep = g_string_new("SELECT ");
	for (int i = 0; i < 1500; i++)
		g_string_append(deep, "abs(");
	g_string_append_c(deep, '1');
	for (int i = 0; i < 1500; i++)
		g_string_append_c(deep, ')');
	g_autofree char *text = g_string_free(deep, FALSE);
	assert_refused(state, text, AGNES_ERROR_INVALID, "Max expression depth");
	/* Still usable. */
	assert_passes(state, "FROM orders", "orders");
}

/* Every function of the library has been looked at, and the lists name nothing else. */
static void the_lists_cover_the_library(void **state)
{
	struct guard_fixture *at = *state;
	g_autoptr(duck_connection) connection = duck_connect(at->database, NULL);
	g_autoptr(duck_rows) rows = duck_query(
		connection, NULL,
		"SELECT DISTINCT function_name, function_type IN ('table', 'table_macro', 'pragma') "
		"FROM duckdb_functions()",
		NULL);
	unsigned count = 0;
	while (duck_rows_next(rows)) {
		const char *name = duck_rows_text(rows, 0);
		/* A function of both kinds is explained by its scalar one. */
		if (function_check(name, duck_rows_bool(rows, 1)) == FUNCTION_UNKNOWN &&
		    function_check(name, false) == FUNCTION_UNKNOWN)
			fail_msg("nobody has looked at %s()", name);
		count++;
	}
	assert_true(count > 900);
	assert_int_equal(function_check("ABS", false), FUNCTION_ALLOWED);
	assert_int_equal(function_check("abs", true), FUNCTION_UNKNOWN);
	assert_int_equal(function_check("Read_CSV", true), FUNCTION_FILES);
	assert_int_equal(function_check("__internal_compress_integral_ubigint", false),
			 FUNCTION_INTERNAL);
	g_autofree char *endless = g_strnfill(4096, 'a');
	assert_int_equal(function_check(endless, false), FUNCTION_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_of_granted_tables_pass),
		cmocka_unit_test(the_tree_decides_not_the_text),
		cmocka_unit_test(common_table_expressions_have_a_scope),
		cmocka_unit_test(other_tables_are_denied_wherever_they_stand),
		cmocka_unit_test(a_refusal_says_where_and_what_instead),
		cmocka_unit_test(statements_that_are_no_query_are_refused),
		cmocka_unit_test(a_body_can_stand_in_parentheses),
		cmocka_unit_test(long_and_deep_statements_are_refused),
		cmocka_unit_test(the_lists_cover_the_library),
	};
	return cmocka_run_group_tests(tests, set_up, guard_fixture_tear_down);
}
