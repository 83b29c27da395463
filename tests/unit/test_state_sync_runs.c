/* src/state/sync_runs: what a run owes until it has ended, also over the death of its server. */
#include "state_fixture.h"

#include "state/audit.h"
#include "state/sync_runs.h"
#include "state/sync_state.h"

static struct stored_run run(const char *id, int64_t started, const char *owed)
{
	return (struct stored_run){.id = id,
				   .started_at = started,
				   .finished_at = DUCK_NO_TIME,
				   .status = SYNC_RUN_RUNNING,
				   .owed = owed};
}

static void begin(struct state *state, struct stored_run row)
{
	assert_ok(sync_runs_begin(state, &row, &failure));
}

static void finish(struct state *state, struct stored_run row, const char *status,
		   const char *replaced)
{
	row.status = status;
	row.finished_at = row.started_at + 5;
	row.report = "{\"x\":1}";
	assert_ok(sync_runs_finish(state, &row, replaced, &failure));
}

static void assert_owed(struct state *state, const char *one, const char *other)
{
	g_autoptr(GHashTable) owed = sync_runs_owed(state, NULL);
	assert_non_null(owed);
	assert_int_equal(g_hash_table_size(owed), (one != NULL) + (other != NULL));
	assert_true(!one || g_hash_table_contains(owed, one));
	assert_true(!other || g_hash_table_contains(owed, other));
}

static void a_run_owes_its_tables_until_it_has_ended(void **context)
{
	struct state *state = state_of(context);
	begin(state, run("r1", 1000000, "[\"a\",\"b\"]"));
	assert_owed(state, "a", "b");
	finish(state, run("r1", 1000000, NULL), SYNC_RUN_DONE, NULL);
	assert_owed(state, NULL, NULL);
	g_autoptr(GPtrArray) rows = sync_runs_list(state, 10, NULL);
	assert_int_equal(rows->len, 1);
	const struct stored_run *row = rows->pdata[0];
	assert_string_equal(row->status, SYNC_RUN_DONE);
	assert_string_equal(row->report, "{\"x\":1}");
}

static void what_a_dead_server_left_is_cut_off_and_owed_by_the_next(void **context)
{
	struct state *state = state_of(context);
	begin(state, run("r1", 1000000, "[\"a\",\"b\"]"));
	state = state_fixture_reopen(context);
	assert_int_equal(sync_runs_mark_interrupted(state, NULL), 1);
	assert_int_equal(sync_runs_mark_interrupted(state, NULL), 0);
	assert_owed(state, "a", "b");
	/* The next run takes the debt over, and may be cut off as well. */
	begin(state, run("r2", 2000000, "[\"b\"]"));
	assert_owed(state, "b", NULL);
	g_autoptr(GPtrArray) rows = sync_runs_list(state, 10, NULL);
	assert_ids(rows, "r2,r1");
	assert_string_equal(((struct stored_run *)rows->pdata[1])->status, SYNC_RUN_INTERRUPTED);
}

static void a_run_may_take_the_place_of_another(void **context)
{
	struct state *state = state_of(context);
	finish(state, run("r1", 1000000, NULL), SYNC_RUN_DONE, NULL);
	finish(state, run("r2", 2000000, NULL), SYNC_RUN_DONE, "r1");
	g_autoptr(GPtrArray) rows = sync_runs_list(state, 10, NULL);
	assert_ids(rows, "r2");
}

static void old_runs_go_but_not_what_they_owe(void **context)
{
	struct state *state = state_of(context);
	finish(state, run("old", 1000000, NULL), SYNC_RUN_DONE, NULL);
	finish(state, run("owing", 1000000, "[\"a\"]"), SYNC_RUN_INTERRUPTED, NULL);
	finish(state, run("new", 9000000, NULL), SYNC_RUN_DONE, NULL);
	assert_int_equal(sync_runs_trim(state, 5000000, NULL), 1);
	g_autoptr(GPtrArray) rows = sync_runs_list(state, 10, NULL);
	assert_ids(rows, "new,owing");
	assert_owed(state, "a", NULL);
}

static void save_table(struct state *state, const char *name, int64_t synced)
{
	struct sync_result result;
	g_autoptr(GArray) results = g_array_new(FALSE, FALSE, sizeof(struct sync_result));
	sync_result_init(&result, name);
	result.state.last_sync = synced;
	result.state.rows = 5;
	g_array_append_val(results, result);
	assert_ok(sync_state_save(state, results, &failure));
}

static void a_run_settles_what_it_found_current_and_what_failed(void **context)
{
	struct state *state = state_of(context);
	save_table(state, "same", 1000000);
	save_table(state, "fresh", 7000000);
	save_table(state, "bad", 1000000);
	assert_ok(sync_state_fail(state, "same", "was bad", &failure));
	const struct sync_current good[] = {{"same", 3}, {"fresh", 40}};
	const struct sync_failure bad[] = {{"bad", "no"}, {"unknown", "nothing"}};
	g_autoptr(GArray) current = g_array_new(FALSE, FALSE, sizeof(struct sync_current));
	g_autoptr(GArray) failures = g_array_new(FALSE, FALSE, sizeof(struct sync_failure));
	g_array_append_vals(current, good, 2);
	g_array_append_vals(failures, bad, 2);
	assert_ok(sync_state_settle(state, current, 6000000, failures, &failure));
	g_autoptr(sync_state_record) same = sync_state_find(state, "same", NULL);
	g_autoptr(sync_state_record) fresh = sync_state_find(state, "fresh", NULL);
	g_autoptr(sync_state_record) failing = sync_state_find(state, "bad", NULL);
	g_autoptr(sync_state_record) unknown = sync_state_find(state, "unknown", NULL);
	assert_int_equal(same->last_sync, 6000000);
	assert_string_equal(same->status, "ok");
	assert_null(same->error);
	assert_int_equal(fresh->last_sync, 7000000);
	assert_int_equal(failing->last_sync, 1000000);
	assert_int_equal(failing->rows, 5);
	assert_string_equal(failing->error, "no");
	assert_string_equal(unknown->status, "error");
	assert_int_equal(unknown->last_sync, DUCK_NO_TIME);
	/* Only the new version has a duration, and nothing became another entry. */
	assert_int_equal(state_number(state, "SELECT count(*) FROM sync_history"), 3);
	assert_int_equal(state_number(state, "SELECT sum(duration_ms) FROM sync_history"), 40);
}

static void the_history_is_searched_by_what_is_given(void **context)
{
	struct state *state = state_of(context);
	g_auto(GStrv) names = g_strsplit("a c", " ", -1);
	save_table(state, "a", 1000000);
	save_table(state, "b", 2000000);
	save_table(state, "a", 3000000);
	const struct sync_history_filter all = {.since = DUCK_NO_TIME, .limit = 10};
	const struct sync_history_filter some = {
		.tables = names, .status = "ok", .since = 2000000, .limit = 10};
	const struct sync_history_filter none = {
		.status = "error", .since = DUCK_NO_TIME, .limit = 10};
	g_autoptr(GPtrArray) everything = sync_history_search(state, &all, NULL);
	g_autoptr(GPtrArray) found = sync_history_search(state, &some, NULL);
	g_autoptr(GPtrArray) nothing = sync_history_search(state, &none, NULL);
	assert_int_equal(everything->len, 3);
	assert_int_equal(found->len, 1);
	assert_int_equal(((struct sync_run *)found->pdata[0])->synced_at, 3000000);
	assert_int_equal(nothing->len, 0);
}

static void old_notes_of_the_audit_go(void **context)
{
	struct state *state = state_of(context);
	state_run(state, "INSERT INTO audit_log (id, timestamp, action) VALUES "
			 "('a', TIMESTAMP '2020-01-01', 'x'), ('b', TIMESTAMP '2030-01-01', 'x')");
	assert_int_equal(audit_trim(state, 1700000000000000, NULL), 1);
	assert_int_equal(state_number(state, "SELECT count(*) FROM audit_log WHERE id = 'b'"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_run_owes_its_tables_until_it_has_ended),
		STATE_TEST(what_a_dead_server_left_is_cut_off_and_owed_by_the_next),
		STATE_TEST(a_run_may_take_the_place_of_another),
		STATE_TEST(old_runs_go_but_not_what_they_owe),
		STATE_TEST(a_run_settles_what_it_found_current_and_what_failed),
		STATE_TEST(the_history_is_searched_by_what_is_given),
		STATE_TEST(old_notes_of_the_audit_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
