/*
 * Which session transcripts were read for knowledge, and what a reading found: stored whole, so
 * that a reading that breaks off leaves nothing behind and is repeated.
 */
#pragma once

#include "state/knowledge_evidence.h"
#include "state/knowledge_items.h"

enum { SESSION_FINDINGS_MAX = 1000 }; /* in one session */

struct session_extraction {
	const char *session_file; /* "<user's folder>/<file>" */
	const char *username;
	int64_t processed_at, items_extracted;
	const char *file_hash; /* MD5 */
};
DEFINE_RECORD(session_extraction)
extern const struct record_type session_extraction_type;

/* Something that a user verified; the item's id depends on what it says. */
struct session_finding {
	struct knowledge_item item;
	struct knowledge_evidence evidence; /* its item_id is not looked at */
};

struct session_outcome {
	char **created;	    /* ids of the items that are new */
	int64_t duplicates; /* relations of likely duplicates that are new */
};
void session_outcome_clear(struct session_outcome *outcome);
DEFINE_AUTO(session_outcome)

/* NOT_FOUND: it was never read. */
struct session_extraction *session_extraction_find(struct state *state, const char *session_file,
						   GError **error);

/*
 * Those of the files, in their order, that were never read or whose MD5 (at the same place of
 * `hashes`) is not what it was.
 */
char **session_extraction_select_unread(struct state *state, char **files, char **hashes,
					GError **error);

/*
 * Stores what a reading found: the items that are new, evidence for all of them, the likely
 * duplicates of the new ones, and that the file was read, now. All or nothing. TOO_LARGE: too many
 * findings, or too long a text.
 */
bool session_extraction_store(struct state *state, const struct session_extraction *reading,
			      const struct session_finding *findings, size_t count,
			      struct session_outcome *outcome, GError **error);

/* Forgets every reading: how many there were, -1 on error. */
int64_t session_extraction_reset(struct state *state, GError **error);
