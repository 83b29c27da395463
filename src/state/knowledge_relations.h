/*
 * Pairs of knowledge items that may say the same, found by the entities that they share, until an
 * administrator judges them. A pair stands once, the smaller id first.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	KNOWLEDGE_RELATIONS = 100,	  /* in a list, unless the caller says otherwise */
	KNOWLEDGE_RELATIONS_MAX = 10000,  /* a higher limit counts as this */
	KNOWLEDGE_DUPLICATES = 100,	  /* candidates of one item, the most alike */
	KNOWLEDGE_DUPLICATES_OVERLAP = 2, /* entities that two items share at least */
};

#define KNOWLEDGE_LIKELY_DUPLICATE "likely_duplicate"

/* How a pair may be judged; ends with NULL. */
extern const char *const knowledge_relation_resolutions[];

struct knowledge_relation {
	const char *item_a_id, *item_b_id, *relation_type;
	double score;
	enum record_flag resolved; /* unset counts as false */
	const char *resolved_by;
	int64_t resolved_at;
	const char *resolution;
	int64_t created_at;
};
DEFINE_RECORD(knowledge_relation)
extern const struct record_type knowledge_relation_type;

struct knowledge_duplicate {
	const char *item_id;
	int64_t overlap_count; /* entities in both */
	double jaccard;	       /* that number by the number of entities in either */
};
DEFINE_RECORD(knowledge_duplicate)
extern const struct record_type knowledge_duplicate_type;

/*
 * Relates two items, in any order. 1: done; 0: they are related so already, and the first score
 * stays; -1: error. INVALID: an item and itself.
 */
int knowledge_relations_add(struct state *state, const char *item_id, const char *other_id,
			    const char *relation_type, double score, GError **error);

/* The newest first; both states for RECORD_UNSET, KNOWLEDGE_RELATIONS for a limit of 0. */
GPtrArray *knowledge_relations_list(struct state *state, const char *relation_type,
				    enum record_flag resolved, int64_t limit, GError **error);

/*
 * Judges a pair, in any order, once, and returns it. INVALID: none of the known resolutions.
 * NOT_FOUND: they are not related so. CONFLICT: judged already.
 */
struct knowledge_relation *knowledge_relations_resolve(struct state *state, const char *item_id,
						       const char *other_id,
						       const char *relation_type,
						       const char *resolution,
						       const char *resolved_by, GError **error);

/*
 * The live items of the item's domain that share enough entities with it, the most alike first.
 * None when it has no domain or no entities.
 */
GPtrArray *knowledge_relations_find_duplicates(struct state *state, const char *item_id,
					       GError **error);

/*
 * Relates the item to each of them as likely duplicates, inside the caller's transaction. Returns
 * how many relations are new, -1 on error.
 */
int64_t knowledge_relations_record_duplicates(struct duck_connection *connection,
					      const char *item_id, GError **error);
