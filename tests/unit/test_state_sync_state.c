/* src/state/sync_state: results of a run, failures, the history and its trimming. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/sync_state.h"

static struct sync_result result(const char *table, int64_t rows)
{
	struct sync_result values;
	sync_result_init(&values, table);
	values.state.rows = rows;
	values.state.file_size_bytes = 100 * rows;
	values.state.hash = "0123456789abcdef0123456789abcdef";
	return values;
}

static bool save(struct state *state, const struct sync_result *results, guint count,
		 GError **error)
{
	g_autoptr(GArray) array = g_array_new(FALSE, FALSE, sizeof(struct sync_result));
	g_array_append_vals(array, results, count);
	return sync_state_save(state, array, error);
}

static void save_one(struct state *state, struct sync_result values)
{
	assert_ok(save(state, &values, 1, &failure));
}

static void a_result_is_recorded_with_its_history(void **context)
{
	struct state *state = state_of(context);
	struct sync_result values = result("orders", 5);
	values.duration_ms = 12;
	save_one(state, values);
	g_autoptr(sync_state_record) found = sync_state_find(state, "orders", NULL);
	assert_int_equal(found->rows, 5);
	assert_int_equal(found->file_size_bytes, 500);
	assert_int_equal(found->uncompressed_size_bytes, 0);
	assert_int_equal(found->columns, 0);
	assert_string_equal(found->hash, values.state.hash);
	assert_string_equal(found->status, "ok");
	assert_null(found->error);
	g_autoptr(GPtrArray) history = sync_history_list(state, "orders", 0, NULL);
	assert_int_equal(history->len, 1);
	const struct sync_run *run = history->pdata[0];
	assert_true(g_uuid_string_is_valid(run->id));
	assert_int_equal(run->synced_at, found->last_sync);
	assert_int_equal(run->rows, 5);
	assert_int_equal(run->duration_ms, 12);
	assert_string_equal(run->status, "ok");
}

static void the_time_of_extraction_may_be_given(void **context)
{
	struct state *state = state_of(context);
	struct sync_result values = result("orders", 5);
	values.state.last_sync = 1700000000000000;
	save_one(state, values);
	g_autoptr(sync_state_record) found = sync_state_find(state, "orders", NULL);
	assert_int_equal(found->last_sync, 1700000000000000);
}

static void a_run_of_many_tables_is_recorded_whole_or_not_at_all(void **context)
{
	struct state *state = state_of(context);
	struct sync_result results[] = {result("a", 1), result("b", 2)};
	save_one(state, result("a", 9));
	state_run(state, "DROP TABLE sync_history");
	assert_code(save(state, results, 2, &failure), AGNES_ERROR_NOT_FOUND);
	g_autoptr(GPtrArray) kept = sync_state_list(state, NULL);
	assert_int_equal(kept->len, 1);
	assert_int_equal(((struct sync_state *)kept->pdata[0])->rows, 9);
	state = state_fixture_reopen(context);
	assert_ok(save(state, results, 2, &failure));
	g_autoptr(GPtrArray) all = sync_state_list(state, NULL);
	assert_ids(all, "a,b");
	assert_int_equal(state_number(state, "SELECT sum(rows) FROM sync_state"), 3);
	assert_int_equal(state_number(state, "SELECT count(*) FROM sync_history"), 2);
}

static void an_empty_run_records_nothing(void **context)
{
	struct state *state = state_of(context);
	assert_ok(save(state, NULL, 0, &failure));
	assert_int_equal(state_number(state, "SELECT count(*) FROM sync_state"), 0);
}

static void a_failure_keeps_the_last_good_result(void **context)
{
	struct state *state = state_of(context);
	save_one(state, result("orders", 5));
	assert_ok(sync_state_fail(state, "orders", "source is down", &failure));
	g_autoptr(sync_state_record) failed = sync_state_find(state, "orders", NULL);
	assert_string_equal(failed->status, "error");
	assert_string_equal(failed->error, "source is down");
	assert_int_equal(failed->rows, 5);
	assert_true(failed->last_sync != DUCK_NO_TIME);
	assert_int_equal(state_number(state, "SELECT count(*) FROM sync_history"), 1);
	save_one(state, result("orders", 6));
	g_autoptr(sync_state_record) good = sync_state_find(state, "orders", NULL);
	assert_string_equal(good->status, "ok");
	assert_null(good->error);
}

static void a_first_failure_knows_nothing_else(void **context)
{
	struct state *state = state_of(context);
	assert_ok(sync_state_fail(state, "orders", "source is down", &failure));
	g_autoptr(sync_state_record) failed = sync_state_find(state, "orders", NULL);
	assert_int_equal(failed->last_sync, DUCK_NO_TIME);
	assert_true(failed->rows == RECORD_NO_INT);
	assert_null(failed->hash);
	assert_string_equal(failed->status, "error");
}

static void only_an_error_is_cleared(void **context)
{
	struct state *state = state_of(context);
	assert_ok(sync_state_fail(state, "a", "source is down", &failure));
	save_one(state, result("b", 1));
	state_run(state, "UPDATE sync_state SET status = 'skipped' WHERE table_id = 'b'");
	assert_ok(sync_state_clear_error(state, "a", &failure));
	assert_ok(sync_state_clear_error(state, "b", &failure));
	assert_ok(sync_state_clear_error(state, "unknown", &failure));
	g_autoptr(sync_state_record) a = sync_state_find(state, "a", NULL);
	g_autoptr(sync_state_record) b = sync_state_find(state, "b", NULL);
	assert_string_equal(a->status, "ok");
	assert_string_equal(a->error, "");
	assert_string_equal(b->status, "skipped");
	assert_code(sync_state_find(state, "unknown", &failure), AGNES_ERROR_NOT_FOUND);
}

static void history_is_listed_newest_first(void **context)
{
	struct state *state = state_of(context);
	state_run(state, "INSERT INTO sync_history (id, table_id, synced_at) "
			 "SELECT 'h' || i, 'a', make_timestamp((i // 2) * 1000000) "
			 "FROM range(20) t(i)");
	save_one(state, result("b", 1));
	g_autoptr(GPtrArray) some = sync_history_list(state, "a", 3, NULL);
	g_autoptr(GPtrArray) usual = sync_history_list(state, "a", 0, NULL);
	assert_ids(some, "h19,h18,h17");
	assert_int_equal(usual->len, SYNC_HISTORY_LIMIT);
}

static void old_history_goes_but_the_newest_of_each_table(void **context)
{
	struct state *state = state_of(context);
	state_run(state, "INSERT INTO sync_history (id, table_id, synced_at) VALUES "
			 "('old', 'a', '2026-01-01'), ('older', 'a', '2025-01-01'), "
			 "('new', 'b', '2026-03-01'), ('past', 'b', '2026-01-01')");
	int64_t february = 1769904000000000;
	assert_int_equal(sync_history_trim(state, february, NULL), 2);
	g_autoptr(GPtrArray) a = sync_history_list(state, "a", 0, NULL);
	g_autoptr(GPtrArray) b = sync_history_list(state, "b", 0, NULL);
	assert_ids(a, "old");
	assert_ids(b, "new");
	assert_int_equal(sync_history_trim(state, february, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_result_is_recorded_with_its_history),
		STATE_TEST(the_time_of_extraction_may_be_given),
		STATE_TEST(a_run_of_many_tables_is_recorded_whole_or_not_at_all),
		STATE_TEST(an_empty_run_records_nothing),
		STATE_TEST(a_failure_keeps_the_last_good_result),
		STATE_TEST(a_first_failure_knows_nothing_else),
		STATE_TEST(only_an_error_is_cleared),
		STATE_TEST(history_is_listed_newest_first),
		STATE_TEST(old_history_goes_but_the_newest_of_each_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
