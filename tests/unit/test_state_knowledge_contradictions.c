/* src/state/knowledge_contradictions: recording, judging once, candidates. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/knowledge_contradictions.h"
#include "state/knowledge_items.h"

static struct knowledge_contradiction between(const char *a, const char *b)
{
	struct knowledge_contradiction values;
	record_init(&knowledge_contradiction_type, &values);
	values.item_a_id = a;
	values.item_b_id = b;
	values.explanation = "it's \"so\" \xf0\x9f\xa6\x86";
	return values;
}

static struct knowledge_contradiction *create(struct state *state,
					      const struct knowledge_contradiction *values)
{
	g_autoptr(GError) error = NULL;
	struct knowledge_contradiction *made = knowledge_contradictions_create(state, values,
									       &error);
	if (!made)
		fail_msg("%s", error->message);
	return made;
}

/* Its id. */
static char *add(struct state *state, const struct knowledge_contradiction *values)
{
	g_autoptr(knowledge_contradiction_record) made = create(state, values);
	return g_strdup(made->id);
}

static void a_new_contradiction_is_open(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_contradiction values = between("a", "b");
	values.id = "mine";
	values.severity = "hard";
	values.resolved = RECORD_TRUE;
	values.resolution = "merged";
	g_autoptr(knowledge_contradiction_record)
		made = knowledge_contradictions_create(state, &values, NULL);
	assert_true(g_str_has_prefix(made->id, "kc_"));
	assert_int_equal(strlen(made->id), strlen("kc_") + 12);
	assert_string_equal(made->explanation, values.explanation);
	assert_string_equal(made->severity, "hard");
	assert_int_equal(made->resolved, RECORD_FALSE);
	assert_null(made->resolution);
	assert_true(made->resolved_at == DUCK_NO_TIME);
	assert_true(made->detected_at != DUCK_NO_TIME);
}

static void texts_have_a_limit(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *longest = g_strnfill(KNOWLEDGE_EXPLANATION_MAX, 'x');
	g_autofree char *longer = g_strnfill(KNOWLEDGE_EXPLANATION_MAX + 1, 'x');
	struct knowledge_contradiction values = between("a", "b");
	values.explanation = longest;
	g_free(add(state, &values));
	values.explanation = longer;
	assert_code(knowledge_contradictions_create(state, &values, &failure),
		    AGNES_ERROR_TOO_LARGE);
	values.explanation = NULL;
	values.suggested_resolution = longer;
	assert_code(knowledge_contradictions_create(state, &values, &failure),
		    AGNES_ERROR_TOO_LARGE);
}

static void a_pair_that_waits_is_not_recorded_again(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_contradiction values = between("a", "b"), turned = between("b", "a");
	struct knowledge_contradiction other = between("a", "c");
	g_autofree char *id = add(state, &values);
	assert_code(knowledge_contradictions_create_new(state, &values, &failure),
		    AGNES_ERROR_CONFLICT);
	assert_code(knowledge_contradictions_create_new(state, &turned, &failure),
		    AGNES_ERROR_CONFLICT);
	g_autoptr(knowledge_contradiction_record)
		third = knowledge_contradictions_create_new(state, &other, NULL);
	assert_non_null(third);
	g_autoptr(knowledge_contradiction_record)
		judged = knowledge_contradictions_resolve(state, id, "merged", "admin", NULL);
	assert_non_null(judged);
	g_autoptr(knowledge_contradiction_record)
		again = knowledge_contradictions_create_new(state, &turned, NULL);
	assert_non_null(again);
	g_free(add(state, &values));
	assert_int_equal(state_number(state, "SELECT count(*) FROM knowledge_contradictions"), 4);
}

static void lists_are_the_newest_of_a_state(void **context)
{
	struct state *state = state_of(context);
	state_run(state,
		  "INSERT INTO knowledge_contradictions (id, item_a_id, item_b_id, resolved, "
		  "detected_at) VALUES ('1', 'a', 'b', FALSE, TIMESTAMP '2020-01-01'),"
		  "('2', 'a', 'b', TRUE, TIMESTAMP '2020-01-03'), ('3', 'a', 'b', NULL, "
		  "TIMESTAMP '2020-01-02'), ('4', 'a', 'b', FALSE, NULL)");
	g_autoptr(GPtrArray) both = knowledge_contradictions_list(state, RECORD_UNSET, NULL);
	assert_ids(both, "2,3,1,4");
	g_autoptr(GPtrArray) open = knowledge_contradictions_list(state, RECORD_FALSE, NULL);
	assert_ids(open, "3,1,4");
	g_autoptr(GPtrArray) judged = knowledge_contradictions_list(state, RECORD_TRUE, NULL);
	assert_ids(judged, "2");
	state_run(state, "INSERT INTO knowledge_contradictions (id, item_a_id, item_b_id) "
			 "SELECT 'n' || i, 'a', 'b' FROM range(200) t(i)");
	g_autoptr(GPtrArray) many = knowledge_contradictions_list(state, RECORD_UNSET, NULL);
	assert_int_equal(many->len, KNOWLEDGE_CONTRADICTIONS);
}

static void each_resolution_is_written_down(void **context)
{
	struct state *state = state_of(context);
	for (const char *const *at = knowledge_contradiction_resolutions; *at; at++) {
		struct knowledge_contradiction values = between("a", "b");
		g_autofree char *id = add(state, &values);
		g_autoptr(knowledge_contradiction_record) judged = knowledge_contradictions_resolve(
			state, id, *at, "a@example.com", NULL);
		assert_string_equal(judged->id, id);
		assert_int_equal(judged->resolved, RECORD_TRUE);
		assert_string_equal(judged->resolution, *at);
		assert_string_equal(judged->resolved_by, "a@example.com");
		assert_true(judged->resolved_at != DUCK_NO_TIME);
		assert_string_equal(judged->item_b_id, "b");
	}
}

static void a_contradiction_is_judged_once_and_in_known_words(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_contradiction values = between("a", "b");
	g_autofree char *id = add(state, &values);
	assert_code(knowledge_contradictions_resolve(state, "none", "merged", "x", &failure),
		    AGNES_ERROR_NOT_FOUND);
	assert_code(knowledge_contradictions_resolve(state, id, "merge", "x", &failure),
		    AGNES_ERROR_INVALID);
	g_autoptr(knowledge_contradiction_record)
		first = knowledge_contradictions_resolve(state, id, "kept_a", "first", NULL);
	assert_non_null(first);
	assert_code(knowledge_contradictions_resolve(state, id, "kept_b", "second", &failure),
		    AGNES_ERROR_CONFLICT);
	assert_code(knowledge_contradictions_resolve(state, id, "nonsense", "second", &failure),
		    AGNES_ERROR_CONFLICT);
	assert_int_equal(state_number(state, "SELECT count(*) FROM knowledge_contradictions WHERE "
					     "resolution = 'kept_a' AND resolved_by = 'first'"),
			 1);
}

enum { JUDGES = 4, CASES = 20 };

struct judge {
	struct state *state;
	char **ids;
	int wins;
};

static gpointer judge_each(gpointer data)
{
	struct judge *judge = data;
	for (char **id = judge->ids; *id; id++) {
		g_autoptr(knowledge_contradiction_record) judged = knowledge_contradictions_resolve(
			judge->state, *id, "merged", "judge", NULL);
		judge->wins += judged != NULL;
	}
	return NULL;
}

static void of_many_judges_one_wins(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_contradiction values = between("a", "b");
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	for (int i = 0; i < CASES; i++) {
		g_autofree char *id = add(state, &values);
		g_strv_builder_add(builder, id);
	}
	g_auto(GStrv) ids = g_strv_builder_end(builder);
	struct judge judges[JUDGES];
	GThread *threads[JUDGES];
	int wins = 0;
	for (int i = 0; i < JUDGES; i++) {
		judges[i] = (struct judge){state, ids, 0};
		threads[i] = g_thread_new("judge", judge_each, &judges[i]);
	}
	for (int i = 0; i < JUDGES; i++) {
		g_thread_join(threads[i]);
		wins += judges[i].wins;
	}
	assert_int_equal(wins, CASES);
}

static void candidates_are_live_items_of_the_domain(void **context)
{
	struct state *state = state_of(context);
	state_run(state, "INSERT INTO knowledge_items (id, title, status, domain, is_personal, "
			 "updated_at) SELECT id, 't', status, domain, personal, TIMESTAMP "
			 "'2020-01-01' - to_days(id::INT) FROM (VALUES "
			 "('1', 'approved', 'data', FALSE), ('2', 'mandatory', 'data', NULL),"
			 "('3', 'pending', 'data', FALSE), ('4', 'rejected', 'data', FALSE),"
			 "('5', 'revoked', 'data', FALSE), ('6', 'expired', 'data', FALSE),"
			 "('7', 'approved', 'data', TRUE), ('8', 'approved', 'finance', FALSE),"
			 "('9', 'approved', NULL, FALSE)) AS row(id, status, domain, personal)");
	g_autoptr(GPtrArray) data = knowledge_contradictions_candidates(state, "2", "data", NULL);
	assert_ids(data, "1,3");
	g_autoptr(GPtrArray) any = knowledge_contradictions_candidates(state, "2", NULL, NULL);
	assert_ids(any, "1,3,8,9");
	g_autoptr(GPtrArray) also_any = knowledge_contradictions_candidates(state, "x", "", NULL);
	assert_ids(also_any, "1,2,3,8,9");
	state_run(state,
		  "INSERT INTO knowledge_items (id, title, updated_at) SELECT 'n' || i, 't', "
		  "now() FROM range(200) t(i)");
	g_autoptr(GPtrArray) many = knowledge_contradictions_candidates(state, "2", NULL, NULL);
	assert_int_equal(many->len, KNOWLEDGE_CONTRADICTIONS);
}

static void assert_suggestion(const char *text, const char *expected)
{
	struct knowledge_contradiction values = between("a", "b");
	values.suggested_resolution = text;
	g_autoptr(json_t) json = knowledge_contradictions_to_json(&values);
	g_autofree char *actual = json_to_text(json_object_get(json, "suggested_resolution"));
	assert_string_equal(actual, expected);
}

static void a_suggestion_that_is_an_object_is_decoded(void **context)
{
	assert_suggestion(NULL, "null");
	assert_suggestion("", "\"\"");
	assert_suggestion("keep A", "\"keep A\"");
	assert_suggestion(" \n{\"action\": \"merge\"}", "{\"action\":\"merge\"}");
	assert_suggestion("{broken", "\"{broken\"");
	assert_suggestion("[1]", "\"[1]\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_new_contradiction_is_open),
		STATE_TEST(texts_have_a_limit),
		STATE_TEST(a_pair_that_waits_is_not_recorded_again),
		STATE_TEST(lists_are_the_newest_of_a_state),
		STATE_TEST(each_resolution_is_written_down),
		STATE_TEST(a_contradiction_is_judged_once_and_in_known_words),
		STATE_TEST(of_many_judges_one_wins),
		STATE_TEST(candidates_are_live_items_of_the_domain),
		cmocka_unit_test(a_suggestion_that_is_an_object_is_decoded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
