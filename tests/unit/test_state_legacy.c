/* src/state/legacy: every kind of file, what is left out of one, and a second run. */
#include "state_fixture.h"

#include "base/files.h"
#include "state/knowledge_items.h"
#include "state/legacy.h"
#include "state/profiles.h"
#include "state/registry.h"
#include "state/sync_state.h"
#include "state/telegram.h"
#include "state/users.h"

#define SYNC_STATE "src_data/metadata/sync_state.json"
#define KNOWLEDGE  "corporate-memory/knowledge.json"
#define TELEGRAM   "notifications/telegram_users.json"
#define USERS	   "auth/password_users.json"
#define TABLES	   "src_data/metadata/table_registry.json"
#define PROFILES   "src_data/metadata/profiles.json"

static void write_file(void **context, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(state_fixture_folder(context), name, NULL);
	g_autofree char *folder = g_path_get_dirname(path);
	assert_ok(files_make_folder(folder, &failure));
	assert_ok(files_replace(path, text, strlen(text), 0600, &failure));
}

static void assert_imports(void **context, int sync_state, int knowledge, int telegram, int users,
			   int tables, int profiles)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t)
		counts = legacy_import(state_of(context), state_fixture_folder(context), &error);
	if (!counts)
		fail_msg("%s", error->message);
	g_autoptr(json_t)
		expected = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "sync_state", sync_state,
				     "knowledge", knowledge, "telegram", telegram, "users", users,
				     "table_registry", tables, "profiles", profiles);
	g_autofree char *actual = json_to_text(counts), *wanted = json_to_text(expected);
	assert_string_equal(actual, wanted);
}

static void without_files_nothing_is_taken_over(void **context)
{
	assert_imports(context, 0, 0, 0, 0, 0, 0);
}

static void sync_state_keeps_its_time(void **context)
{
	struct state *state = state_of(context);
	write_file(context, SYNC_STATE,
		   "{\"tables\": {\"it's\": {\"rows\": 5, \"file_size_bytes\": 6, \"hash\": \"aa\","
		   " \"uncompressed_size_bytes\": 7, \"columns\": 8,"
		   " \"last_sync\": \"2023-11-14T23:13:20.5+01:00\"}, \"thin\": {}, \"odd\": 5}}");
	assert_imports(context, 2, 0, 0, 0, 0, 0);
	g_autoptr(sync_state_record) full = sync_state_find(state, "it's", NULL);
	assert_int_equal(full->rows, 5);
	assert_int_equal(full->file_size_bytes, 6);
	assert_int_equal(full->uncompressed_size_bytes, 7);
	assert_int_equal(full->columns, 8);
	assert_string_equal(full->hash, "aa");
	assert_string_equal(full->status, "ok");
	assert_int_equal(full->last_sync, 1700000000500000);
	g_autoptr(sync_state_record) thin = sync_state_find(state, "thin", NULL);
	assert_true(thin->rows == RECORD_NO_INT);
	assert_true(thin->last_sync > full->last_sync);
	assert_imports(context, 0, 0, 0, 0, 0, 0);
}

static void sync_state_may_lie_at_the_top(void **context)
{
	write_file(context, SYNC_STATE, "{\"a\": {\"rows\": 1}, \"b\": {\"rows\": \"many\"}}");
	assert_imports(context, 2, 0, 0, 0, 0, 0);
	assert_int_equal(state_number(state_of(context), "SELECT sum(rows) FROM sync_state"), 1);
}

static void knowledge_items_are_added_once(void **context)
{
	struct state *state = state_of(context);
	write_file(context, KNOWLEDGE,
		   "[{\"id\": \"km_1\", \"title\": \"it's \xf0\x9f\xa6\x86\", \"content\": \"c\","
		   "  \"category\": \"k\", \"source_user\": \"u\", \"tags\": [\"b\", \"a\", 5],"
		   "  \"status\": \"approved\", \"confidence\": 1, \"domain\": \"data\","
		   "  \"entities\": [], \"source_type\": \"s\", \"source_ref\": \"r\","
		   "  \"sensitivity\": \"public\", \"is_personal\": true},"
		   " {\"title\": \"no id\"}, {\"id\": \"km_2\"}, {\"id\": 5, \"title\": \"t\"}, 7,"
		   " {\"id\": \"km_3\", \"title\": \"thin\"}]");
	assert_imports(context, 0, 2, 0, 0, 0, 0);
	g_autoptr(knowledge_item_record) item = knowledge_items_find(state, "km_1", NULL, NULL);
	assert_string_equal(item->title, "it's \xf0\x9f\xa6\x86");
	assert_string_equal(item->tags, "[\"b\", \"a\"]");
	assert_null(item->entities);
	assert_string_equal(item->status, "approved");
	assert_string_equal(item->source_user, "u");
	assert_string_equal(item->source_type, "s");
	assert_string_equal(item->sensitivity, "public");
	assert_true(item->confidence == 1.0);
	assert_int_equal(item->is_personal, RECORD_TRUE);
	g_autoptr(knowledge_item_record) thin = knowledge_items_find(state, "km_3", NULL, NULL);
	assert_string_equal(thin->status, "pending");
	assert_int_equal(thin->is_personal, RECORD_FALSE);
	state_run(state, "UPDATE knowledge_items SET title = 'edited'");
	assert_imports(context, 0, 0, 0, 0, 0, 0);
	assert_int_equal(state_number(state, "SELECT count(*) FROM knowledge_items WHERE title = "
					     "'edited'"),
			 2);
}

static void the_collectors_catalogue_is_read_too(void **context)
{
	write_file(context, KNOWLEDGE,
		   "{\"items\": {\"km_1\": {\"id\": \"km_1\", \"title\": \"t\", \"audience\": "
		   "\"all\", \"source_users\": [\"first\", \"second\"]}}, \"metadata\": {}}");
	assert_imports(context, 0, 1, 0, 0, 0, 0);
	g_autoptr(knowledge_item_record)
		item = knowledge_items_find(state_of(context), "km_1", NULL, NULL);
	assert_string_equal(item->source_user, "first");
	assert_string_equal(item->audience, "all");
}

static void what_is_too_long_is_left_out_alone(void **context)
{
	g_autofree char *title = g_strnfill(KNOWLEDGE_TITLE_MAX + 1, 'x');
	g_autofree char *json = g_strdup_printf(
		"[{\"id\": \"1\", \"title\": \"%s\"}, {\"id\": \"2\", \"title\": \"t\"}]", title);
	write_file(context, KNOWLEDGE, json);
	assert_imports(context, 0, 1, 0, 0, 0, 0);
}

static void links_and_users_come_by_name(void **context)
{
	struct state *state = state_of(context);
	write_file(
		context, TELEGRAM,
		"{\"u'1\": {\"chat_id\": -100123}, \"u2\": {\"chat_id\": \"text\"}, \"u3\": null}");
	write_file(context, USERS,
		   "{\"a@example.com\": {\"name\": \"A\", \"password_hash\": \"$argon2id$x\"},"
		   " \"b.c@example.com\": {}, \"\": {}}");
	assert_imports(context, 0, 0, 1, 2, 0, 0);
	g_autoptr(telegram_link_record) link = telegram_find_link(state, "u'1", NULL);
	assert_int_equal(link->chat_id, -100123);
	g_autoptr(user_record) a = users_find_by_email(state, "a@example.com", NULL);
	assert_true(g_uuid_string_is_valid(a->id));
	assert_string_equal(a->password_hash, "$argon2id$x");
	assert_int_equal(a->active, RECORD_TRUE);
	g_autoptr(user_record) b = users_find_by_email(state, "b.c@example.com", NULL);
	assert_string_equal(b->name, "b.c");
	assert_null(b->password_hash);
	assert_imports(context, 0, 0, 1, 0, 0, 0);
	assert_int_equal(state_number(state, "SELECT count(*) FROM users"), 2);
}

static void assert_key(struct state *state, const char *id, const char *expected)
{
	g_autoptr(registered_table_record) table = registry_find(state, id, NULL);
	if (expected)
		assert_string_equal(table->primary_key, expected);
	else
		assert_null(table->primary_key);
}

static void tables_are_registered_as_local_ones(void **context)
{
	struct state *state = state_of(context);
	write_file(
		context, TABLES,
		"{\"tables\": [{\"id\": \"in.c-crm.orders\", \"name\": \"orders\", \"folder\": \"f\","
		"  \"primary_key\": [\"a\", \"b\"], \"description\": \"it's\","
		"  \"registered_by\": \"me\"},"
		" {\"id\": \"2\", \"name\": \"two\", \"primary_key\": \"a, b\","
		"  \"sync_strategy\": \"incremental\"},"
		" {\"id\": \"3\", \"name\": \"three\", \"primary_key\": null},"
		" {\"id\": \"4\", \"name\": \"Two\"}, {\"id\": \"5\"}, {\"name\": \"six\"}]}");
	assert_imports(context, 0, 0, 0, 0, 3, 0);
	g_autoptr(registered_table_record) table = registry_find(state, "in.c-crm.orders", NULL);
	assert_string_equal(table->name, "orders");
	assert_string_equal(table->query_mode, "local");
	assert_null(table->source_type);
	assert_string_equal(table->sync_strategy, "full_refresh");
	assert_string_equal(table->folder, "f");
	assert_string_equal(table->description, "it's");
	assert_string_equal(table->registered_by, "me");
	assert_key(state, "in.c-crm.orders", "[\"a\",\"b\"]");
	assert_key(state, "2", "[\"a\",\"b\"]");
	assert_key(state, "3", NULL);
	assert_imports(context, 0, 0, 0, 0, 0, 0);
}

static void profiles_are_replaced(void **context)
{
	struct state *state = state_of(context);
	write_file(context, PROFILES, "{\"tables\": {\"a\": {\"row_count\": 1}, \"b\": [1]}}");
	assert_imports(context, 0, 0, 0, 0, 0, 1);
	write_file(context, PROFILES, "{\"a\": {\"row_count\": 2}}");
	assert_imports(context, 0, 0, 0, 0, 0, 1);
	g_autoptr(profile_record) profile = profiles_find(state, "a", NULL);
	assert_string_equal(profile->profile, "{\"row_count\":2}");
}

static void a_file_that_is_wrong_does_not_stop_the_others(void **context)
{
	const char *const wrong[] = {
		"",	   "nonsense", "5", "null", "\"text\"", "[[[[", "{\"a\": {}, \"a\": {}}",
		"\xff\xfe"};
	write_file(context, PROFILES, "{\"a\": {}}");
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		write_file(context, SYNC_STATE, wrong[i]);
		write_file(context, KNOWLEDGE, wrong[i]);
		write_file(context, TELEGRAM, wrong[i]);
		write_file(context, USERS, wrong[i]);
		write_file(context, TABLES, wrong[i]);
		assert_imports(context, 0, 0, 0, 0, 0, 1);
	}
	write_file(context, SYNC_STATE, "[{\"rows\": 1}]");
	write_file(context, USERS, "[{\"name\": \"a\"}]");
	assert_imports(context, 0, 0, 0, 0, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(without_files_nothing_is_taken_over),
		STATE_TEST(sync_state_keeps_its_time),
		STATE_TEST(sync_state_may_lie_at_the_top),
		STATE_TEST(knowledge_items_are_added_once),
		STATE_TEST(the_collectors_catalogue_is_read_too),
		STATE_TEST(what_is_too_long_is_left_out_alone),
		STATE_TEST(links_and_users_come_by_name),
		STATE_TEST(tables_are_registered_as_local_ones),
		STATE_TEST(profiles_are_replaced),
		STATE_TEST(a_file_that_is_wrong_does_not_stop_the_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
