/* src/state/marketplaces: the registry, how syncs end, and catalogues replaced whole. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/marketplaces.h"

static void register_one(struct state *state, const char *id, const char *name)
{
	struct marketplace values;
	record_init(&marketplace_type, &values);
	values.id = id;
	values.name = name;
	values.url = "https://example.com/plugins.git";
	values.registered_by = "first";
	assert_ok(marketplaces_upsert(state, &values, &failure));
}

static int64_t replace(struct state *state, const char *id, const char *json)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) entries = json_parse(json, strlen(json), "entries", &error);
	assert_null(error);
	int64_t count = marketplaces_replace_plugins(state, id, entries, &error);
	if (error)
		fail_msg("%s", error->message);
	return count;
}

static void an_upsert_keeps_who_registered_and_the_sync(void **context)
{
	struct state *state = state_of(context);
	register_one(state, "shop", "Shop");
	assert_ok(marketplaces_finish_sync(state, "shop", "abc", NULL, &failure));
	g_autoptr(marketplace_record) before = marketplaces_find(state, "shop", NULL);
	struct marketplace values;
	record_init(&marketplace_type, &values);
	values.id = "shop";
	values.name = "Sh'op \"2\"";
	values.url = "https://example.com/other.git";
	values.branch = "main";
	values.token_env = "AGNES_MARKETPLACE_SHOP_TOKEN";
	values.description = "100%";
	values.registered_by = "second";
	assert_ok(marketplaces_upsert(state, &values, &failure));
	g_autoptr(marketplace_record) after = marketplaces_find(state, "shop", NULL);
	assert_string_equal(after->name, values.name);
	assert_string_equal(after->url, values.url);
	assert_string_equal(after->branch, "main");
	assert_string_equal(after->token_env, values.token_env);
	assert_string_equal(after->description, "100%");
	assert_string_equal(after->registered_by, "first");
	assert_int_equal(after->registered_at, before->registered_at);
	assert_int_equal(after->last_synced_at, before->last_synced_at);
	assert_string_equal(after->last_commit_sha, "abc");
}

static void the_list_is_ordered_by_name(void **context)
{
	struct state *state = state_of(context);
	register_one(state, "a", "Zoo");
	register_one(state, "b", "Alpha");
	g_autoptr(GPtrArray) all = marketplaces_list(state, NULL);
	assert_ids(all, "b,a");
}

static void a_sync_leaves_a_commit_or_a_problem(void **context)
{
	struct state *state = state_of(context);
	register_one(state, "m", "M");
	assert_ok(marketplaces_finish_sync(state, "m", NULL, NULL, &failure));
	g_autoptr(marketplace_record) untouched = marketplaces_find(state, "m", NULL);
	assert_true(untouched->last_synced_at == DUCK_NO_TIME);

	assert_ok(marketplaces_finish_sync(state, "m", "abc", NULL, &failure));
	assert_ok(marketplaces_finish_sync(state, "m", NULL, "git clone failed: 'x'", &failure));
	g_autoptr(marketplace_record) failed = marketplaces_find(state, "m", NULL);
	assert_true(failed->last_synced_at != DUCK_NO_TIME);
	assert_string_equal(failed->last_commit_sha, "abc");
	assert_string_equal(failed->last_error, "git clone failed: 'x'");

	assert_ok(marketplaces_finish_sync(state, "m", "def", NULL, &failure));
	g_autoptr(marketplace_record) cured = marketplaces_find(state, "m", NULL);
	assert_string_equal(cured->last_commit_sha, "def");
	assert_null(cured->last_error);
	assert_code(marketplaces_finish_sync(state, "x", "def", NULL, &failure),
		    AGNES_ERROR_NOT_FOUND);
}

static const char catalogue[] =
	"[{\"name\": \" b\\t\", \"description\": \"it's\", \"version\": \"1.0\","
	"  \"author\": {\"name\": \"Žofie\"}, \"homepage\": \"https://example.com\","
	"  \"category\": \"dev\", \"source\": \"./plugins/b\"},"
	" {\"name\": \"a\", \"author\": \"just text\", \"source\": {\"source\": \"github\"}},"
	" {\"name\": \"c\", \"source\": {\"url\": \"x\"}}, {\"name\": \"d\"},"
	" {\"name\": \"e\", \"source\": null, \"version\": 2}, {\"name\": \"f\", \"source\": 7},"
	" {\"name\": \"g\", \"source\": {\"source\": 5}},"
	" {\"name\": \"\\u00a0 \"}, {\"name\": \"\"}, {\"name\": null}, {\"name\": 5}, {}, 3, "
	"\"x\","
	" null, [\"name\"]]";

static void entries_are_taken_apart(void **context)
{
	struct state *state = state_of(context);
	register_one(state, "m", "M");
	assert_int_equal(replace(state, "m", catalogue), 7);
	g_autoptr(GPtrArray) plugins = marketplaces_list_plugins(state, "m", NULL);
	assert_int_equal(plugins->len, 7);
	const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
	const char *const types[] = {"github", "path", "unknown", NULL, NULL, "unknown", "unknown"};
	for (guint i = 0; i < plugins->len; i++) {
		const struct marketplace_plugin *plugin = plugins->pdata[i];
		assert_string_equal(plugin->name, names[i]);
		if (types[i])
			assert_string_equal(plugin->source_type, types[i]);
		else
			assert_null(plugin->source_type);
		assert_int_equal(plugin->source_spec != NULL, types[i] != NULL);
	}
	const struct marketplace_plugin *b = plugins->pdata[1];
	assert_string_equal(b->description, "it's");
	assert_string_equal(b->version, "1.0");
	assert_string_equal(b->author_name, "Žofie");
	assert_string_equal(b->homepage, "https://example.com");
	assert_string_equal(b->category, "dev");
	assert_string_equal(b->source_spec, "\"./plugins/b\"");
	assert_true(b->updated_at != DUCK_NO_TIME);
	assert_null(((struct marketplace_plugin *)plugins->pdata[0])->author_name);
	assert_string_equal(((struct marketplace_plugin *)plugins->pdata[4])->version, "2");
}

static void json_columns_are_decoded(void **context)
{
	struct state *state = state_of(context);
	register_one(state, "m", "M");
	replace(state, "m",
		"[{\"name\": \"a\", \"source\": {\"source\": \"x\"}, \"k\": [1, null]}]");
	g_autoptr(GPtrArray) plugins = marketplaces_list_plugins(state, "m", NULL);
	g_autoptr(json_t) json = marketplaces_plugin_to_json(plugins->pdata[0]);
	g_autofree char *raw = json_to_text(json_object_get(json, "raw"));
	g_autofree char *spec = json_to_text(json_object_get(json, "source_spec"));
	assert_string_equal(raw, "{\"name\":\"a\",\"source\":{\"source\":\"x\"},\"k\":[1,null]}");
	assert_string_equal(spec, "{\"source\":\"x\"}");
	assert_string_equal(json_string_value(json_object_get(json, "marketplace_id")), "m");
	assert_true(json_is_null(json_object_get(json, "version")));
}

static void of_two_entries_with_one_name_the_first_counts(void **context)
{
	struct state *state = state_of(context);
	register_one(state, "m", "M");
	assert_int_equal(replace(state, "m",
				 "[{\"name\": \"a\", \"version\": \"1\"}, {\"name\": \"b\"},"
				 " {\"name\": \" a \", \"version\": \"2\"},"
				 " {\"name\": \"A\", \"version\": \"3\"}]"),
			 3);
	assert_int_equal(state_number(state, "SELECT version::INT FROM marketplace_plugins WHERE "
					     "name = 'a'"),
			 1);
}

static void a_catalogue_replaces_the_last_one_of_its_marketplace_alone(void **context)
{
	struct state *state = state_of(context);
	register_one(state, "m", "M");
	register_one(state, "n", "N");
	replace(state, "n", "[{\"name\": \"a\"}]");
	replace(state, "m", "[{\"name\": \"a\", \"version\": \"1\"}, {\"name\": \"b\"}]");
	replace(state, "m", "[{\"name\": \"a\", \"version\": \"2\"}, {\"name\": \"c\"}]");
	state = state_fixture_reopen(context);
	g_autoptr(GPtrArray) all = marketplaces_list_plugins(state, NULL, NULL);
	assert_int_equal(all->len, 3);
	const struct marketplace_plugin *a = all->pdata[0], *c = all->pdata[1], *n = all->pdata[2];
	assert_string_equal(a->version, "2");
	assert_string_equal(c->name, "c");
	assert_string_equal(n->marketplace_id, "n");
	assert_int_equal(replace(state, "m", "[]"), 0);
	assert_int_equal(state_number(state, "SELECT count(*) FROM marketplace_plugins"), 1);
}

static void a_catalogue_that_is_refused_changes_nothing(void **context)
{
	struct state *state = state_of(context);
	register_one(state, "m", "M");
	replace(state, "m", "[{\"name\": \"a\"}]");
	g_autoptr(json_t) object = json_pack("{s:s}", "name", "b");
	g_autoptr(json_t) many = json_array();
	for (int i = 0; i <= MARKETPLACE_PLUGINS_MAX; i++)
		json_array_append(many, object);
	assert_code(marketplaces_replace_plugins(state, "m", object, &failure) >= 0,
		    AGNES_ERROR_INVALID);
	assert_code(marketplaces_replace_plugins(state, "m", many, &failure) >= 0,
		    AGNES_ERROR_TOO_LARGE);
	g_autoptr(json_t) none = json_array();
	assert_code(marketplaces_replace_plugins(state, "gone", none, &failure) >= 0,
		    AGNES_ERROR_NOT_FOUND);
	assert_int_equal(state_number(state, "SELECT count(*) FROM marketplace_plugins"), 1);
}

static void deleting_takes_plugins_and_grants_along(void **context)
{
	struct state *state = state_of(context);
	register_one(state, "a_b", "M");
	register_one(state, "axb", "N");
	replace(state, "a_b", "[{\"name\": \"p\"}]");
	replace(state, "axb", "[{\"name\": \"p\"}]");
	state_run(state,
		  "INSERT INTO user_groups (id, name) VALUES ('g', 'G');"
		  "INSERT INTO resource_grants (id, group_id, resource_type, resource_id) VALUES"
		  " ('1', 'g', 'marketplace_plugin', 'a_b/p'),"
		  " ('2', 'g', 'marketplace_plugin', 'axb/p'),"
		  " ('3', 'g', 'table', 'a_b/p'),"
		  " ('4', 'g', 'marketplace_plugin', 'a_bc/p')");
	assert_ok(marketplaces_delete(state, "a_b", &failure));
	assert_code(marketplaces_find(state, "a_b", &failure), AGNES_ERROR_NOT_FOUND);
	assert_code(marketplaces_delete(state, "a_b", &failure), AGNES_ERROR_NOT_FOUND);
	assert_int_equal(state_number(state, "SELECT count(*) FROM marketplace_plugins"), 1);
	assert_int_equal(state_number(state, "SELECT sum(id::INT) FROM resource_grants"), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(an_upsert_keeps_who_registered_and_the_sync),
		STATE_TEST(the_list_is_ordered_by_name),
		STATE_TEST(a_sync_leaves_a_commit_or_a_problem),
		STATE_TEST(entries_are_taken_apart),
		STATE_TEST(json_columns_are_decoded),
		STATE_TEST(of_two_entries_with_one_name_the_first_counts),
		STATE_TEST(a_catalogue_replaces_the_last_one_of_its_marketplace_alone),
		STATE_TEST(a_catalogue_that_is_refused_changes_nothing),
		STATE_TEST(deleting_takes_plugins_and_grants_along),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
