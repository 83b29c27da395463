/* src/state/profiles and src/state/column_metadata, with the import of proposals. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/column_metadata.h"
#include "state/profiles.h"

#include <string.h>

static void a_profile_is_replaced_and_read_with_its_time(void **context)
{
	struct state *state = state_of(context);
	assert_ok(profiles_save(state, "orders", "{\"row_count\": 1}", &failure));
	assert_ok(profiles_save(state, "orders", "{\"row_count\": 2}", &failure));
	g_autoptr(profile_record) profile = profiles_find(state, "orders", NULL);
	g_autoptr(json_t) object = profile_to_json(profile, NULL);
	assert_int_equal(json_integer_value(json_object_get(object, "row_count")), 2);
	assert_int_equal(
		strncmp(json_string_value(json_object_get(object, "profiled_at")), "20", 2), 0);
	assert_code(profiles_find(state, "other", &failure), AGNES_ERROR_NOT_FOUND);
}

static void a_profile_must_be_json(void **context)
{
	struct state *state = state_of(context);
	struct profile broken = {.table_id = "t", .profile = "[1]"};
	assert_code(profiles_save(state, "orders", "{", &failure), AGNES_ERROR_INVALID);
	assert_code(profile_to_json(&broken, &failure), AGNES_ERROR_CORRUPT);
	assert_int_equal(state_number(state, "SELECT count(*) FROM table_profiles"), 0);
}

static void profiles_are_listed_by_table(void **context)
{
	struct state *state = state_of(context);
	assert_ok(profiles_save(state, "b", "{}", &failure));
	assert_ok(profiles_save(state, "a", "{}", &failure));
	g_autoptr(GPtrArray) profiles = profiles_list(state, NULL);
	assert_ids(profiles, "a,b");
}

static void notes_are_overwritten_and_ordered_by_column(void **context)
{
	struct state *state = state_of(context);
	struct column_note note = {.table_id = "t",
				   .column_name = "b",
				   .basetype = "STRING",
				   .description = "old",
				   .confidence = "manual",
				   .source = "manual"};
	assert_ok(column_metadata_save(state, &note, &failure));
	note.description = NULL;
	assert_ok(column_metadata_save(state, &note, &failure));
	note.column_name = "a";
	assert_ok(column_metadata_save(state, &note, &failure));
	g_autoptr(GPtrArray) notes = column_metadata_list(state, "t", NULL);
	assert_int_equal(notes->len, 2);
	const struct column_note *first = notes->pdata[0], *second = notes->pdata[1];
	assert_string_equal(first->column_name, "a");
	assert_string_equal(second->basetype, "STRING");
	assert_null(second->description);
	assert_true(first->updated_at > second->updated_at);
}

static void a_note_is_deleted_once(void **context)
{
	struct state *state = state_of(context);
	struct column_note note = {.table_id = "t", .column_name = "b"};
	assert_ok(column_metadata_save(state, &note, &failure));
	assert_code(column_metadata_delete(state, "t", "c", &failure), AGNES_ERROR_NOT_FOUND);
	assert_ok(column_metadata_delete(state, "t", "b", &failure));
	assert_code(column_metadata_delete(state, "t", "b", &failure), AGNES_ERROR_NOT_FOUND);
}

static int64_t import(struct state *state, const char *text, GError **error)
{
	g_autoptr(json_t) proposal = json_parse(text, strlen(text), "proposal", NULL);
	assert_non_null(proposal);
	return column_metadata_import(state, proposal, error);
}

static void a_proposal_is_imported(void **context)
{
	struct state *state = state_of(context);
	assert_int_equal(import(state,
				"{\"tables\": {\"t\": {\"columns\": {\"a\": {\"basetype\": "
				"\"DATE\", \"source\": \"x\"}, \"b\": {\"description\": \"d\", "
				"\"confidence\": \"low\"}}}, \"u\": {\"columns\": {\"a\": {}}}, "
				"\"v\": {}}}",
				NULL),
			 3);
	g_autoptr(GPtrArray) notes = column_metadata_list(state, "t", NULL);
	assert_int_equal(notes->len, 2);
	const struct column_note *a = notes->pdata[0], *b = notes->pdata[1];
	assert_string_equal(a->basetype, "DATE");
	assert_null(a->description);
	assert_string_equal(a->confidence, "high");
	assert_string_equal(a->source, "ai_enrichment");
	assert_string_equal(b->confidence, "low");
	assert_int_equal(import(state, "{\"tables\": {}}", NULL), 0);
}

static void a_malformed_proposal_changes_nothing(void **context)
{
	static const char *const texts[] = {
		"[]",
		"{}",
		"{\"tables\": []}",
		"{\"tables\": {\"t\": 1}}",
		"{\"tables\": {\"t\": {\"columns\": [1]}}}",
		"{\"tables\": {\"t\": {\"columns\": {\"a\": {}, \"b\": 1}}}}",
		"{\"tables\": {\"t\": {\"columns\": {\"a\": {}, \"b\": {\"basetype\": 1}}}}}",
	};
	struct state *state = state_of(context);
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		assert_code(import(state, texts[i], &failure) >= 0, AGNES_ERROR_INVALID);
	assert_int_equal(state_number(state, "SELECT count(*) FROM column_metadata"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_profile_is_replaced_and_read_with_its_time),
		STATE_TEST(a_profile_must_be_json),
		STATE_TEST(profiles_are_listed_by_table),
		STATE_TEST(notes_are_overwritten_and_ordered_by_column),
		STATE_TEST(a_note_is_deleted_once),
		STATE_TEST(a_proposal_is_imported),
		STATE_TEST(a_malformed_proposal_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
