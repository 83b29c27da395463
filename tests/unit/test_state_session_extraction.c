/* src/state/session_extraction and knowledge_evidence: what a reading found, stored whole. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/session_extraction.h"

static struct session_extraction reading(const char *file, const char *hash)
{
	struct session_extraction values;
	record_init(&session_extraction_type, &values);
	values.session_file = file;
	values.username = "user";
	values.file_hash = hash;
	return values;
}

static struct session_finding finding(const char *id, const char *entities)
{
	struct session_finding values;
	record_init(&knowledge_item_type, &values.item);
	record_init(&knowledge_evidence_type, &values.evidence);
	values.item.id = id;
	values.item.title = "title";
	values.item.domain = "data";
	values.item.entities = entities;
	values.evidence.detection_type = "correction";
	values.evidence.user_quote = "no, it's \"net\" \xf0\x9f\xa6\x86";
	return values;
}

static int64_t store(struct state *state, const char *file, const char *hash,
		     const struct session_finding *findings, size_t count, const char *created)
{
	g_autoptr(GError) error = NULL;
	g_auto(session_outcome) outcome = {0};
	struct session_extraction values = reading(file, hash);
	if (!session_extraction_store(state, &values, findings, count, &outcome, &error))
		fail_msg("%s", error->message);
	g_autofree char *ids = g_strjoinv(",", outcome.created);
	assert_string_equal(ids, created);
	return outcome.duplicates;
}

static void a_reading_without_findings_is_written_down(void **context)
{
	struct state *state = state_of(context);
	assert_code(session_extraction_find(state, "u/it's.jsonl", &failure),
		    AGNES_ERROR_NOT_FOUND);
	assert_int_equal(store(state, "u/it's.jsonl", "aa", NULL, 0, ""), 0);
	g_autoptr(session_extraction_record)
		found = session_extraction_find(state, "u/it's.jsonl", NULL);
	assert_string_equal(found->username, "user");
	assert_string_equal(found->file_hash, "aa");
	assert_int_equal(found->items_extracted, 0);
	assert_true(found->processed_at != DUCK_NO_TIME);
}

static void a_second_reading_keeps_the_user(void **context)
{
	struct state *state = state_of(context);
	const struct session_finding findings[] = {finding("kv_1", NULL)};
	g_auto(session_outcome) outcome = {0};
	store(state, "u/1", "aa", NULL, 0, "");
	struct session_extraction again = reading("u/1", "bb");
	again.username = "other";
	again.items_extracted = 99;
	assert_ok(session_extraction_store(state, &again, findings, 1, &outcome, &failure));
	g_autoptr(session_extraction_record) found = session_extraction_find(state, "u/1", NULL);
	assert_string_equal(found->username, "user");
	assert_string_equal(found->file_hash, "bb");
	assert_int_equal(found->items_extracted, 1);
}

static void a_known_item_only_gets_evidence(void **context)
{
	struct state *state = state_of(context);
	state_run(state,
		  "INSERT INTO knowledge_items (id, title, status) VALUES ('kv_1', 'judged', "
		  "'approved')");
	const struct session_finding findings[] = {finding("kv_1", NULL), finding("kv_2", NULL),
						   finding("kv_2", NULL)};
	store(state, "u/1", "aa", findings, 3, "kv_2");
	g_autoptr(knowledge_item_record) known = knowledge_items_find(state, "kv_1", NULL, NULL);
	assert_string_equal(known->title, "judged");
	assert_string_equal(known->status, "approved");
	g_autoptr(GPtrArray) one = knowledge_evidence_list(state, "kv_1", NULL);
	assert_int_equal(one->len, 1);
	const struct knowledge_evidence *evidence = one->pdata[0];
	assert_true(g_str_has_prefix(evidence->id, "ev_"));
	assert_int_equal(strlen(evidence->id), strlen("ev_") + 12);
	assert_string_equal(evidence->user_quote, findings[0].evidence.user_quote);
	assert_string_equal(evidence->detection_type, "correction");
	assert_true(evidence->created_at != DUCK_NO_TIME);
	g_autoptr(GPtrArray) two = knowledge_evidence_list(state, "kv_2", NULL);
	assert_int_equal(two->len, 2);
}

static void new_items_are_related_to_each_other_and_to_old_ones(void **context)
{
	struct state *state = state_of(context);
	const struct session_finding first[] = {finding("old", "[\"a\", \"b\"]")};
	const struct session_finding second[] = {finding("n1", "[\"a\", \"b\", \"c\"]"),
						 finding("n2", "[\"b\", \"a\"]"),
						 finding("old", "[\"a\", \"b\"]")};
	assert_int_equal(store(state, "u/1", "aa", first, 1, "old"), 0);
	assert_int_equal(store(state, "u/2", "aa", second, 3, "n1,n2"), 3);
	assert_int_equal(state_number(state, "SELECT count(*) FROM knowledge_item_relations"), 3);
}

static void a_store_that_fails_leaves_nothing(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *quote = g_strnfill(KNOWLEDGE_QUOTE_MAX + 1, 'x');
	struct session_finding findings[] = {finding("kv_1", NULL), finding("kv_2", NULL)};
	struct session_extraction values = reading("u/1", "aa");
	g_auto(session_outcome) outcome = {0};
	findings[1].evidence.user_quote = quote;
	assert_code(session_extraction_store(state, &values, findings, 2, &outcome, &failure),
		    AGNES_ERROR_TOO_LARGE);
	assert_int_equal(state_number(state, "SELECT count(*) FROM knowledge_items"), 0);
	assert_int_equal(state_number(state, "SELECT count(*) FROM verification_evidence"), 0);
	assert_int_equal(state_number(state, "SELECT count(*) FROM session_extraction_state"), 0);
	assert_null(outcome.created);
}

static void a_session_has_a_limit_of_findings(void **context)
{
	struct state *state = state_of(context);
	g_autofree struct session_finding *findings = g_new(struct session_finding,
							    SESSION_FINDINGS_MAX + 1);
	for (int i = 0; i <= SESSION_FINDINGS_MAX; i++)
		findings[i] = finding("kv_1", NULL);
	struct session_extraction values = reading("u/1", "aa");
	g_auto(session_outcome) outcome = {0};
	assert_code(session_extraction_store(state, &values, findings, SESSION_FINDINGS_MAX + 1,
					     &outcome, &failure),
		    AGNES_ERROR_TOO_LARGE);
}

static void new_and_changed_files_are_unread(void **context)
{
	struct state *state = state_of(context);
	char *files[] = {(char *)"u/new", (char *)"u/same", (char *)"u/changed", (char *)"u/old",
			 NULL};
	char *hashes[] = {(char *)"aa", (char *)"bb", (char *)"c2", (char *)"dd", NULL};
	store(state, "u/same", "bb", NULL, 0, "");
	store(state, "u/changed", "c1", NULL, 0, "");
	store(state, "u/old", NULL, NULL, 0, "");
	g_auto(GStrv) unread = session_extraction_select_unread(state, files, hashes, NULL);
	g_autofree char *text = g_strjoinv(",", unread);
	assert_string_equal(text, "u/new,u/changed,u/old");
	char *none[] = {NULL};
	g_auto(GStrv) nothing = session_extraction_select_unread(state, none, none, NULL);
	assert_int_equal(g_strv_length(nothing), 0);
}

static void a_reset_forgets_every_reading(void **context)
{
	struct state *state = state_of(context);
	store(state, "u/1", "aa", NULL, 0, "");
	store(state, "u/2", "aa", NULL, 0, "");
	assert_int_equal(session_extraction_reset(state, NULL), 2);
	assert_int_equal(session_extraction_reset(state, NULL), 0);
	assert_code(session_extraction_find(state, "u/1", &failure), AGNES_ERROR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_reading_without_findings_is_written_down),
		STATE_TEST(a_second_reading_keeps_the_user),
		STATE_TEST(a_known_item_only_gets_evidence),
		STATE_TEST(new_items_are_related_to_each_other_and_to_old_ones),
		STATE_TEST(a_store_that_fails_leaves_nothing),
		STATE_TEST(a_session_has_a_limit_of_findings),
		STATE_TEST(new_and_changed_files_are_unread),
		STATE_TEST(a_reset_forgets_every_reading),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
