/* src/state/registry: ids and keys as text, registration, changes, what hangs on a table. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/registry.h"

static struct registered_table table(const char *id, const char *name)
{
	struct registered_table values;
	record_init(&registered_table_type, &values);
	values.id = id;
	values.name = name;
	return values;
}

static void register_local(struct state *state, const char *id, const char *source_type,
			   const char *query_mode)
{
	struct registered_table values = table(id, id);
	values.source_type = source_type;
	values.query_mode = query_mode;
	assert_ok(registry_register(state, &values, &failure));
}

/* Everything that is kept under a table's name or id. */
static void surround(struct state *state)
{
	state_run(state,
		  "INSERT INTO sync_state (table_id, rows) VALUES ('Orders', 1), ('other', 2); "
		  "INSERT INTO sync_history (id, table_id, synced_at) VALUES "
		  "('h1', 'Orders', now()), ('h2', 'other', now()); "
		  "INSERT INTO table_profiles (table_id, profile) VALUES ('Orders', '{}'); "
		  "INSERT INTO user_groups (id, name) VALUES ('g', 'g'); "
		  "INSERT INTO resource_grants (id, group_id, resource_type, resource_id) VALUES "
		  "('1', 'g', 'table', 'orders'), ('2', 'g', 'table', 'other'), "
		  "('3', 'g', 'memory_domain', 'orders')");
}

static void ids_follow_from_names(void **context)
{
	g_autofree char *name = registry_id_of_name("  Monthly Sales.EU Čas ");
	g_autofree char *source = registry_id_of_source(" In.c-Main.Orders 1");
	assert_string_equal(name, "monthly_sales.eu_čas");
	assert_string_equal(source, "in_c-main_orders_1");
}

static void assert_key(const char *text, const char *expected)
{
	g_auto(GStrv) columns = registry_decode_key(text);
	g_autofree char *joined = columns ? g_strjoinv("|", columns) : g_strdup("NULL");
	assert_string_equal(joined, expected);
}

static void keys_of_every_age_are_read(void **context)
{
	assert_key(NULL, "NULL");
	assert_key("", "NULL");
	assert_key("[]", "");
	assert_key("[\"a\", \"b c\"]", "a|b c");
	assert_key("[\"a\", \"\", null]", "a");
	assert_key("['a', 'b']", "a|b");
	assert_key("['it\\'s', \"b, c\"]", "it's|b, c");
	assert_key("a, b,,c ", "a|b|c");
	assert_key("id", "id");
	assert_key("['unclosed", "[unclosed");
	assert_key("[", "[");
}

static void keys_are_written_as_json(void **context)
{
	char *columns[] = {(char *)"a", (char *)"it's \"b\"", NULL};
	g_autofree char *none = registry_encode_key(NULL);
	g_autofree char *empty = registry_encode_key(columns + 2);
	g_autofree char *text = registry_encode_key(columns);
	assert_null(none);
	assert_null(empty);
	g_auto(GStrv) back = registry_decode_key(text);
	assert_true(g_strv_equal((const char *const *)back, (const char *const *)columns));
}

static void a_registration_fills_in_the_defaults(void **context)
{
	struct state *state = state_of(context);
	struct registered_table values = table("orders", "Orders");
	assert_ok(registry_register(state, &values, &failure));
	g_autoptr(registered_table_record) found = registry_find(state, "orders", NULL);
	assert_string_equal(found->query_mode, "local");
	assert_int_equal(found->profile_after_sync, RECORD_TRUE);
	assert_null(found->sync_strategy);
	assert_true(found->registered_at != DUCK_NO_TIME);
	g_autoptr(registered_table_record) named = registry_find_by_name(state, "Orders", NULL);
	assert_string_equal(named->id, "orders");
	assert_code(registry_find_by_name(state, "orders", &failure), AGNES_ERROR_NOT_FOUND);
}

static void ids_and_names_are_taken_once(void **context)
{
	struct state *state = state_of(context);
	struct registered_table first = table("orders", "Orders"), same_id = table("orders", "X"),
				same_name = table("x", "ORDERS");
	assert_ok(registry_register(state, &first, &failure));
	assert_code(registry_register(state, &same_id, &failure), AGNES_ERROR_CONFLICT);
	assert_code(registry_register(state, &same_name, &failure), AGNES_ERROR_CONFLICT);
	assert_code(registry_save(state, &same_name, &failure), AGNES_ERROR_CONFLICT);
	assert_int_equal(state_number(state, "SELECT count(*) FROM table_registry"), 1);
}

static void lists_are_ordered_by_name_and_filtered(void **context)
{
	struct state *state = state_of(context);
	register_local(state, "c", "keboola", "local");
	register_local(state, "a", "bigquery", "remote");
	register_local(state, "b", NULL, NULL);
	g_autoptr(GPtrArray) all = registry_list(state, NULL);
	g_autoptr(GPtrArray) keboola = registry_list_of_source(state, "keboola", NULL);
	g_autoptr(GPtrArray) local = registry_list_local(state, NULL, NULL);
	g_autoptr(GPtrArray) none = registry_list_local(state, "bigquery", NULL);
	assert_ids(all, "a,b,c");
	assert_ids(keboola, "c");
	assert_ids(local, "b,c");
	assert_ids(none, "");
}

static void saving_overwrites_all_but_who_registered(void **context)
{
	struct state *state = state_of(context);
	struct registered_table values = table("orders", "Orders");
	values.registered_by = "first@example.com";
	values.description = "old";
	values.registered_at = 1000000;
	assert_ok(registry_save(state, &values, &failure));
	g_autoptr(registered_table_record) before = registry_find(state, "orders", NULL);
	assert_int_equal(before->registered_at, 1000000);
	values.registered_by = "second@example.com";
	values.description = NULL;
	values.bucket = "b";
	values.registered_at = DUCK_NO_TIME;
	assert_ok(registry_save(state, &values, &failure));
	g_autoptr(registered_table_record) after = registry_find(state, "orders", NULL);
	assert_string_equal(after->registered_by, "first@example.com");
	assert_null(after->description);
	assert_string_equal(after->bucket, "b");
	assert_true(after->registered_at > 1000000);
}

static void saving_under_the_same_name_keeps_the_sync_state(void **context)
{
	struct state *state = state_of(context);
	struct registered_table values = table("orders", "Orders");
	assert_ok(registry_register(state, &values, &failure));
	surround(state);
	assert_ok(registry_save(state, &values, &failure));
	assert_int_equal(state_number(state, "SELECT count(*) FROM sync_state"), 2);
	assert_int_equal(state_number(state, "SELECT count(*) FROM table_profiles"), 1);
}

static void a_new_name_takes_the_history_along(void **context)
{
	struct state *state = state_of(context);
	struct registered_table values = table("orders", "Orders");
	assert_ok(registry_register(state, &values, &failure));
	surround(state);
	values.name = "Purchases";
	assert_ok(registry_save(state, &values, &failure));
	assert_int_equal(state_number(state, "SELECT count(*) FROM sync_state "
					     "WHERE table_id = 'other'"),
			 1);
	assert_int_equal(state_number(state, "SELECT count(*) FROM sync_state"), 1);
	assert_int_equal(state_number(state, "SELECT count(*) FROM table_profiles"), 0);
	assert_int_equal(state_number(state, "SELECT count(*) FROM sync_history "
					     "WHERE table_id = 'Purchases'"),
			 1);
	assert_int_equal(state_number(state, "SELECT count(*) FROM resource_grants"), 3);
}

static void a_deleted_table_takes_its_grants_along(void **context)
{
	struct state *state = state_of(context);
	struct registered_table values = table("orders", "Orders");
	assert_ok(registry_register(state, &values, &failure));
	surround(state);
	assert_ok(registry_delete(state, "orders", &failure));
	assert_code(registry_delete(state, "orders", &failure), AGNES_ERROR_NOT_FOUND);
	assert_int_equal(state_number(state, "SELECT count(*) FROM sync_state"), 1);
	assert_int_equal(state_number(state, "SELECT count(*) FROM sync_history"), 1);
	assert_int_equal(state_number(state, "SELECT count(*) FROM resource_grants"), 2);
}

static void deleting_an_unknown_table_keeps_its_grants(void **context)
{
	struct state *state = state_of(context);
	surround(state);
	assert_code(registry_delete(state, "orders", &failure), AGNES_ERROR_NOT_FOUND);
	assert_int_equal(state_number(state, "SELECT count(*) FROM resource_grants"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_follow_from_names),
		cmocka_unit_test(keys_of_every_age_are_read),
		cmocka_unit_test(keys_are_written_as_json),
		STATE_TEST(a_registration_fills_in_the_defaults),
		STATE_TEST(ids_and_names_are_taken_once),
		STATE_TEST(lists_are_ordered_by_name_and_filtered),
		STATE_TEST(saving_overwrites_all_but_who_registered),
		STATE_TEST(saving_under_the_same_name_keeps_the_sync_state),
		STATE_TEST(a_new_name_takes_the_history_along),
		STATE_TEST(a_deleted_table_takes_its_grants_along),
		STATE_TEST(deleting_an_unknown_table_keeps_its_grants),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
