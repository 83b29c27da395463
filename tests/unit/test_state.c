/* src/state: sessions over system.duckdb. */
#include "base/error.h"
#include "duck/query.h"
#include "state/state.h"

#include <glib/gstdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
	char *folder;
	struct state *state;
};

static int set_up(void **context)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->folder = g_dir_make_tmp("test-state-XXXXXX", NULL);
	fixture->state = state_open(fixture->folder, NULL, NULL);
	assert_non_null(fixture->state);
	*context = fixture;
	return 0;
}

static void remove_folder(const char *path)
{
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	const char *name;
	while (folder && (name = g_dir_read_name(folder))) {
		g_autofree char *child = g_build_filename(path, name, NULL);
		remove_folder(child);
		g_remove(child);
	}
	g_remove(path);
}

static int tear_down(void **context)
{
	struct fixture *fixture = *context;
	state_free(fixture->state);
	remove_folder(fixture->folder);
	g_free(fixture->folder);
	g_free(fixture);
	return 0;
}

static int64_t count_users(struct state *state)
{
	g_auto(state_session) session = {0};
	assert_true(state_session_begin(&session, state, STATE_READ, NULL));
	g_autoptr(duck_rows)
		rows = duck_query(session.connection, NULL, "SELECT count(*) FROM users", NULL);
	assert_true(duck_rows_next(rows));
	return duck_rows_int(rows, 0);
}

static void add_user(struct duck_connection *connection, const char *id)
{
	assert_true(duck_exec(connection, NULL, "INSERT INTO users (id, email) VALUES (?, ?)", "ss",
			      id, id));
}

static void what_is_written_is_read(void **context)
{
	struct fixture *fixture = *context;
	{
		g_auto(state_session) session = {0};
		assert_true(state_session_begin(&session, fixture->state, STATE_WRITE, NULL));
		add_user(session.connection, "u1");
	}
	assert_int_equal(count_users(fixture->state), 1);
}

static void a_read_session_sees_one_picture(void **context)
{
	struct fixture *fixture = *context;
	g_auto(state_session) reading = {0};
	assert_true(state_session_begin(&reading, fixture->state, STATE_READ, NULL));
	g_autoptr(duck_rows)
		before = duck_query(reading.connection, NULL, "SELECT count(*) FROM users", NULL);
	{
		g_auto(state_session) writing = {0};
		assert_true(state_session_begin(&writing, fixture->state, STATE_WRITE, NULL));
		add_user(writing.connection, "u1");
	}
	g_autoptr(duck_rows)
		after = duck_query(reading.connection, NULL, "SELECT count(*) FROM users", NULL);
	assert_true(duck_rows_next(before) && duck_rows_next(after));
	assert_int_equal(duck_rows_int(before, 0), 0);
	assert_int_equal(duck_rows_int(after, 0), 0);
	assert_int_equal(count_users(fixture->state), 1);
}

static void a_read_session_cannot_write(void **context)
{
	struct fixture *fixture = *context;
	g_auto(state_session) session = {0};
	assert_true(state_session_begin(&session, fixture->state, STATE_READ, NULL));
	assert_false(duck_exec(session.connection, NULL, "DELETE FROM users", NULL));
}

enum { WRITERS = 4, WRITES = 25 };

static gpointer write_many(gpointer data)
{
	struct state *state = data;
	for (int i = 0; i < WRITES; i++) {
		g_auto(state_session) session = {0};
		g_autofree char *id = g_strdup_printf("%p-%d", (void *)g_thread_self(), i);
		assert_true(state_session_begin(&session, state, STATE_WRITE, NULL));
		add_user(session.connection, id);
	}
	return NULL;
}

static void writers_wait_for_each_other(void **context)
{
	struct fixture *fixture = *context;
	GThread *threads[WRITERS];
	for (int i = 0; i < WRITERS; i++)
		threads[i] = g_thread_new("writer", write_many, fixture->state);
	for (int i = 0; i < WRITERS; i++)
		g_thread_join(threads[i]);
	assert_int_equal(count_users(fixture->state), WRITERS * WRITES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_read_session_sees_one_picture, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_read_session_cannot_write, set_up, tear_down),
		cmocka_unit_test_setup_teardown(writers_wait_for_each_other, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
