/* The table `knowledge_votes`. */
#include "state/knowledge_votes.h"

#include "base/error.h"
#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct knowledge_vote, item_id, RECORD_KEY),
	RECORD_FIELD(struct knowledge_vote, user_id, RECORD_KEY),
	RECORD_FIELD(struct knowledge_vote, vote, RECORD_PLAIN),
	RECORD_TIME(struct knowledge_vote, voted_at, RECORD_PLAIN),
};
const struct record_type knowledge_vote_type = RECORD_TYPE("vote", "knowledge_votes",
							   struct knowledge_vote, fields);

static const struct record_field tally_fields[] = {
	RECORD_FIELD(struct knowledge_tally, item_id, RECORD_KEY),
	RECORD_FIELD(struct knowledge_tally, upvotes, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_tally, downvotes, RECORD_PLAIN),
};
const struct record_type knowledge_tally_type = RECORD_TYPE(
	"tally of votes",
	"(SELECT item_id, position, count(*) FILTER (vote > 0) AS upvotes, "
	"count(*) FILTER (vote < 0) AS downvotes "
	"FROM unnest(?::VARCHAR[]) WITH ORDINALITY AS wanted(item_id, position) "
	"LEFT JOIN knowledge_votes USING (item_id) GROUP BY item_id, position)",
	struct knowledge_tally, tally_fields);

bool knowledge_votes_cast(struct state *state, const char *item_id, const char *user_id,
			  int64_t vote, GError **error)
{
	struct knowledge_vote row = {item_id, user_id, vote, g_get_real_time()};
	if (vote < -1 || vote > 1) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "a vote is 1, -1, or 0 to take it back");
		return false;
	}
	if (vote != 0)
		return store_upsert(state, &knowledge_vote_type, &row, error);
	return store_change(state, error,
			    "DELETE FROM knowledge_votes WHERE item_id = ? AND user_id = ?", "ss",
			    item_id, user_id) >= 0;
}

GPtrArray *knowledge_votes_of_user(struct state *state, const char *user_id, GError **error)
{
	return store_query(state, error, &knowledge_vote_type, "WHERE user_id = ? ORDER BY item_id",
			   "s", user_id);
}

GPtrArray *knowledge_votes_tally(struct state *state, char **item_ids, GError **error)
{
	return store_query(state, error, &knowledge_tally_type, "ORDER BY position", "a", item_ids);
}
