/* What a user said in a session that made, or confirmed, a knowledge item. */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum { KNOWLEDGE_QUOTE_MAX = 64 * 1024 }; /* bytes */

struct knowledge_evidence {
	const char *id, *item_id, *source_user, *source_ref;
	const char *detection_type; /* correction, confirmation or unprompted_definition */
	const char *user_quote;
	int64_t created_at;
};
DEFINE_RECORD(knowledge_evidence)
extern const struct record_type knowledge_evidence_type;

/* Adds a row inside the caller's transaction; its id and time are made here. TOO_LARGE: the quote.
 */
bool knowledge_evidence_insert(struct duck_connection *connection,
			       const struct knowledge_evidence *values, GError **error);

/* The oldest first. */
GPtrArray *knowledge_evidence_list(struct state *state, const char *item_id, GError **error);
