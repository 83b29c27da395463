/* src/state: sessions over system.duckdb, and what happens when DuckDB gives the database up. */
#include "duck/query.h"
#include "state_fixture.h"

#include <glib/gstdio.h>

static int64_t count_users(struct state *state)
{
	return state_number(state, "SELECT count(*) FROM users");
}

static void add_user(struct duck_connection *connection, const char *id)
{
	assert_true(duck_exec(connection, NULL, "INSERT INTO users (id, email) VALUES (?, ?)", "ss",
			      id, id));
}

static void write_user(struct state *state, const char *id)
{
	g_auto(state_session) session = {0};
	assert_ok(state_session_begin(&session, state, STATE_WRITE, &failure));
	add_user(session.connection, id);
}

static void what_is_written_is_read(void **context)
{
	write_user(state_of(context), "u1");
	assert_int_equal(count_users(state_of(context)), 1);
	assert_int_equal(count_users(state_fixture_reopen(context)), 1);
}

static void a_read_session_sees_one_picture(void **context)
{
	struct state *state = state_of(context);
	g_auto(state_session) reading = {0};
	assert_ok(state_session_begin(&reading, state, STATE_READ, &failure));
	g_autoptr(duck_rows)
		before = duck_query(reading.connection, NULL, "SELECT count(*) FROM users", NULL);
	write_user(state, "u1");
	g_autoptr(duck_rows)
		after = duck_query(reading.connection, NULL, "SELECT count(*) FROM users", NULL);
	assert_true(duck_rows_next(before) && duck_rows_next(after));
	assert_int_equal(duck_rows_int(before, 0), 0);
	assert_int_equal(duck_rows_int(after, 0), 0);
	assert_int_equal(count_users(state), 1);
}

static void a_read_session_cannot_write(void **context)
{
	g_auto(state_session) session = {0};
	assert_ok(state_session_begin(&session, state_of(context), STATE_READ, &failure));
	assert_false(duck_exec(session.connection, NULL, "DELETE FROM users", NULL));
}

enum { WRITERS = 4, WRITES = 25 };

static gpointer write_many(gpointer data)
{
	for (int i = 0; i < WRITES; i++) {
		g_autofree char *id = g_strdup_printf("%p-%d", (void *)g_thread_self(), i);
		write_user(data, id);
	}
	return NULL;
}

static void writers_wait_for_each_other(void **context)
{
	GThread *threads[WRITERS];
	for (int i = 0; i < WRITERS; i++)
		threads[i] = g_thread_new("writer", write_many, state_of(context));
	for (int i = 0; i < WRITERS; i++)
		g_thread_join(threads[i]);
	assert_int_equal(count_users(state_of(context)), WRITERS * WRITES);
}

/* Makes DuckDB give the database up: what a checkpoint does that meets a full disk. */
static void kill_database(struct state *state)
{
	g_auto(state_session) session = {0};
	assert_ok(state_session_begin(&session, state, STATE_WRITE, &failure));
	assert_true(duck_exec(session.connection, NULL,
			      "UPDATE user_groups SET created_at = current_timestamp;"
			      "SET debug_checkpoint_abort = 'before_header'",
			      NULL));
	assert_code(duck_exec(session.connection, &failure, "CHECKPOINT", NULL), AGNES_ERROR_FATAL);
	assert_code(duck_exec(session.connection, &failure, "SELECT 1", NULL), AGNES_ERROR_FATAL);
}

static void the_session_after_a_fatal_error_finds_everything(void **context)
{
	struct state *state = state_of(context);
	write_user(state, "u1");
	kill_database(state);
	assert_int_equal(count_users(state), 1);
	write_user(state, "u2");
	assert_int_equal(count_users(state), 2);
}

static gpointer read_in_time(gpointer data)
{
	assert_int_equal(count_users(data), 0);
	return NULL;
}

static void reopening_waits_for_sessions_that_run(void **context)
{
	struct state *state = state_of(context);
	g_auto(state_session) reading = {0};
	assert_ok(state_session_begin(&reading, state, STATE_READ, &failure));
	kill_database(state);
	GThread *thread = g_thread_new("reader", read_in_time, state);
	g_usleep(50 * G_TIME_SPAN_MILLISECOND);
	assert_code(duck_exec(reading.connection, &failure, "SELECT 1", NULL), AGNES_ERROR_FATAL);
	state_session_clear(&reading);
	g_thread_join(thread);
}

static void wait_until_open(struct state *state)
{
	for (;;) {
		g_auto(state_session) session = {0};
		if (state_session_begin(&session, state, STATE_READ, NULL))
			return;
		g_usleep(10 * G_TIME_SPAN_MILLISECOND);
	}
}

/* The pause between attempts doubles each time, so that it is met before long. */
static void a_database_that_keeps_dying_is_not_reopened_in_a_loop(void **context)
{
	struct state *state = state_of(context);
	bool paused = false;
	for (int i = 0; i < 8 && !paused; i++) {
		g_autoptr(GError) error = NULL;
		g_auto(state_session) session = {0};
		kill_database(state);
		paused = !state_session_begin(&session, state, STATE_READ, &error);
		if (paused)
			assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_UNAVAILABLE));
	}
	assert_true(paused);
	wait_until_open(state);
	assert_int_equal(count_users(state), 0);
}

static void move_file(void **context, const char *from, const char *to)
{
	g_autofree char *old = g_build_filename(state_fixture_folder(context), "state", from, NULL);
	g_autofree char *new = g_build_filename(state_fixture_folder(context), "state", to, NULL);
	assert_true(g_rename(old, new) == 0 || g_str_has_suffix(from, ".wal"));
}

static void a_file_that_went_away_is_not_made_anew(void **context)
{
	struct state *state = state_of(context);
	write_user(state, "u1");
	kill_database(state);
	move_file(context, "system.duckdb", "away");
	move_file(context, "system.duckdb.wal", "away.wal");
	{
		g_auto(state_session) session = {0};
		assert_code(state_session_begin(&session, state, STATE_READ, &failure),
			    AGNES_ERROR_UNAVAILABLE);
	}
	move_file(context, "away", "system.duckdb");
	move_file(context, "away.wal", "system.duckdb.wal");
	wait_until_open(state);
	assert_int_equal(count_users(state), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(what_is_written_is_read),
		STATE_TEST(a_read_session_sees_one_picture),
		STATE_TEST(a_read_session_cannot_write),
		STATE_TEST(writers_wait_for_each_other),
		STATE_TEST(the_session_after_a_fatal_error_finds_everything),
		STATE_TEST(reopening_waits_for_sessions_that_run),
		STATE_TEST(a_file_that_went_away_is_not_made_anew),
		STATE_TEST(a_database_that_keeps_dying_is_not_reopened_in_a_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
