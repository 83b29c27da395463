/* The table `verification_evidence`. */
#include "state/knowledge_evidence.h"

#include "base/error.h"
#include "state/id.h"
#include "state/store.h"

#include <string.h>

static const struct record_field fields[] = {
	RECORD_FIELD(struct knowledge_evidence, id, RECORD_KEY),
	RECORD_FIELD(struct knowledge_evidence, item_id, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_evidence, source_user, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_evidence, source_ref, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_evidence, detection_type, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_evidence, user_quote, RECORD_PLAIN),
	RECORD_TIME(struct knowledge_evidence, created_at, RECORD_PLAIN),
};
const struct record_type knowledge_evidence_type = RECORD_TYPE(
	"piece of evidence", "verification_evidence", struct knowledge_evidence, fields);

bool knowledge_evidence_insert(struct duck_connection *connection,
			       const struct knowledge_evidence *values, GError **error)
{
	g_autofree char *id = id_hex("ev_", 12);
	struct knowledge_evidence row = *values;
	row.id = id;
	row.created_at = g_get_real_time();
	if (row.user_quote && strlen(row.user_quote) > KNOWLEDGE_QUOTE_MAX) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
			    "a user's quote has %zu bytes; at most %d are kept",
			    strlen(row.user_quote), KNOWLEDGE_QUOTE_MAX);
		return false;
	}
	return record_insert(connection, &knowledge_evidence_type, &row, error);
}

GPtrArray *knowledge_evidence_list(struct state *state, const char *item_id, GError **error)
{
	return store_query(state, error, &knowledge_evidence_type,
			   "WHERE item_id = ? ORDER BY created_at, id", "s", item_id);
}
