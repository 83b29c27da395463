/* src/state/knowledge_search: every filter, pages, hostile patterns, numbers of each kind. */
#include "state_fixture.h"

#include "state/knowledge_search.h"

/* `values` is a list of rows of (id, title, content, category). */
static void insert(struct state *state, const char *values)
{
	g_autofree char *sql = g_strdup_printf(
		"INSERT INTO knowledge_items (id, title, content, category, updated_at) "
		"SELECT *, TIMESTAMP '2020-01-01' - to_days(id::INT) FROM (VALUES %s) AS row(id, title, content, category)",
		values);
	state_run(state, sql);
}

static void assert_finds(struct state *state, const struct knowledge_filter *filter,
			 const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) found = knowledge_search(state, filter, &error);
	if (!found)
		fail_msg("%s", error->message);
	assert_ids(found, expected);
}

static void assert_pattern(struct state *state, const char *pattern, const char *expected)
{
	assert_finds(state, &(struct knowledge_filter){.pattern = pattern}, expected);
}

static void assert_text(struct state *state, const char *text, const char *expected)
{
	assert_finds(state, &(struct knowledge_filter){.text = text}, expected);
}

static void the_newest_change_comes_first_and_pages_are_stable(void **context)
{
	struct state *state = state_of(context);
	insert(state, "('3', 't', '', ''), ('1', 't', '', ''), ('2', 't', '', '')");
	state_run(state,
		  "INSERT INTO knowledge_items (id, title, updated_at) VALUES ('9', 't', NULL), "
		  "('8', 't', NULL), ('1b', 't', TIMESTAMP '2019-12-31')");
	assert_finds(state, &(struct knowledge_filter){0}, "1,1b,2,3,8,9");
	assert_finds(state, &(struct knowledge_filter){.limit = 2}, "1,1b");
	assert_finds(state, &(struct knowledge_filter){.limit = 2, .offset = 2}, "2,3");
	assert_finds(state, &(struct knowledge_filter){.limit = 2, .offset = 5}, "9");
	assert_finds(state, &(struct knowledge_filter){.limit = 2, .offset = INT64_MAX}, "");
	assert_finds(state, &(struct knowledge_filter){.limit = INT64_MAX, .offset = -5},
		     "1,1b,2,3,8,9");
	assert_finds(state, &(struct knowledge_filter){.limit = -1}, "1,1b,2,3,8,9");
}

static void a_page_has_a_size_by_default_and_at_most(void **context)
{
	struct state *state = state_of(context);
	state_run(state,
		  "INSERT INTO knowledge_items (id, title) SELECT i, 't' FROM range(10050) t(i)");
	g_autoptr(GPtrArray) usual = knowledge_search(state, &(struct knowledge_filter){0}, NULL);
	assert_int_equal(usual->len, KNOWLEDGE_PAGE);
	struct knowledge_filter much = {.limit = INT64_MAX};
	g_autoptr(GPtrArray) most = knowledge_search(state, &much, NULL);
	assert_int_equal(most->len, KNOWLEDGE_PAGE_MAX);
	assert_int_equal(knowledge_search_count(state, &much, NULL), 10050);
}

static void equal_columns_are_found_and_all_conditions_hold(void **context)
{
	struct state *state = state_of(context);
	char *two[] = {(char *)"approved", (char *)"it's", NULL}, *none[] = {NULL};
	insert(state,
	       "('1', 't', '', 'a'), ('2', 't', '', 'a'), ('3', 't', '', 'b'), ('4', 't', '', "
	       "NULL)");
	state_run(state,
		  "UPDATE knowledge_items SET status = 'approved', domain = 'finance' WHERE id "
		  "= '1'; UPDATE knowledge_items SET status = 'it''s', source_type = 's' WHERE "
		  "id = '2'; UPDATE knowledge_items SET source_user = 'u', audience = "
		  "'group:x' WHERE id = '3'; UPDATE knowledge_items SET audience = '' WHERE id "
		  "= '4'");
	assert_finds(state, &(struct knowledge_filter){.category = "a"}, "1,2");
	assert_finds(state, &(struct knowledge_filter){.category = "A"}, "");
	assert_finds(state, &(struct knowledge_filter){.category = "%"}, "");
	assert_finds(state, &(struct knowledge_filter){.category = "' OR TRUE --"}, "");
	assert_finds(state, &(struct knowledge_filter){.domain = "finance"}, "1");
	assert_finds(state, &(struct knowledge_filter){.source_type = "s"}, "2");
	assert_finds(state, &(struct knowledge_filter){.source_user = "u"}, "3");
	assert_finds(state, &(struct knowledge_filter){.statuses = two}, "1,2");
	assert_finds(state, &(struct knowledge_filter){.statuses = none}, "");
	assert_finds(state, &(struct knowledge_filter){.audience = "all"}, "1,2,4");
	assert_finds(state, &(struct knowledge_filter){.audience = "group:x"}, "3");
	assert_finds(state,
		     &(struct knowledge_filter){
			     .category = "a", .statuses = two, .domain = "finance", .pattern = "T"},
		     "1");
	assert_finds(state, &(struct knowledge_filter){.category = "b", .domain = "finance"}, "");
	assert_int_equal(
		knowledge_search_count(
			state, &(struct knowledge_filter){.category = "a", .limit = 1}, NULL),
		2);
}

static void a_pattern_has_wildcards_and_a_text_has_none(void **context)
{
	struct state *state = state_of(context);
	insert(state,
	       "('1', 'Gross Margin', 'is 50% of net', ''), ('2', 'x', 'a_b\\c', ''),"
	       "('3', 'ŽLUŤOUČKÝ', NULL, ''), ('4', 'axb', 'line one' || chr(10) || 'two', '')");
	assert_pattern(state, "gross margin", "1");
	assert_pattern(state, "GROSS%NET", "");
	assert_pattern(state, "IS%net", "1");
	assert_pattern(state, "", "1,2,3,4");
	assert_pattern(state, "a_b", "2,4");
	assert_text(state, "a_b", "2");
	assert_text(state, "A_B\\C", "2");
	assert_pattern(state, "b\\c", "2");
	assert_text(state, "50%", "1");
	assert_text(state, "0%n", "");
	assert_pattern(state, "0%n", "1");
	assert_pattern(state, "žluť_učký", "3");
	assert_pattern(state, "one%two", "4");
	assert_pattern(state, "one_two", "4");
	assert_text(state, "%", "1");
}

static void hostile_patterns_are_only_text(void **context)
{
	struct state *state = state_of(context);
	insert(state,
	       "('1', 'it''s (a) [b] {c} ^$.|?*+ \\ ', '\xf0\x9f\xa6\x86 -- ', ''), ('2', 'x', 'y', '')");
	const char *const found[] = {"it's",	   "(a)",	"[b]", "{c}",
				     "^$.|?*+ \\", "'s (a) [b", "\\ ", "\xf0\x9f\xa6\x86",
				     "-- "};
	for (size_t i = 0; i < G_N_ELEMENTS(found); i++) {
		assert_pattern(state, found[i], "1");
		assert_text(state, found[i], "1");
	}
	const char *const absent[] = {"' OR TRUE --", "(",   ".*",  "[^z]",
				      "\\E",	      "\\Q", "x|y", "(?i)X"};
	assert_pattern(state, absent[0], "");
	assert_pattern(state, absent[1], "1");
	for (size_t i = 2; i < G_N_ELEMENTS(absent); i++)
		assert_pattern(state, absent[i], "");
}

/* DuckDB's LIKE would take longer for these than anybody waits. */
static void many_wildcards_over_a_long_text_end(void **context)
{
	struct state *state = state_of(context);
	state_run(state, "INSERT INTO knowledge_items (id, title, content) VALUES ('1', 't', "
			 "repeat('a', 1000000))");
	assert_pattern(state, "%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a", "1");
	assert_pattern(state, "%a%a%a%a%a%a%a%a%a%a%a%a%a%a%b", "");
	assert_pattern(state, "a_______________a", "1");
	assert_pattern(state, "a_______________b", "");
}

static void a_pattern_has_a_limit(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *longest = g_strnfill(KNOWLEDGE_PATTERN_MAX, 'x');
	g_autofree char *longer = g_strnfill(KNOWLEDGE_PATTERN_MAX + 1, 'x');
	struct knowledge_filter pattern = {.pattern = longer}, text = {.text = longer};
	struct knowledge_filter wild = {.pattern = "%_%_%_%_%_%_%_%_%"};
	assert_pattern(state, longest, "");
	assert_pattern(state, wild.pattern + 1, "");
	assert_text(state, wild.pattern, "");
	assert_code(knowledge_search(state, &wild, &failure), AGNES_ERROR_TOO_LARGE);
	assert_code(knowledge_search(state, &pattern, &failure), AGNES_ERROR_TOO_LARGE);
	assert_code(knowledge_search(state, &text, &failure), AGNES_ERROR_TOO_LARGE);
	assert_code(knowledge_search_count(state, &text, &failure) >= 0, AGNES_ERROR_TOO_LARGE);
	assert_code(knowledge_search_counts(state, &text, KNOWLEDGE_BY_TAG, &failure),
		    AGNES_ERROR_TOO_LARGE);
}

static void text_that_is_no_utf8_is_refused(void **context)
{
	struct state *state = state_of(context);
	char *statuses[] = {(char *)"pending", (char *)"\xff", NULL};
	struct knowledge_filter pattern = {.pattern = "\xff\xfe"}, category = {.category = "\xff"};
	struct knowledge_filter status = {.statuses = statuses};
	assert_code(knowledge_search(state, &pattern, &failure), AGNES_ERROR_INVALID);
	assert_code(knowledge_search(state, &category, &failure), AGNES_ERROR_INVALID);
	assert_code(knowledge_search(state, &status, &failure), AGNES_ERROR_INVALID);
}

static void personal_and_foreign_items_are_hidden(void **context)
{
	struct state *state = state_of(context);
	char *groups[] = {(char *)"G", NULL}, *domains[] = {(char *)"finance", NULL};
	struct knowledge_viewer viewer = {"me", groups, domains};
	state_run(state,
		  "INSERT INTO knowledge_items (id, title, audience, domain, is_personal, "
		  "source_user) VALUES ('1', 't', NULL, NULL, TRUE, 'me'),"
		  "('2', 't', 'group:G', NULL, NULL, 'x'), ('3', 't', 'group:H', NULL, FALSE, "
		  "'x'), ('4', 't', 'group:H', 'finance', FALSE, 'x'), ('5', 't', 'all', "
		  "'data', TRUE, 'x')");
	assert_finds(state, &(struct knowledge_filter){0}, "1,2,3,4,5");
	assert_finds(state, &(struct knowledge_filter){.exclude_personal = true}, "2,3,4");
	assert_finds(state, &(struct knowledge_filter){.viewer = &viewer}, "1,2,4,5");
	struct knowledge_filter usual = {.viewer = &viewer, .exclude_personal = true};
	assert_finds(state, &usual, "2,4");
	assert_int_equal(knowledge_search_count(state, &usual, NULL), 2);
	struct knowledge_viewer nobody = {NULL, NULL, NULL};
	assert_finds(state, &(struct knowledge_filter){.viewer = &nobody}, "1,5");
}

static void open_duplicates_are_found(void **context)
{
	struct state *state = state_of(context);
	insert(state,
	       "('1', 't', '', ''), ('2', 't', '', ''), ('3', 't', '', ''), ('4', 't', '', ''), "
	       "('5', 't', '', '')");
	state_run(state,
		  "INSERT INTO knowledge_item_relations (item_a_id, item_b_id, relation_type, "
		  "resolved) VALUES ('1', '3', 'likely_duplicate', FALSE), ('2', '3', "
		  "'likely_duplicate', TRUE), ('1', '4', 'other', FALSE), ('3', '5', "
		  "'likely_duplicate', NULL)");
	assert_finds(state, &(struct knowledge_filter){.only_duplicates = true}, "1,3,5");
}

static void assert_counts(struct state *state, const struct knowledge_filter *filter,
			  enum knowledge_axis axis, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) counts = knowledge_search_counts(state, filter, axis, &error);
	if (!counts)
		fail_msg("%s", error->message);
	g_autofree char *text = json_to_text(counts);
	assert_string_equal(text, expected);
}

static void items_are_counted_by_what_they_are(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_filter all = {0};
	state_run(state,
		  "INSERT INTO knowledge_items (id, title, status, domain, source_type, "
		  "audience, category) VALUES ('1', 't', 'pending', 'data', 's', 'all', 'b'),"
		  "('2', 't', NULL, NULL, NULL, NULL, NULL), ('3', 't', 'pending', '', 's', "
		  "'', ''), ('4', 't', 'approved', NULL, 's', 'group:x', 'a')");
	assert_counts(state, &all, KNOWLEDGE_BY_STATUS,
		      "{\"pending\":2,\"approved\":1,\"unknown\":1}");
	assert_counts(state, &all, KNOWLEDGE_BY_DOMAIN, "{\"unset\":2,\"\":1,\"data\":1}");
	assert_counts(state, &all, KNOWLEDGE_BY_SOURCE_TYPE, "{\"s\":3,\"unknown\":1}");
	assert_counts(state, &all, KNOWLEDGE_BY_AUDIENCE, "{\"all\":2,\"\":1,\"group:x\":1}");
	assert_counts(state, &all, KNOWLEDGE_BY_CATEGORY, "{\"a\":1,\"b\":1}");
	struct knowledge_filter some = {.source_type = "s", .limit = 1, .offset = 5};
	assert_counts(state, &some, KNOWLEDGE_BY_STATUS, "{\"pending\":2,\"approved\":1}");
	struct knowledge_filter nothing = {.source_type = "none"};
	assert_counts(state, &nothing, KNOWLEDGE_BY_STATUS, "{}");
}

static void tags_are_counted_one_by_one(void **context)
{
	struct state *state = state_of(context);
	struct knowledge_filter all = {0};
	state_run(state,
		  "INSERT INTO knowledge_items (id, title, tags, is_personal) VALUES "
		  "('1', 't', '[\"b\", \"\\u017e\"]', FALSE), ('2', 't', '[\"\xc5\xbe\", "
		  "\"a\\\"b\", 5, null]', TRUE), ('3', 't', NULL, FALSE), ('4', 't', '\"odd\"', "
		  "FALSE), ('5', 't', '[\"\xc5\xbe\", \"a\"]', FALSE)");
	assert_counts(state, &all, KNOWLEDGE_BY_TAG,
		      "{\"\xc5\xbe\":3,\"5\":1,\"a\":1,\"a\\\\\\\"b\":1,\"b\":1}");
	struct knowledge_filter open = {.exclude_personal = true};
	assert_counts(state, &open, KNOWLEDGE_BY_TAG, "{\"\xc5\xbe\":2,\"a\":1,\"b\":1}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(the_newest_change_comes_first_and_pages_are_stable),
		STATE_TEST(a_page_has_a_size_by_default_and_at_most),
		STATE_TEST(equal_columns_are_found_and_all_conditions_hold),
		STATE_TEST(a_pattern_has_wildcards_and_a_text_has_none),
		STATE_TEST(hostile_patterns_are_only_text),
		STATE_TEST(many_wildcards_over_a_long_text_end),
		STATE_TEST(a_pattern_has_a_limit),
		STATE_TEST(text_that_is_no_utf8_is_refused),
		STATE_TEST(personal_and_foreign_items_are_hidden),
		STATE_TEST(open_duplicates_are_found),
		STATE_TEST(items_are_counted_by_what_they_are),
		STATE_TEST(tags_are_counted_one_by_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
