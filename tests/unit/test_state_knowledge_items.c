/* src/state/knowledge_items: creation, who may find one, updates of one and of many, sizes. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/knowledge_items.h"

#include <math.h>

#define HOSTILE "it's \"50%_\" \\ ; DROP TABLE users; -- \xf0\x9f\xa6\x86\n"

static struct knowledge_item item(const char *id, const char *title)
{
	struct knowledge_item values;
	record_init(&knowledge_item_type, &values);
	values.id = id;
	values.title = title;
	return values;
}

static struct knowledge_item *create(struct state *state, const struct knowledge_item *values)
{
	g_autoptr(GError) error = NULL;
	struct knowledge_item *made = knowledge_items_create(state, values, &error);
	if (!made)
		fail_msg("%s", error->message);
	return made;
}

static void add(struct state *state, const char *id)
{
	struct knowledge_item values = item(id, "title");
	record_free(create(state, &values));
}

static struct knowledge_item *find(struct state *state, const char *id)
{
	g_autoptr(GError) error = NULL;
	struct knowledge_item *found = knowledge_items_find(state, id, NULL, &error);
	if (!found)
		fail_msg("%s: %s", id, error->message);
	return found;
}

/* As long ago as no test runs, so that a bump shows. */
static void age(struct state *state)
{
	state_run(state, "UPDATE knowledge_items SET updated_at = TIMESTAMP '2020-01-01'");
}

static int64_t count_bumped(struct state *state)
{
	return state_number(state, "SELECT count(*) FROM knowledge_items WHERE updated_at > "
				   "TIMESTAMP '2020-01-01'");
}

static void a_new_item_gets_what_was_left_out(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_item values = item(NULL, "title");
	g_autoptr(knowledge_item_record) made = create(state, &values);
	assert_true(g_uuid_string_is_valid(made->id));
	assert_string_equal(made->status, "pending");
	assert_string_equal(made->source_type, "claude_local_md");
	assert_string_equal(made->sensitivity, "internal");
	assert_int_equal(made->is_personal, RECORD_FALSE);
	assert_int_equal(made->created_at, made->updated_at);
	assert_true(made->created_at != DUCK_NO_TIME);
	assert_null(made->content);
	assert_null(made->tags);
	assert_null(made->audience);
	assert_true(isnan(made->confidence));
}

static void every_field_comes_back(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_item values = item("km_1", HOSTILE);
	g_autofree char *content = g_strnfill(KNOWLEDGE_CONTENT_MAX, 'x');
	char *labels[] = {(char *)HOSTILE, (char *)"ž", NULL};
	g_autofree char *tags = knowledge_labels_text(labels);
	values.content = content;
	values.category = HOSTILE;
	values.tags = tags;
	values.entities = "[\"e\"]";
	values.status = "mandatory";
	values.source_user = "a@example.com";
	values.audience = "group:it's";
	values.confidence = 0.5;
	values.domain = "finance";
	values.source_type = "admin_mandate";
	values.source_ref = "ref";
	values.valid_from = 1700000000000000;
	values.valid_until = 1700000000000001;
	values.supersedes = "km_0";
	values.sensitivity = "public";
	values.is_personal = RECORD_TRUE;
	record_free(create(state, &values));
	g_autoptr(knowledge_item_record) found = find(state, "km_1");
	g_autoptr(json_t) expected = record_to_json(&knowledge_item_type, &values);
	g_autoptr(json_t) actual = record_to_json(&knowledge_item_type, found);
	json_object_set(expected, "created_at", json_object_get(actual, "created_at"));
	json_object_set(expected, "updated_at", json_object_get(actual, "updated_at"));
	assert_true(json_equal(actual, expected));
	assert_int_equal(strlen(found->content), KNOWLEDGE_CONTENT_MAX);
}

static void labels_are_json_text_or_nothing(void **context)
{
	char *two[] = {(char *)"a\"b", (char *)"ž", NULL}, *none[] = {NULL};
	g_autofree char *text = knowledge_labels_text(two);
	assert_string_equal(text, "[\"a\\\"b\", \"ž\"]");
	assert_null(knowledge_labels_text(none));
	assert_null(knowledge_labels_text(NULL));
}

static void an_id_is_taken_once(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_item values = item("1", "other");
	add(state, "1");
	assert_code(knowledge_items_create(state, &values, &failure), AGNES_ERROR_CONFLICT);
	g_autoptr(knowledge_item_record) found = find(state, "1");
	assert_string_equal(found->title, "title");
}

static void what_is_too_long_is_refused(void **context)
{
	struct state *state = state_of(context);
	add(state, "1");
	g_autofree char *content = g_strnfill(KNOWLEDGE_CONTENT_MAX + 1, 'x');
	g_autofree char *title = g_strnfill(KNOWLEDGE_TITLE_MAX + 1, 'x');
	g_autofree char *labels = g_strnfill(KNOWLEDGE_LABELS_MAX + 1, 'x');
	struct knowledge_item long_content = item("1", "t"), long_title = item("1", title);
	struct knowledge_item long_category = item("1", "t"), long_tags = item("1", "t");
	long_content.content = content;
	long_category.category = title;
	long_tags.tags = labels;
	const struct knowledge_item *const all[] = {&long_content, &long_title, &long_category,
						    &long_tags};
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		assert_code(knowledge_items_create(state, all[i], &failure), AGNES_ERROR_TOO_LARGE);
		assert_code(knowledge_items_update(state, all[i], (const char *[]){"title", NULL},
						   &failure),
			    AGNES_ERROR_TOO_LARGE);
	}
}

static void tags_that_are_no_json_are_refused(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_item values = item("1", "t");
	values.tags = "[unquoted]";
	assert_code(knowledge_items_create(state, &values, &failure), AGNES_ERROR_INVALID);
	assert_int_equal(state_number(state, "SELECT count(*) FROM knowledge_items"), 0);
}

static void many_are_found_by_id(void **context)
{
	struct state *state = state_of(context);
	char *ids[] = {(char *)"2", (char *)"none", (char *)"1", (char *)"2", NULL};
	char *none[] = {NULL};
	add(state, "1");
	add(state, "2");
	add(state, "3");
	g_autoptr(GPtrArray) found = knowledge_items_find_many(state, ids, NULL);
	assert_int_equal(found->len, 2);
	g_autoptr(GPtrArray) nothing = knowledge_items_find_many(state, none, NULL);
	assert_int_equal(nothing->len, 0);
}

static void assert_sees(struct state *state, const struct knowledge_viewer *viewer,
			const char *expected)
{
	g_autoptr(GString) seen = g_string_new(NULL);
	for (char id[] = "1"; *id <= '8'; ++*id) {
		g_autoptr(GError) error = NULL;
		g_autoptr(knowledge_item_record)
			found = knowledge_items_find(state, id, viewer, &error);
		if (found)
			g_string_append(seen, id);
		else
			assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND));
	}
	assert_string_equal(seen->str, expected);
}

static void audience_domain_and_ownership_decide_who_sees(void **context)
{
	struct state *state = state_of(context);
	state_run(state, "INSERT INTO knowledge_items (id, title, audience, domain, is_personal, "
			 "source_user) VALUES ('1', 't', NULL, NULL, FALSE, NULL),"
			 "('2', 't', 'all', 'finance', NULL, 'b'),"
			 "('3', 't', 'group:G', NULL, FALSE, 'b'),"
			 "('4', 't', 'group:it''s', 'finance', FALSE, 'b'),"
			 "('5', 't', '', NULL, FALSE, 'b'),"
			 "('6', 't', NULL, 'finance', TRUE, 'b'),"
			 "('7', 't', 'group:H', NULL, TRUE, 'a'),"
			 "('8', 't', 'other:G', 'data', FALSE, 'b')");
	char *its[] = {(char *)"it's", (char *)"group:G", NULL}, *g[] = {(char *)"G", NULL};
	char *finance[] = {(char *)"finance", NULL}, *wild[] = {(char *)"%", (char *)"_", NULL};
	char *none[] = {NULL};
	assert_sees(state, NULL, "12345678");
	assert_sees(state, &(struct knowledge_viewer){"x", NULL, NULL}, "12");
	assert_sees(state, &(struct knowledge_viewer){"x", none, none}, "12");
	assert_sees(state, &(struct knowledge_viewer){"x", g, NULL}, "123");
	assert_sees(state, &(struct knowledge_viewer){"x", its, NULL}, "124");
	assert_sees(state, &(struct knowledge_viewer){"x", wild, wild}, "12");
	assert_sees(state, &(struct knowledge_viewer){"x", NULL, finance}, "124");
	assert_sees(state, &(struct knowledge_viewer){"a", g, NULL}, "1237");
	assert_sees(state, &(struct knowledge_viewer){"b", NULL, NULL}, "1234568");
	assert_sees(state, &(struct knowledge_viewer){NULL, NULL, NULL}, "12");
}

static void an_update_writes_the_named_columns_and_the_time(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_item values = item("1", HOSTILE);
	values.content = "content";
	add(state, "1");
	add(state, "2");
	age(state);
	assert_ok(knowledge_items_update(state, &values, (const char *[]){NULL}, &failure));
	assert_int_equal(count_bumped(state), 0);
	values.audience = "group:x";
	assert_ok(knowledge_items_update(state, &values,
					 (const char *[]){"title", "audience", NULL}, &failure));
	assert_int_equal(count_bumped(state), 1);
	g_autoptr(knowledge_item_record) changed = find(state, "1");
	assert_string_equal(changed->title, HOSTILE);
	assert_string_equal(changed->audience, "group:x");
	assert_null(changed->content);
	assert_string_equal(changed->status, "pending");
	values.audience = NULL;
	assert_ok(knowledge_items_update(state, &values, (const char *[]){"audience", NULL},
					 &failure));
	g_autoptr(knowledge_item_record) cleared = find(state, "1");
	assert_null(cleared->audience);
}

static void an_update_knows_its_columns(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_item values = item("1", NULL);
	add(state, "1");
	const char *const refused[] = {"id",	     "contributors", "created_at",
				       "updated_at", "nonsense",     "title\" = '1' --"};
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
		assert_code(knowledge_items_update(state, &values,
						   (const char *[]){refused[i], NULL}, &failure),
			    AGNES_ERROR_INVALID);
	const char *const columns[] = {"title", NULL};
	assert_code(knowledge_items_update(state, &values, columns, &failure),
		    AGNES_ERROR_CONFLICT);
	values = item("none", "title");
	assert_code(knowledge_items_update(state, &values, columns, &failure),
		    AGNES_ERROR_NOT_FOUND);
	const char *const editable[] = {"title",       "content",     "category",    "tags",
					"domain",      "entities",    "source_type", "source_ref",
					"source_user", "audience",    "confidence",  "status",
					"sensitivity", "is_personal", "valid_from",  "valid_until",
					"supersedes",  NULL};
	values = item("1", "title");
	assert_ok(knowledge_items_update(state, &values, editable, &failure));
}

static char *updated(struct state *state, char **ids, const struct knowledge_bulk *change)
{
	g_autoptr(GError) error = NULL;
	g_auto(knowledge_bulk_result) result = {0};
	if (!knowledge_items_update_many(state, ids, change, &result, &error))
		fail_msg("%s", error->message);
	g_autofree char *found = g_strjoinv(",", result.updated);
	g_autofree char *missing = g_strjoinv(",", result.not_found);
	return g_strdup_printf("%s|%s", found, missing);
}

static void assert_tags(struct state *state, const char *id, const char *expected)
{
	g_autoptr(knowledge_item_record) found = find(state, id);
	if (expected)
		assert_string_equal(found->tags, expected);
	else
		assert_null(found->tags);
}

static void a_bulk_update_changes_all_that_exist(void **context)
{
	struct state *state = state_of(context);
	char *ids[] = {(char *)"3", (char *)"x'", (char *)"1", (char *)"3", (char *)"x'", NULL};
	struct knowledge_item values = item(NULL, NULL);
	values.category = HOSTILE;
	values.domain = "data";
	add(state, "1");
	add(state, "2");
	add(state, "3");
	age(state);
	struct knowledge_bulk change = {.values = &values,
					.columns = (const char *[]){"category", "domain", NULL}};
	g_autofree char *result = updated(state, ids, &change);
	assert_string_equal(result, "3,1|x'");
	assert_int_equal(count_bumped(state), 2);
	g_autoptr(knowledge_item_record) changed = find(state, "3");
	assert_string_equal(changed->category, HOSTILE);
	assert_string_equal(changed->domain, "data");
	assert_string_equal(changed->title, "title");
	g_autoptr(knowledge_item_record) other = find(state, "2");
	assert_null(other->category);
}

static void a_bulk_update_of_nothing_reports_all_the_same(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_item values = item(NULL, NULL);
	struct knowledge_bulk change = {.values = &values, .columns = (const char *[]){NULL}};
	char *ids[] = {(char *)"1", (char *)"2", NULL}, *none[] = {NULL};
	add(state, "1");
	age(state);
	g_autofree char *some = updated(state, ids, &change);
	assert_string_equal(some, "1|2");
	g_autofree char *nothing = updated(state, none, &change);
	assert_string_equal(nothing, "|");
	assert_int_equal(count_bumped(state), 0);
}

static void tags_are_added_where_missing_then_removed(void **context)
{
	struct state *state = state_of(context);
	state_run(state, "INSERT INTO knowledge_items (id, title, tags) VALUES "
			 "('1', 't', '[\"a\", \"b\"]'), ('2', 't', NULL), ('3', 't', '\"odd\"'),"
			 "('4', 't', '[\"\\u017e\", null, 5]'), ('5', 't', '[\"b\"]')");
	struct knowledge_item values = item(NULL, NULL);
	char *ids[] = {(char *)"1", (char *)"2", (char *)"3", (char *)"4", NULL};
	char *add_tags[] = {(char *)"n\"'", (char *)"a", (char *)"n\"'", (char *)"c", NULL};
	char *remove_tags[] = {(char *)"b", (char *)"c", (char *)"none", NULL};
	struct knowledge_bulk change = {&values, (const char *[]){NULL}, add_tags, remove_tags};
	g_free(updated(state, ids, &change));
	assert_tags(state, "1", "[\"a\", \"n\\\"'\"]");
	assert_tags(state, "2", "[\"n\\\"'\", \"a\"]");
	assert_tags(state, "3", "[\"n\\\"'\", \"a\"]");
	assert_tags(state, "4", "[\"ž\", \"5\", \"n\\\"'\", \"a\"]");
	assert_tags(state, "5", "[\"b\"]");
}

static void removing_the_last_tag_leaves_null(void **context)
{
	struct state *state = state_of(context);
	state_run(state, "INSERT INTO knowledge_items (id, title, tags) VALUES "
			 "('1', 't', '[\"a\", \"a\"]'), ('2', 't', NULL)");
	struct knowledge_item values = item(NULL, NULL);
	char *ids[] = {(char *)"1", (char *)"2", NULL}, *tags[] = {(char *)"a", NULL};
	struct knowledge_bulk change = {&values, (const char *[]){NULL}, NULL, tags};
	g_free(updated(state, ids, &change));
	assert_tags(state, "1", NULL);
	assert_tags(state, "2", NULL);
}

static void replaced_tags_win_over_added_ones(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_item values = item(NULL, NULL);
	char *ids[] = {(char *)"1", NULL};
	char *added[] = {(char *)"x", NULL};
	values.tags = "[\"new\"]";
	add(state, "1");
	struct knowledge_bulk change = {&values, (const char *[]){"tags", NULL}, added, NULL};
	g_free(updated(state, ids, &change));
	assert_tags(state, "1", "[\"new\"]");
}

static void a_bulk_update_that_fails_changes_nothing(void **context)
{
	struct state *state = state_of(context);
	g_autoptr(GString) text = g_string_new("[\"x\"");
	while (text->len < KNOWLEDGE_LABELS_MAX - 20)
		g_string_append(text, ", \"y\"");
	g_string_append_c(text, ']');
	struct knowledge_item full = item("full", "title"), values = item(NULL, NULL);
	full.tags = text->str;
	record_free(create(state, &full));
	add(state, "1");
	age(state);
	char *ids[] = {(char *)"1", (char *)"full", NULL};
	char *add_tags[] = {(char *)"one more tag than fits", NULL};
	values.category = "c";
	g_auto(knowledge_bulk_result) result = {0};
	struct knowledge_bulk too_long = {&values, (const char *[]){"category", NULL}, add_tags,
					  NULL};
	assert_code(knowledge_items_update_many(state, ids, &too_long, &result, &failure),
		    AGNES_ERROR_TOO_LARGE);
	struct knowledge_bulk no_title = {&values, (const char *[]){"category", "title", NULL},
					  NULL, NULL};
	assert_code(knowledge_items_update_many(state, ids, &no_title, &result, &failure),
		    AGNES_ERROR_CONFLICT);
	struct knowledge_bulk no_column = {&values, (const char *[]){"id", NULL}, NULL, NULL};
	assert_code(knowledge_items_update_many(state, ids, &no_column, &result, &failure),
		    AGNES_ERROR_INVALID);
	assert_int_equal(count_bumped(state), 0);
}

static void a_bulk_update_has_a_limit(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_item values = item(NULL, NULL);
	g_autofree char **ids = g_new0(char *, KNOWLEDGE_BULK_MAX + 2);
	for (int i = 0; i <= KNOWLEDGE_BULK_MAX; i++)
		ids[i] = (char *)"1";
	struct knowledge_bulk change = {.values = &values, .columns = (const char *[]){NULL}};
	g_auto(knowledge_bulk_result) result = {0};
	assert_code(knowledge_items_update_many(state, ids, &change, &result, &failure),
		    AGNES_ERROR_TOO_LARGE);
	ids[KNOWLEDGE_BULK_MAX] = NULL;
	g_autofree char *all = updated(state, ids, &change);
	assert_string_equal(all, "|1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_new_item_gets_what_was_left_out),
		STATE_TEST(every_field_comes_back),
		STATE_TEST(labels_are_json_text_or_nothing),
		STATE_TEST(an_id_is_taken_once),
		STATE_TEST(what_is_too_long_is_refused),
		STATE_TEST(tags_that_are_no_json_are_refused),
		STATE_TEST(many_are_found_by_id),
		STATE_TEST(audience_domain_and_ownership_decide_who_sees),
		STATE_TEST(an_update_writes_the_named_columns_and_the_time),
		STATE_TEST(an_update_knows_its_columns),
		STATE_TEST(a_bulk_update_changes_all_that_exist),
		STATE_TEST(a_bulk_update_of_nothing_reports_all_the_same),
		STATE_TEST(tags_are_added_where_missing_then_removed),
		STATE_TEST(removing_the_last_tag_leaves_null),
		STATE_TEST(replaced_tags_win_over_added_ones),
		STATE_TEST(a_bulk_update_that_fails_changes_nothing),
		STATE_TEST(a_bulk_update_has_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
