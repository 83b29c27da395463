/* src/duck/helpers: that they help, go, and do not when they are not needed. */
#include "base/error.h"
#include "duck/helpers.h"
#include "duck/query.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { THREADS = 3, ATTEMPTS = 10 };

struct fixture {
	struct duck_database *database;
	struct duck_connection *connection;
	struct duck_helpers *helpers;
};

static int set_up(void **state)
{
	struct fixture *at = g_new0(struct fixture, 1);
	const struct duck_options options = {.threads = 1};
	at->database = duck_database_open(NULL, &options, NULL);
	at->connection = duck_connect(at->database, NULL);
	assert_true(
		duck_exec(at->connection, NULL, "SET threads = 3; SET external_threads = 3", NULL));
	at->helpers = duck_helpers_new(at->database, THREADS - 1, NULL);
	assert_non_null(at->helpers);
	*state = at;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *at = *state;
	duck_helpers_free(at->helpers);
	duck_connection_free(at->connection);
	duck_database_free(at->database);
	g_free(at);
	return 0;
}

/* Clock ticks that the threads of that name have computed, and how many threads there are. */
static long ticks_of(const char *name, unsigned *threads)
{
	long ticks = 0;
	const char *entry;
	*threads = 0;
	g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
	while ((entry = g_dir_read_name(tasks))) {
		g_autofree char *path = g_strdup_printf("/proc/self/task/%s/stat", entry);
		g_autofree char *text = NULL;
		if (!g_file_get_contents(path, &text, NULL, NULL))
			continue;
		g_autofree char *mark = g_strdup_printf("(%s) ", name);
		const char *rest = strstr(text, mark);
		if (!rest)
			continue;
		g_auto(GStrv) fields = g_strsplit(rest + strlen(mark), " ", -1);
		ticks += strtol(fields[11], NULL, 10);
		++*threads;
	}
	return ticks;
}

static void run(const struct fixture *at, const char *sql)
{
	duck_helpers_stand_by(at->helpers);
	g_autoptr(duck_rows) rows = duck_query(at->connection, NULL, sql, NULL);
	duck_helpers_dismiss(at->helpers);
	assert_non_null(rows);
	assert_true(duck_rows_next(rows));
}

static void they_help_with_long_statements(void **state)
{
	unsigned threads;
	long ticks = 0;
	/* Only what scans a table is divided among threads. */
	run(*state, "CREATE TABLE numbers AS SELECT range AS i FROM range(3000000)");
	for (int i = 0; i < ATTEMPTS && ticks == 0; i++) {
		run(*state, "SELECT sum(hash(i::VARCHAR)) FROM numbers");
		ticks = ticks_of("helper", &threads);
	}
	assert_int_equal(threads, THREADS - 1);
	assert_true(ticks > 0);
}

static void statements_are_right_however_long_they_take(void **state)
{
	const struct fixture *at = *state;
	for (int i = 0; i < 200; i++) {
		g_autofree char *sql = g_strdup_printf("SELECT count(*)::BIGINT FROM range(%d)",
						       i * i * 50);
		duck_helpers_stand_by(at->helpers);
		g_autoptr(duck_rows) rows = duck_query(at->connection, NULL, sql, NULL);
		assert_true(rows && duck_rows_next(rows));
		assert_int_equal(duck_rows_int(rows, 0), i * i * 50);
		duck_helpers_dismiss(at->helpers);
	}
}

static void they_go_in_the_middle_of_nothing_and_of_a_call(void **state)
{
	struct fixture *at = *state;
	for (int i = 0; i < 20; i++) {
		duck_helpers_stand_by(at->helpers);
		if (i % 2)
			g_usleep(4000);
		duck_helpers_free(at->helpers);
		at->helpers = duck_helpers_new(at->database, i % 3, NULL);
		assert_non_null(at->helpers);
	}
	run(at, "SELECT 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(they_help_with_long_statements, set_up, tear_down),
		cmocka_unit_test_setup_teardown(statements_are_right_however_long_they_take, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(they_go_in_the_middle_of_nothing_and_of_a_call,
						set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
