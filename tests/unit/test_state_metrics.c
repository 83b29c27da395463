/* src/state/metrics: what is kept and what is overwritten, look-ups, partial updates. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/metrics.h"

static struct metric metric(const char *id, const char *category, const char *name)
{
	struct metric values;
	metric_init(&values);
	values.id = id;
	values.name = values.display_name = name;
	values.category = category;
	values.sql = "SELECT 1";
	return values;
}

static bool save(struct state *state, struct metric *metrics, size_t count, GError **error)
{
	g_autoptr(GPtrArray) array = g_ptr_array_new();
	for (size_t i = 0; i < count; i++)
		g_ptr_array_add(array, &metrics[i]);
	return metrics_save(state, array, error);
}

static void save_one(struct state *state, struct metric values)
{
	assert_ok(save(state, &values, 1, &failure));
}

static void a_definition_has_its_defaults_and_lists(void **context)
{
	struct state *state = state_of(context);
	char *tables[] = {(char *)"orders", (char *)"it's", NULL}, *none[] = {NULL};
	struct metric values = metric("sales/mrr", "sales", "mrr");
	values.tables = tables;
	values.filters = none;
	values.sql_variants = "{\"by_day\":\"SELECT 2\"}";
	save_one(state, values);
	g_autoptr(metric_record) found = metrics_find(state, "sales/mrr", NULL);
	assert_string_equal(found->type, "sum");
	assert_string_equal(found->grain, "monthly");
	assert_string_equal(found->source, "manual");
	assert_null(found->unit);
	assert_null(found->synonyms);
	assert_non_null(found->filters);
	assert_null(found->filters[0]);
	assert_true(g_strv_equal((const char *const *)found->tables, (const char *const *)tables));
	assert_string_equal(found->sql_variants, values.sql_variants);
	assert_int_equal(found->created_at, found->updated_at);
}

static void null_given_stays_null(void **context)
{
	struct state *state = state_of(context);
	struct metric values = metric("a/a", "a", "a");
	values.type = values.grain = values.source = NULL;
	save_one(state, values);
	g_autoptr(metric_record) found = metrics_find(state, "a/a", NULL);
	assert_null(found->type);
	assert_null(found->grain);
	assert_null(found->source);
}

static void saving_again_keeps_the_time_of_creation(void **context)
{
	struct state *state = state_of(context);
	char *notes[] = {(char *)"n", NULL};
	struct metric values = metric("a/a", "a", "a");
	values.unit = "EUR";
	values.notes = notes;
	save_one(state, values);
	g_autoptr(metric_record) before = metrics_find(state, "a/a", NULL);
	values.unit = NULL;
	values.notes = NULL;
	values.grain = "daily";
	save_one(state, values);
	g_autoptr(metric_record) after = metrics_find(state, "a/a", NULL);
	assert_null(after->unit);
	assert_null(after->notes);
	assert_string_equal(after->grain, "daily");
	assert_int_equal(after->created_at, before->created_at);
	assert_true(after->updated_at > before->updated_at);
}

static void many_are_saved_whole_or_not_at_all(void **context)
{
	struct state *state = state_of(context);
	struct metric bad[] = {metric("a/a", "a", "a"), metric("a/b", "a", "b")};
	bad[1].validation = "{";
	assert_code(save(state, bad, 2, &failure), AGNES_ERROR_INVALID);
	assert_int_equal(state_number(state, "SELECT count(*) FROM metric_definitions"), 0);
}

static void the_last_of_one_id_counts(void **context)
{
	struct state *state = state_of(context);
	struct metric twice[] = {metric("a/a", "a", "first"), metric("a/b", "a", "b"),
				 metric("a/a", "a", "last")};
	assert_ok(save(state, twice, 3, &failure));
	g_autoptr(metric_record) found = metrics_find(state, "a/a", NULL);
	assert_string_equal(found->name, "last");
	assert_int_equal(state_number(state, "SELECT count(*) FROM metric_definitions"), 2);
}

static void look_ups_find_by_category_table_and_synonym(void **context)
{
	struct state *state = state_of(context);
	char *tables[] = {(char *)"orders", (char *)"users", NULL};
	char *synonyms[] = {(char *)"Turnover", NULL};
	struct metric metrics[] = {metric("y/c", "y", "c"), metric("x/b", "x", "b"),
				   metric("x/a", "x", "a")};
	metrics[0].tables = tables;
	metrics[1].table_name = "orders";
	metrics[2].synonyms = synonyms;
	assert_ok(save(state, metrics, 3, &failure));
	g_autoptr(GPtrArray) all = metrics_list(state, NULL, NULL);
	g_autoptr(GPtrArray) of_x = metrics_list(state, "x", NULL);
	g_autoptr(GPtrArray) of_orders = metrics_list_of_table(state, "orders", NULL);
	g_autoptr(GPtrArray) of_users = metrics_list_of_table(state, "users", NULL);
	g_autoptr(GPtrArray) turnover = metrics_list_by_synonym(state, "Turnover", NULL);
	g_autoptr(GPtrArray) lower = metrics_list_by_synonym(state, "turnover", NULL);
	assert_ids(all, "x/a,x/b,y/c");
	assert_ids(of_x, "x/a,x/b");
	assert_ids(of_orders, "x/b,y/c");
	assert_ids(of_users, "y/c");
	assert_ids(turnover, "x/a");
	assert_ids(lower, "");
}

static void an_update_writes_what_is_named(void **context)
{
	struct state *state = state_of(context);
	char *synonyms[] = {(char *)"s", NULL};
	struct metric values = metric("a/a", "a", "a");
	values.unit = "EUR";
	save_one(state, values);
	g_autoptr(metric_record) before = metrics_find(state, "a/a", NULL);
	values.unit = "USD";
	values.synonyms = synonyms;
	values.sql = "ignored";
	for (int i = 0; i < 2; i++)
		assert_ok(metrics_update(state, &values, (const char *[]){"unit", "synonyms", NULL},
					 &failure));
	g_autoptr(metric_record) after = metrics_find(state, "a/a", NULL);
	assert_string_equal(after->unit, "USD");
	assert_string_equal(after->synonyms[0], "s");
	assert_string_equal(after->sql, "SELECT 1");
	assert_int_equal(after->created_at, before->created_at);
	assert_true(after->updated_at > before->updated_at);
	assert_code(metrics_update(state, &values, (const char *[]){"id", NULL}, &failure),
		    AGNES_ERROR_INVALID);
	values.id = "none";
	assert_code(metrics_update(state, &values, (const char *[]){"unit", NULL}, &failure),
		    AGNES_ERROR_NOT_FOUND);
}

static void a_definition_is_deleted_once(void **context)
{
	struct state *state = state_of(context);
	save_one(state, metric("a/a", "a", "a"));
	assert_ok(metrics_delete(state, "a/a", &failure));
	assert_code(metrics_delete(state, "a/a", &failure), AGNES_ERROR_NOT_FOUND);
	assert_code(metrics_find(state, "a/a", &failure), AGNES_ERROR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_definition_has_its_defaults_and_lists),
		STATE_TEST(null_given_stays_null),
		STATE_TEST(saving_again_keeps_the_time_of_creation),
		STATE_TEST(many_are_saved_whole_or_not_at_all),
		STATE_TEST(the_last_of_one_id_counts),
		STATE_TEST(look_ups_find_by_category_table_and_synonym),
		STATE_TEST(an_update_writes_what_is_named),
		STATE_TEST(a_definition_is_deleted_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
