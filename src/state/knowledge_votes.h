/* Who found which knowledge item useful: one vote of 1 or -1 for each user and item. */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct knowledge_vote {
	const char *item_id, *user_id;
	int64_t vote, voted_at;
};
DEFINE_RECORD(knowledge_vote)
extern const struct record_type knowledge_vote_type;

struct knowledge_tally {
	const char *item_id;
	int64_t upvotes, downvotes;
};
DEFINE_RECORD(knowledge_tally)
extern const struct record_type knowledge_tally_type;

/* Sets the user's vote on the item, or takes it back when it is 0. INVALID: not -1, 0 or 1. */
bool knowledge_votes_cast(struct state *state, const char *item_id, const char *user_id,
			  int64_t vote, GError **error);

/* Ordered by item. */
GPtrArray *knowledge_votes_of_user(struct state *state, const char *user_id, GError **error);

/* A `struct knowledge_tally` for each of the ids, in their order, with or without votes. */
GPtrArray *knowledge_votes_tally(struct state *state, char **item_ids, GError **error);
