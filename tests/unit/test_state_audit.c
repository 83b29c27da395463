/* src/state/audit and src/state/sync_settings. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/audit.h"
#include "state/sync_settings.h"

static struct audit_entry entry(const char *user, const char *action)
{
	struct audit_entry values;
	record_init(&audit_entry_type, &values);
	values.user_id = user;
	values.action = action;
	return values;
}

static bool write_all(struct state *state, struct audit_entry *entries, size_t count,
		      GError **error)
{
	g_autoptr(GPtrArray) array = g_ptr_array_new();
	for (size_t i = 0; i < count; i++)
		g_ptr_array_add(array, &entries[i]);
	return audit_write(state, array, error);
}

static void entries_get_ids_and_times(void **context)
{
	struct state *state = state_of(context);
	struct audit_entry entries[] = {entry("u", "a"), entry(NULL, "b")};
	entries[0].params = "{\"k\": 1}";
	entries[0].duration_ms = 7;
	entries[1].id = "given";
	entries[1].timestamp = 1000000;
	assert_ok(write_all(state, entries, 2, &failure));
	g_autoptr(GPtrArray) found = audit_query(state, NULL, NULL, 0, NULL);
	assert_int_equal(found->len, 2);
	const struct audit_entry *first = found->pdata[0], *second = found->pdata[1];
	assert_true(g_uuid_string_is_valid(first->id));
	assert_string_equal(first->params, "{\"k\": 1}");
	assert_int_equal(first->duration_ms, 7);
	assert_string_equal(second->id, "given");
	assert_null(second->user_id);
	assert_int_equal(second->timestamp, 1000000);
	assert_true(second->duration_ms == RECORD_NO_INT);
}

static void empty_params_are_stored_as_none(void **context)
{
	struct state *state = state_of(context);
	struct audit_entry entries[] = {entry("u", "a"), entry("u", "a"), entry("u", "a")};
	entries[1].params = "{}";
	entries[2].params = "";
	assert_ok(write_all(state, entries, 3, &failure));
	assert_int_equal(state_number(state, "SELECT count(*) FROM audit_log "
					     "WHERE params IS NULL"),
			 3);
}

static void a_bad_entry_keeps_all_out(void **context)
{
	struct state *state = state_of(context);
	struct audit_entry entries[] = {entry("u", "a"), entry("u", NULL)};
	assert_code(write_all(state, entries, 2, &failure), AGNES_ERROR_CONFLICT);
	assert_int_equal(state_number(state, "SELECT count(*) FROM audit_log"), 0);
	assert_ok(write_all(state, NULL, 0, &failure));
}

static void queries_are_filtered_and_newest_first(void **context)
{
	struct state *state = state_of(context);
	state_run(state, "INSERT INTO audit_log (id, timestamp, user_id, action) SELECT 'e' || i, "
			 "make_timestamp((i // 2) * 1000000), nullif('u' || (i % 3), 'u2'), "
			 "'a' || (i % 2) FROM range(100) t(i)");
	g_autoptr(GPtrArray) usual = audit_query(state, NULL, NULL, 0, NULL);
	g_autoptr(GPtrArray) few = audit_query(state, NULL, NULL, 3, NULL);
	g_autoptr(GPtrArray) user = audit_query(state, "u0", NULL, 2, NULL);
	g_autoptr(GPtrArray) both = audit_query(state, "u0", "a0", 2, NULL);
	assert_int_equal(usual->len, AUDIT_QUERY_LIMIT);
	assert_ids(few, "e99,e98,e97");
	assert_ids(user, "e99,e96");
	assert_ids(both, "e96,e90");
}

static void settings_are_overwritten_and_ordered(void **context)
{
	struct state *state = state_of(context);
	assert_ok(sync_settings_set(state, "u", "b", true, &failure));
	assert_ok(sync_settings_set(state, "u", "a", true, &failure));
	assert_ok(sync_settings_set(state, "v", "c", true, &failure));
	assert_ok(sync_settings_set(state, "u", "b", false, &failure));
	g_autoptr(GPtrArray) settings = sync_settings_list(state, "u", NULL);
	assert_int_equal(settings->len, 2);
	const struct sync_setting *first = settings->pdata[0], *second = settings->pdata[1];
	assert_string_equal(first->dataset, "a");
	assert_true(first->enabled);
	assert_string_equal(second->dataset, "b");
	assert_false(second->enabled);
	assert_true(second->updated_at > first->updated_at);
	assert_int_equal(state_number(state, "SELECT count(*) FROM user_sync_settings "
					     "WHERE table_mode = 'all' AND tables IS NULL"),
			 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(entries_get_ids_and_times),
		STATE_TEST(empty_params_are_stored_as_none),
		STATE_TEST(a_bad_entry_keeps_all_out),
		STATE_TEST(queries_are_filtered_and_newest_first),
		STATE_TEST(settings_are_overwritten_and_ordered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
