/* src/state/knowledge_votes: one vote for each user and item, taken back by 0, and their sums. */
#include "state_fixture.h"

#include "state/knowledge_votes.h"

static void cast(struct state *state, const char *item, const char *user, int64_t vote)
{
	assert_ok(knowledge_votes_cast(state, item, user, vote, &failure));
}

static void assert_tally(const GPtrArray *tallies, guint index, const char *item, int up, int down)
{
	const struct knowledge_tally *tally = tallies->pdata[index];
	assert_string_equal(tally->item_id, item);
	assert_int_equal(tally->upvotes, up);
	assert_int_equal(tally->downvotes, down);
}

static void a_user_has_one_vote_for_an_item(void **context)
{
	struct state *state = state_of(context);
	cast(state, "it's", "u", 1);
	cast(state, "it's", "u", -1);
	cast(state, "b", "u", 1);
	cast(state, "b", "v", 1);
	g_autoptr(GPtrArray) votes = knowledge_votes_of_user(state, "u", NULL);
	assert_ids(votes, "b,it's");
	const struct knowledge_vote *vote = votes->pdata[1];
	assert_int_equal(vote->vote, -1);
	assert_true(vote->voted_at != DUCK_NO_TIME);
	assert_int_equal(state_number(state, "SELECT count(*) FROM knowledge_votes"), 3);
}

static void zero_takes_a_vote_back(void **context)
{
	struct state *state = state_of(context);
	cast(state, "a", "u", 1);
	cast(state, "a", "v", 1);
	cast(state, "a", "u", 0);
	cast(state, "a", "u", 0);
	g_autoptr(GPtrArray) mine = knowledge_votes_of_user(state, "u", NULL);
	assert_ids(mine, "");
	g_autoptr(GPtrArray) others = knowledge_votes_of_user(state, "v", NULL);
	assert_ids(others, "a");
}

static void other_numbers_are_refused(void **context)
{
	struct state *state = state_of(context);
	const int64_t wrong[] = {2, -2, INT64_MAX, INT64_MIN};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
		assert_code(knowledge_votes_cast(state, "a", "u", wrong[i], &failure),
			    AGNES_ERROR_INVALID);
	assert_int_equal(state_number(state, "SELECT count(*) FROM knowledge_votes"), 0);
}

static void the_tally_follows_the_order_asked_for(void **context)
{
	struct state *state = state_of(context);
	char *ids[] = {(char *)"b", (char *)"none", (char *)"a", (char *)"b", NULL};
	char *none[] = {NULL};
	cast(state, "a", "u", 1);
	cast(state, "a", "v", 1);
	cast(state, "a", "w", -1);
	cast(state, "b", "u", -1);
	cast(state, "c", "u", 1);
	g_autoptr(GPtrArray) tallies = knowledge_votes_tally(state, ids, NULL);
	assert_int_equal(tallies->len, 4);
	assert_tally(tallies, 0, "b", 0, 1);
	assert_tally(tallies, 1, "none", 0, 0);
	assert_tally(tallies, 2, "a", 2, 1);
	assert_tally(tallies, 3, "b", 0, 1);
	g_autoptr(GPtrArray) nothing = knowledge_votes_tally(state, none, NULL);
	assert_int_equal(nothing->len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_user_has_one_vote_for_an_item),
		STATE_TEST(zero_takes_a_vote_back),
		STATE_TEST(other_numbers_are_refused),
		STATE_TEST(the_tally_follows_the_order_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
