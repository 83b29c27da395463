/* src/state/knowledge_relations: pairs that stand once, their judgment, the search for duplicates.
 */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/knowledge_relations.h"

static void relate(struct state *state, const char *a, const char *b, double score, int expected)
{
	g_autoptr(GError) error = NULL;
	assert_int_equal(
		knowledge_relations_add(state, a, b, KNOWLEDGE_LIKELY_DUPLICATE, score, &error),
		expected);
}

static void a_pair_stands_once_the_smaller_id_first(void **context)
{
	struct state *state = state_of(context);
	relate(state, "b", "a", 0.5, 1);
	relate(state, "a", "b", 0.9, 0);
	assert_int_equal(knowledge_relations_add(state, "a", "b", "other", 0.1, NULL), 1);
	g_autoptr(GPtrArray) all = knowledge_relations_list(state, KNOWLEDGE_LIKELY_DUPLICATE,
							    RECORD_UNSET, 0, NULL);
	assert_int_equal(all->len, 1);
	const struct knowledge_relation *relation = all->pdata[0];
	assert_string_equal(relation->item_a_id, "a");
	assert_string_equal(relation->item_b_id, "b");
	assert_true(relation->score == 0.5);
	assert_int_equal(relation->resolved, RECORD_FALSE);
	assert_true(relation->created_at != DUCK_NO_TIME);
}

static void ids_are_compared_by_code_point(void **context)
{
	struct state *state = state_of(context);
	relate(state, "\xf0\x9f\xa6\x86", "\xef\xbf\xbd", 0, 1);
	relate(state, "a", "B", 0, 1);
	relate(state, "10", "9", 0, 1);
	g_autoptr(GPtrArray) all = knowledge_relations_list(state, KNOWLEDGE_LIKELY_DUPLICATE,
							    RECORD_UNSET, 0, NULL);
	assert_int_equal(all->len, 3);
	assert_int_equal(state_number(state, "SELECT count(*) FROM knowledge_item_relations WHERE "
					     "item_a_id < item_b_id"),
			 3);
}

static void nothing_is_related_to_itself(void **context)
{
	struct state *state = state_of(context);
	assert_code(knowledge_relations_add(state, "a", "a", "x", 1, &failure) >= 0,
		    AGNES_ERROR_INVALID);
	assert_int_equal(state_number(state, "SELECT count(*) FROM knowledge_item_relations"), 0);
}

static void lists_are_the_newest_of_a_state(void **context)
{
	struct state *state = state_of(context);
	state_run(state,
		  "INSERT INTO knowledge_item_relations (item_a_id, item_b_id, relation_type, "
		  "resolved, created_at) VALUES "
		  "('1', 'x', 'likely_duplicate', FALSE, TIMESTAMP '2020-01-01'),"
		  "('2', 'x', 'likely_duplicate', TRUE, TIMESTAMP '2020-01-03'),"
		  "('3', 'x', 'likely_duplicate', NULL, TIMESTAMP '2020-01-02'),"
		  "('4', 'x', 'likely_duplicate', FALSE, NULL), ('5', 'x', 'y', FALSE, now())");
	const char *const type = KNOWLEDGE_LIKELY_DUPLICATE;
	g_autoptr(GPtrArray) both = knowledge_relations_list(state, type, RECORD_UNSET, 0, NULL);
	assert_ids(both, "2,3,1,4");
	g_autoptr(GPtrArray) open = knowledge_relations_list(state, type, RECORD_FALSE, 0, NULL);
	assert_ids(open, "3,1,4");
	g_autoptr(GPtrArray) two = knowledge_relations_list(state, type, RECORD_FALSE, 2, NULL);
	assert_ids(two, "3,1");
	g_autoptr(GPtrArray)
		judged = knowledge_relations_list(state, type, RECORD_TRUE, INT64_MAX, NULL);
	assert_ids(judged, "2");
	state_run(state,
		  "INSERT INTO knowledge_item_relations (item_a_id, item_b_id, relation_type) "
		  "SELECT 'n' || i, 'x', 'likely_duplicate' FROM range(10050) t(i)");
	g_autoptr(GPtrArray) usual = knowledge_relations_list(state, type, RECORD_UNSET, 0, NULL);
	assert_int_equal(usual->len, KNOWLEDGE_RELATIONS);
	g_autoptr(GPtrArray)
		most = knowledge_relations_list(state, type, RECORD_UNSET, INT64_MAX, NULL);
	assert_int_equal(most->len, KNOWLEDGE_RELATIONS_MAX);
}

static struct knowledge_relation *resolve(struct state *state, const char *a, const char *b,
					  const char *resolution, const char *by, GError **error)
{
	return knowledge_relations_resolve(state, a, b, KNOWLEDGE_LIKELY_DUPLICATE, resolution, by,
					   error);
}

static void a_pair_is_judged_once_in_any_order(void **context)
{
	struct state *state = state_of(context);
	relate(state, "a", "b", 0.5, 1);
	relate(state, "a", "c", 0.5, 1);
	g_autoptr(knowledge_relation_record)
		judged = resolve(state, "b", "a", "different", "first", NULL);
	assert_string_equal(judged->item_a_id, "a");
	assert_int_equal(judged->resolved, RECORD_TRUE);
	assert_string_equal(judged->resolution, "different");
	assert_string_equal(judged->resolved_by, "first");
	assert_true(judged->resolved_at != DUCK_NO_TIME);
	assert_code(resolve(state, "a", "b", "duplicate", "second", &failure),
		    AGNES_ERROR_CONFLICT);
	assert_code(resolve(state, "b", "c", "duplicate", "x", &failure), AGNES_ERROR_NOT_FOUND);
	assert_code(resolve(state, "a", "c", "merged", "x", &failure), AGNES_ERROR_INVALID);
	assert_int_equal(state_number(state, "SELECT count(*) FROM knowledge_item_relations WHERE "
					     "resolved"),
			 1);
}

/* Rows of (id, domain, entities, status, is_personal, days of age). */
static void insert(struct state *state, const char *values)
{
	g_autofree char *sql = g_strdup_printf(
		"INSERT INTO knowledge_items (id, title, domain, entities, status, is_personal, "
		"updated_at) SELECT id, 't', domain, entities, status, personal, TIMESTAMP "
		"'2020-01-01' - to_days(age) FROM (VALUES %s) "
		"AS row(id, domain, entities, status, personal, age)",
		values);
	state_run(state, sql);
}

static void assert_duplicate(const GPtrArray *found, guint index, const char *id, int overlap,
			     double jaccard)
{
	const struct knowledge_duplicate *duplicate = found->pdata[index];
	assert_string_equal(duplicate->item_id, id);
	assert_int_equal(duplicate->overlap_count, overlap);
	assert_true(duplicate->jaccard == jaccard);
}

static void duplicates_share_domain_and_entities(void **context)
{
	struct state *state = state_of(context);
	insert(state, "('new', 'data', '[\"a\", \"b\", \"c\", \"a\", null]', 'pending', FALSE, 0),"
		      "('half', 'data', '[\"b\", \"a\", \"x\", \"x\"]', 'approved', FALSE, 2),"
		      "('same', 'data', '[\"c\", \"b\", \"a\"]', 'mandatory', NULL, 3),"
		      "('newer', 'data', '[\"c\", \"b\", \"y\"]', 'pending', FALSE, 1),"
		      "('one', 'data', '[\"a\", \"z\"]', 'approved', FALSE, 0),"
		      "('case', 'data', '[\"A\", \"B\", \"C\"]', 'approved', FALSE, 0),"
		      "('domain', 'finance', '[\"a\", \"b\", \"c\"]', 'approved', FALSE, 0),"
		      "('rejected', 'data', '[\"a\", \"b\", \"c\"]', 'rejected', FALSE, 0),"
		      "('personal', 'data', '[\"a\", \"b\", \"c\"]', 'approved', TRUE, 0),"
		      "('none', 'data', NULL, 'approved', FALSE, 0),"
		      "('odd', 'data', '\"a\"', 'approved', FALSE, 0)");
	g_autoptr(GPtrArray) found = knowledge_relations_find_duplicates(state, "new", NULL);
	assert_ids(found, "same,newer,half");
	assert_duplicate(found, 0, "same", 3, 1.0);
	assert_duplicate(found, 1, "newer", 2, 0.5);
	assert_duplicate(found, 2, "half", 2, 0.5);
}

static void without_domain_or_entities_there_are_none(void **context)
{
	struct state *state = state_of(context);
	insert(state, "('1', NULL, '[\"a\", \"b\"]', 'approved', FALSE, 0),"
		      "('2', NULL, '[\"a\", \"b\"]', 'approved', FALSE, 0),"
		      "('3', '', '[\"a\", \"b\"]', 'approved', FALSE, 0),"
		      "('4', '', '[\"a\", \"b\"]', 'approved', FALSE, 0),"
		      "('5', 'data', NULL, 'approved', FALSE, 0),"
		      "('6', 'data', NULL, 'approved', FALSE, 0)");
	const char *const ids[] = {"1", "3", "5", "unknown"};
	for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
		g_autoptr(GPtrArray)
			found = knowledge_relations_find_duplicates(state, ids[i], NULL);
		assert_ids(found, "");
	}
}

static int64_t record(struct state *state, const char *id)
{
	g_autoptr(GError) error = NULL;
	g_auto(state_session) session = {0};
	assert_true(state_session_begin(&session, state, STATE_WRITE, &error));
	int64_t count = knowledge_relations_record_duplicates(session.connection, id, &error);
	if (error)
		fail_msg("%s", error->message);
	return count;
}

static void found_duplicates_become_relations_once(void **context)
{
	struct state *state = state_of(context);
	insert(state, "('m', 'data', '[\"a\", \"b\"]', 'pending', FALSE, 0),"
		      "('a', 'data', '[\"a\", \"b\", \"c\", \"d\"]', 'approved', FALSE, 0),"
		      "('z', 'data', '[\"a\", \"b\"]', 'approved', FALSE, 0)");
	relate(state, "m", "z", 0.25, 1);
	assert_int_equal(record(state, "m"), 1);
	assert_int_equal(record(state, "m"), 0);
	assert_int_equal(record(state, "a"), 1);
	assert_int_equal(state_number(state,
				      "SELECT count(*) FROM knowledge_item_relations WHERE "
				      "item_a_id || item_b_id || score IN ('am0.5', 'mz0.25', "
				      "'az0.5') AND NOT resolved AND created_at IS NOT NULL "
				      "AND relation_type = 'likely_duplicate'"),
			 3);
}

static void the_most_alike_are_found_however_old(void **context)
{
	struct state *state = state_of(context);
	state_run(state,
		  "INSERT INTO knowledge_items (id, title, status, domain, entities, updated_at) "
		  "SELECT 'n' || i, 't', 'approved', 'data', '[\"a\", \"b\", \"x' || i || "
		  "'\"]', now() FROM range(500) t(i)");
	insert(state, "('new', 'data', '[\"a\", \"b\"]', 'pending', FALSE, 0),"
		      "('old', 'data', '[\"a\", \"b\"]', 'approved', FALSE, 3000)");
	g_autoptr(GPtrArray) found = knowledge_relations_find_duplicates(state, "new", NULL);
	assert_int_equal(found->len, KNOWLEDGE_DUPLICATES);
	assert_duplicate(found, 0, "old", 2, 1.0);
	assert_int_equal(record(state, "new"), KNOWLEDGE_DUPLICATES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_pair_stands_once_the_smaller_id_first),
		STATE_TEST(ids_are_compared_by_code_point),
		STATE_TEST(nothing_is_related_to_itself),
		STATE_TEST(lists_are_the_newest_of_a_state),
		STATE_TEST(a_pair_is_judged_once_in_any_order),
		STATE_TEST(duplicates_share_domain_and_entities),
		STATE_TEST(without_domain_or_entities_there_are_none),
		STATE_TEST(found_duplicates_become_relations_once),
		STATE_TEST(the_most_alike_are_found_however_old),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
