/* src/duck: quoting, parameters and rows of every type, errors by class, transactions. */
#include "base/error.h"
#include "duck/database.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "duck_fixture.h"

#include <glib/gstdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void quoting_doubles_quotes(void **state)
{
	g_autofree char *sql = duck_sql("SELECT %I, %L, %L, %d, %l, %S, 100%%", "a\"b", "it's",
					NULL, 7, G_GINT64_CONSTANT(1) << 40, "now()");
	assert_string_equal(sql, "SELECT \"a\"\"b\", 'it''s', NULL, 7, 1099511627776, now(), 100%");
}

static void quoted_text_comes_back_unchanged(void **state)
{
	const char *hostile = "'; DROP TABLE x; -- \\ \" ž\n";
	g_autofree char *sql = duck_sql("SELECT %L AS %I", hostile, hostile);
	g_autoptr(duck_rows) rows = duck_query(duck_fixture_connection(state), NULL, sql, NULL);
	assert_true(duck_rows_next(rows));
	assert_string_equal(duck_rows_text(rows, 0), hostile);
	assert_string_equal(duck_rows_name(rows, 0), hostile);
}

static void every_parameter_type_round_trips(void **state)
{
	g_auto(GStrv) list = g_strsplit("x y'z", " ", 0);
	g_autoptr(GError) error = NULL;
	g_autoptr(duck_rows) rows = duck_query(
		duck_fixture_connection(state), &error,
		"SELECT ?::VARCHAR, ?::BIGINT, ?::DOUBLE, ?::BOOLEAN, ?::TIMESTAMP, ?::VARCHAR[]",
		"sidbta", "text", (int64_t)-5, 2.5, true, (int64_t)1700000000123456, list);
	assert_null(error);
	assert_true(duck_rows_next(rows));
	assert_string_equal(duck_rows_text(rows, 0), "text");
	assert_int_equal(duck_rows_int(rows, 1), -5);
	assert_true(duck_rows_double(rows, 2) == 2.5);
	assert_true(duck_rows_bool(rows, 3));
	assert_int_equal(duck_rows_time(rows, 4), 1700000000123456);
	g_auto(GStrv) back = duck_rows_list(rows, 5);
	assert_true(g_strv_equal((const char *const *)back, (const char *const *)list));
	assert_false(duck_rows_next(rows));
}

static void null_parameters_bind_null(void **state)
{
	g_autoptr(duck_rows) rows = duck_query(
		duck_fixture_connection(state), NULL,
		"SELECT ?::VARCHAR, ?::BIGINT, ?::DOUBLE, ?::BOOLEAN, ?::TIMESTAMP, ?::VARCHAR[]",
		"sIDBta", NULL, NULL, NULL, NULL, DUCK_NO_TIME, NULL);
	assert_true(duck_rows_next(rows));
	for (size_t i = 0; i < duck_rows_columns(rows); i++)
		assert_true(duck_rows_is_null(rows, i));
	assert_null(duck_rows_text(rows, 0));
	assert_int_equal(duck_rows_int(rows, 1), 0);
	assert_int_equal(duck_rows_time(rows, 4), DUCK_NO_TIME);
	assert_null(duck_rows_list(rows, 5));
}

static void parameters_that_are_no_utf8_are_an_error(void **state)
{
	char *list[] = {(char *)"fine", (char *)"\xc3", NULL};
	struct duck_value items[] = {{DUCK_NULL}, {DUCK_TEXT, .text = "\xed\xa0\x80"}};
	struct duck_value array = {DUCK_ARRAY, .items = items, .count = 2, .items_kind = DUCK_TEXT};
	g_autoptr(GError) text = NULL, texts = NULL, many = NULL;
	assert_null(duck_query(duck_fixture_connection(state), &text, "SELECT ?", "s", "\xff"));
	assert_null(duck_query(duck_fixture_connection(state), &texts, "SELECT ?", "a", list));
	assert_null(duck_query_values(duck_fixture_connection(state), "SELECT unnest(?)", &array, 1,
				      &many));
	assert_true(g_error_matches(text, AGNES_ERROR, AGNES_ERROR_INVALID));
	assert_true(g_error_matches(texts, AGNES_ERROR, AGNES_ERROR_INVALID));
	assert_true(g_error_matches(many, AGNES_ERROR, AGNES_ERROR_INVALID));
}

static void every_integer_width_reads_as_int(void **state)
{
	g_autoptr(duck_rows) rows = duck_query(
		duck_fixture_connection(state), NULL,
		"SELECT (-1)::TINYINT, (-2)::SMALLINT, (-3)::INTEGER, 4::UTINYINT, 5::USMALLINT, "
		"6::UINTEGER, 18446744073709551615::UBIGINT, (-7)::HUGEINT, 1e30::HUGEINT, "
		"(-1e30)::HUGEINT",
		NULL);
	const int64_t expected[] = {-1, -2, -3, 4, 5, 6, INT64_MAX, -7, INT64_MAX, INT64_MIN};
	assert_true(duck_rows_next(rows));
	for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
		assert_true(duck_rows_int(rows, i) == expected[i]);
}

static void rows_cross_chunk_borders(void **state)
{
	g_autoptr(duck_rows)
		rows = duck_query(duck_fixture_connection(state), NULL,
				  "SELECT i, 'row ' || i FROM range(10000) t(i) ORDER BY i", NULL);
	int64_t seen = 0;
	while (duck_rows_next(rows)) {
		g_autofree char *text = g_strdup_printf("row %" G_GINT64_FORMAT, seen);
		assert_int_equal(duck_rows_int(rows, 0), seen);
		assert_string_equal(duck_rows_text(rows, 1), text);
		seen++;
	}
	assert_int_equal(seen, 10000);
	assert_false(duck_rows_next(rows));
}

static void a_prepared_statement_runs_again(void **state)
{
	g_autoptr(duck_statement) statement = duck_prepare(duck_fixture_connection(state),
							   "SELECT ? + 1::BIGINT", NULL);
	for (int64_t i = 0; i < 3; i++) {
		g_autoptr(duck_rows) rows = duck_statement_query(statement, NULL, "i", i);
		assert_true(duck_rows_next(rows));
		assert_int_equal(duck_rows_int(rows, 0), i + 1);
	}
}

static void change_counts_rows(void **state)
{
	struct duck_connection *connection = duck_fixture_connection(state);
	assert_true(duck_exec(connection, NULL,
			      "CREATE TABLE t (i INT); INSERT INTO t FROM range(5)", NULL));
	assert_int_equal(
		duck_change(connection, NULL, "DELETE FROM t WHERE i < ?", "i", (int64_t)3), 3);
	assert_int_equal(duck_change(connection, NULL, "DELETE FROM nothing", NULL), -1);
}

static void a_wrong_number_of_parameters_is_an_error(void **state)
{
	g_autoptr(GError) error = NULL;
	assert_null(duck_query(duck_fixture_connection(state), &error, "SELECT ?, ?", "s", "one"));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_INVALID));
}

static void assert_code(void **state, const char *sql, enum agnes_error code)
{
	g_autoptr(GError) error = NULL;
	assert_false(duck_exec(duck_fixture_connection(state), &error, sql, NULL));
	if (!g_error_matches(error, AGNES_ERROR, code))
		fail_msg("%s: expected %d, got %d: %s", sql, code, error->code, error->message);
}

static void errors_carry_a_code(void **state)
{
	assert_code(state, "SELEC 1", AGNES_ERROR_INVALID);
	assert_code(state, "SELECT 'x'::INT", AGNES_ERROR_INVALID);
	assert_code(state, "SELECT * FROM missing", AGNES_ERROR_NOT_FOUND);
	assert_code(state, "CREATE TABLE twice (i INT); CREATE TABLE twice (i INT)",
		    AGNES_ERROR_CONFLICT);
	assert_code(state, "CREATE TABLE u (i INT PRIMARY KEY); INSERT INTO u VALUES (1), (1)",
		    AGNES_ERROR_CONFLICT);
	assert_code(state, "SELECT * FROM '/nonexistent/file.parquet'", AGNES_ERROR_NOT_FOUND);
	assert_code(state, "ATTACH '/dev/null/x.duckdb' AS nowhere", AGNES_ERROR_FAILED);
}

static void times_are_utc(void **state)
{
	g_autoptr(duck_rows) rows = duck_query(
		duck_fixture_connection(state), NULL,
		"SELECT current_setting('TimeZone'), TIMESTAMPTZ '2026-01-01 12:00:00+02'::TIMESTAMP",
		NULL);
	assert_true(duck_rows_next(rows));
	assert_string_equal(duck_rows_text(rows, 0), "UTC");
	assert_int_equal(duck_rows_time(rows, 1), 1767261600000000);
}

static void an_open_transaction_rolls_back(void **state)
{
	struct duck_connection *connection = duck_fixture_connection(state);
	assert_true(duck_exec(connection, NULL, "CREATE TABLE kept (i INT)", NULL));
	{
		g_auto(duck_transaction) transaction = {0};
		assert_true(duck_transaction_begin(&transaction, connection, NULL));
		assert_true(duck_exec(connection, NULL, "INSERT INTO kept VALUES (1)", NULL));
	}
	{
		g_auto(duck_transaction) transaction = {0};
		assert_true(duck_transaction_begin(&transaction, connection, NULL));
		assert_true(duck_exec(connection, NULL, "INSERT INTO kept VALUES (2)", NULL));
		assert_true(duck_transaction_commit(&transaction, NULL));
	}
	g_autoptr(duck_rows) rows = duck_query(connection, NULL, "FROM kept", NULL);
	assert_true(duck_rows_next(rows));
	assert_int_equal(duck_rows_int(rows, 0), 2);
	assert_false(duck_rows_next(rows));
}

static gpointer interrupt_soon(gpointer connection)
{
	g_usleep(100 * 1000);
	duck_interrupt(connection);
	return NULL;
}

static void a_running_statement_can_be_interrupted(void **state)
{
	g_autoptr(GError) error = NULL;
	GThread *thread = g_thread_new("interrupt", interrupt_soon, duck_fixture_connection(state));
	bool done = duck_exec(duck_fixture_connection(state), &error,
			      "SELECT count(*) FROM range(10000000000) a WHERE sqrt(range) < 0",
			      NULL);
	g_thread_join(thread);
	assert_false(done);
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CANCELLED));
}

static void files_open_read_only_and_corrupt_ones_are_told(void **state)
{
	g_autofree char *folder = g_dir_make_tmp("agnes-duck-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "a.duckdb", NULL);
	g_autoptr(GError) error = NULL;
	{
		g_autoptr(duck_database) database = duck_database_open(path, NULL, &error);
		assert_null(error);
		g_autoptr(duck_connection) connection = duck_connect(database, NULL);
		assert_true(duck_exec(connection, NULL, "CREATE TABLE t AS SELECT 42 AS i", NULL));
	}
	struct duck_options options = {.read_only = true, .threads = 1, .memory_limit = "100MB"};
	{
		g_autoptr(duck_database) database = duck_database_open(path, &options, &error);
		assert_null(error);
		g_autoptr(duck_connection) connection = duck_connect(database, NULL);
		assert_false(duck_exec(connection, NULL, "INSERT INTO t VALUES (1)", NULL));
	}
	assert_true(g_file_set_contents(path, "this is not a database, not at all", -1, NULL));
	assert_null(duck_database_open(path, NULL, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CORRUPT));
	g_remove(path);
	g_rmdir(folder);
}

static void copy_file(const char *from, const char *to)
{
	g_autofree char *data = NULL;
	gsize size;
	assert_true(g_file_get_contents(from, &data, &size, NULL));
	assert_true(g_file_set_contents(to, data, (gssize)size, NULL));
}

/* The copy is what a process that is killed here leaves behind. */
static void journals_that_duckdb_cannot_replay_are_replayed(void **state)
{
	g_autofree char *folder = g_dir_make_tmp("agnes-duck-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "a.duckdb", NULL);
	g_autofree char *journal = g_strconcat(path, ".wal", NULL);
	g_autofree char *left = g_build_filename(folder, "left.duckdb", NULL);
	g_autofree char *left_journal = g_strconcat(left, ".wal", NULL);
	g_autoptr(GError) error = NULL;
	{
		g_autoptr(duck_database) database = duck_database_open(path, NULL, NULL);
		g_autoptr(duck_connection) connection = duck_connect(database, NULL);
		assert_true(duck_exec(
			connection, NULL,
			"CREATE TABLE t (i INT, made TIMESTAMP DEFAULT current_timestamp); "
			"CHECKPOINT; INSERT INTO t (i) VALUES (1); "
			"ALTER TABLE t ADD COLUMN more VARCHAR DEFAULT 'x'",
			NULL));
		copy_file(path, left);
		copy_file(journal, left_journal);
	}
	{
		g_autoptr(duck_database) database = duck_database_open(left, NULL, &error);
		assert_null(error);
		g_autoptr(duck_connection) connection = duck_connect(database, NULL);
		g_autoptr(duck_rows)
			rows = duck_query(connection, NULL, "SELECT i, more FROM t", NULL);
		assert_true(rows && duck_rows_next(rows));
		assert_int_equal(duck_rows_int(rows, 0), 1);
		assert_string_equal(duck_rows_text(rows, 1), "x");
	}
	g_remove(path);
	g_remove(left);
	g_rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(quoting_doubles_quotes, duck_fixture_set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(quoted_text_comes_back_unchanged,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(every_parameter_type_round_trips,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(null_parameters_bind_null, duck_fixture_set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(parameters_that_are_no_utf8_are_an_error,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(every_integer_width_reads_as_int,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(rows_cross_chunk_borders, duck_fixture_set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_prepared_statement_runs_again,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(change_counts_rows, duck_fixture_set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_wrong_number_of_parameters_is_an_error,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(errors_carry_a_code, duck_fixture_set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(times_are_utc, duck_fixture_set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(an_open_transaction_rolls_back, duck_fixture_set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_running_statement_can_be_interrupted,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test(files_open_read_only_and_corrupt_ones_are_told),
		cmocka_unit_test(journals_that_duckdb_cannot_replay_are_replayed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
