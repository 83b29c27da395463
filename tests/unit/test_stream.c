/* Texts of values that a stream makes itself, beside DuckDB's own casts. */
#include "duck_fixture.h"

#include "duck/columns.h"
#include "duck/sql.h"
#include "duck/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Over i from 0: r is any 64-bit integer, x one of any length, and the least and largest twice. */
static const char numbers[] =
	"FROM (SELECT i, (hash(i)::HUGEINT - 9223372036854775808)::BIGINT AS r FROM range(20000) t(i)) "
	"SELECT i, r, CASE i % 1000 WHEN 1 THEN -9223372036854775808 WHEN 2 THEN 9223372036854775807 "
	"WHEN 3 THEN 0 ELSE r // (10::HUGEINT ** (i % 19)::INT)::BIGINT END AS x";

static const char *const expressions[] = {
	"(x % 128)::TINYINT",
	"CASE i % 3 WHEN 0 THEN -128 WHEN 1 THEN 127 END::TINYINT",
	"(x % 32768)::SMALLINT",
	"CASE i % 3 WHEN 0 THEN -32768 WHEN 1 THEN 32767 END::SMALLINT",
	"(x % 2147483648)::INTEGER",
	"CASE i % 3 WHEN 0 THEN -2147483648 WHEN 1 THEN 2147483647 END::INTEGER",
	"x",
	"NULL",
	"(x % 10)::DECIMAL(1)",
	"((x % 10000) / 10000)::DECIMAL(4,4)",
	"((x % 1000000000) / 1000)::DECIMAL(9,3)",
	"(x % 1000000000000000000)::DECIMAL(18)",
	"((x % 1000000000000000000)::DECIMAL(18) * 0.01::DECIMAL(2,2))::DECIMAL(18,2)",
	("CASE i % 3 WHEN 0 THEN 0.999999999999999999 WHEN 1 THEN -0.999999999999999999 ELSE "
	 "-0.000000000000000001 END::DECIMAL(18,18)"),
	"DATE '1970-01-01' + (x % 100000)::INTEGER",
	"DATE '1970-01-01' + (x % 2147483000)::INTEGER",
	"DATE '0001-03-01' + (i - 10000)::INTEGER",
	("CASE i % 4 WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity' WHEN 2 THEN '5881580-07-10' ELSE "
	 "'5877642-06-25 (BC)' END::DATE"),
	"make_timestamp(x % 9223372000000000000)",
	"make_timestamp(x % 9223372000000000000 // 1000 * 1000)",
	"make_timestamp(x % 9223372000000 * 1000000)",
	("CASE i % 4 WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity' WHEN 2 THEN "
	 "'294247-01-10 04:00:54.775806' ELSE '290309-12-22 (BC) 00:00:00' END::TIMESTAMP"),
};

static char *type_of(struct duck_connection *connection, const char *sql)
{
	g_autoptr(duck_statement) statement = duck_prepare(connection, sql, NULL);
	assert_non_null(statement);
	return duck_statement_column_type(statement, 0);
}

/* In the current chunk. */
static void compare(struct duck_stream *stream, size_t row)
{
	size_t size, wanted_size;
	const char *wanted = duck_stream_text(stream, 1, row, &wanted_size);
	const char *text = duck_stream_text(stream, 0, row, &size);
	if (!wanted) {
		assert_null(text);
		return;
	}
	g_autofree char *ours = g_strndup(text, size), *theirs = g_strndup(wanted, wanted_size);
	assert_string_equal(ours, theirs);
}

static void test_values_are_written_as_casts_write_them(void **state)
{
	struct duck_connection *connection = duck_fixture_connection(state);
	for (size_t i = 0; i < G_N_ELEMENTS(expressions); i++) {
		size_t count, rows = 0;
		g_autofree char *sql = duck_sql(
			"FROM (FROM (%S) SELECT %S AS v) SELECT v, v::VARCHAR", numbers,
			expressions[i]);
		g_autofree char *type = type_of(connection, sql);
		g_autoptr(duck_stream) stream = duck_stream_open(connection, sql, NULL);
		print_message("%s: %s\n", type, expressions[i]);
		assert_true(duck_stream_has_text(type));
		assert_non_null(stream);
		do {
			assert_true(duck_stream_next(stream, &count, NULL));
			for (size_t row = 0; row < count; row++)
				compare(stream, row);
			rows += count;
		} while (count > 0);
		assert_int_equal(rows, 20000);
	}
}

static void test_other_types_need_a_cast(void **state)
{
	static const char *const others[] = {"VARCHAR",	      "UBIGINT",
					     "HUGEINT",	      "DOUBLE",
					     "DECIMAL(19,2)", "DECIMAL(9,2)[]",
					     "INTEGER[]",     "DATE[3]",
					     "TIMESTAMP_NS",  "TIMESTAMP WITH TIME ZONE",
					     "TIME",	      "OTHER"};
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		assert_false(duck_stream_has_text(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values_are_written_as_casts_write_them,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test(test_other_types_need_a_cast),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
