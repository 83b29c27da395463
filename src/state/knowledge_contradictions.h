/* Pairs of knowledge items that say incompatible things, until an administrator judges them. */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	KNOWLEDGE_CONTRADICTIONS = 100,		 /* in a list, and candidates for one judgment */
	KNOWLEDGE_EXPLANATION_MAX = 1024 * 1024, /* bytes; and of a suggested resolution */
};

/* How a contradiction may be resolved; ends with NULL. */
extern const char *const knowledge_contradiction_resolutions[];

struct knowledge_contradiction {
	const char *id, *item_a_id, *item_b_id, *explanation;
	const char *severity;		  /* hard, soft or NULL */
	const char *suggested_resolution; /* plain text, or the text of a JSON object */
	enum record_flag resolved;	  /* unset counts as false */
	const char *resolved_by;
	int64_t resolved_at;
	const char *resolution;
	int64_t detected_at;
};
DEFINE_RECORD(knowledge_contradiction)
extern const struct record_type knowledge_contradiction_type;

/* Records a contradiction; id and time are made here. */
struct knowledge_contradiction *
knowledge_contradictions_create(struct state *state, const struct knowledge_contradiction *values,
				GError **error);

/* The same unless the pair, in either order, waits for its judgment already: CONFLICT then. */
struct knowledge_contradiction *
knowledge_contradictions_create_new(struct state *state,
				    const struct knowledge_contradiction *values, GError **error);

/* The newest KNOWLEDGE_CONTRADICTIONS that are resolved or not; RECORD_UNSET stands for both. */
GPtrArray *knowledge_contradictions_list(struct state *state, enum record_flag resolved,
					 GError **error);

/*
 * Resolves a contradiction, once, and returns it. NOT_FOUND: no such contradiction. CONFLICT: it is
 * resolved already. INVALID: none of the known resolutions.
 */
struct knowledge_contradiction *
knowledge_contradictions_resolve(struct state *state, const char *id, const char *resolution,
				 const char *resolved_by, GError **error);

/*
 * The newest live items that a new one may contradict: those of its domain, or of all domains when
 * it has none (NULL or empty). Personal items are never among them.
 */
GPtrArray *knowledge_contradictions_candidates(struct state *state, const char *item_id,
					       const char *domain, GError **error);

/* What record_to_json() gives, with a suggested resolution that is a JSON object decoded. */
json_t *knowledge_contradictions_to_json(const struct knowledge_contradiction *contradiction);
