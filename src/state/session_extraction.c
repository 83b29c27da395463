/* The table `session_extraction_state`, and the transaction that a session's findings are. */
#include "state/session_extraction.h"

#include "base/error.h"
#include "state/knowledge_relations.h"
#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct session_extraction, session_file, RECORD_KEY),
	RECORD_FIELD(struct session_extraction, username, RECORD_KEPT),
	RECORD_TIME(struct session_extraction, processed_at, RECORD_PLAIN),
	RECORD_FIELD(struct session_extraction, items_extracted, RECORD_PLAIN),
	RECORD_FIELD(struct session_extraction, file_hash, RECORD_PLAIN),
};
const struct record_type session_extraction_type = RECORD_TYPE(
	"reading of a session", "session_extraction_state", struct session_extraction, fields);

void session_outcome_clear(struct session_outcome *outcome)
{
	g_clear_pointer(&outcome->created, g_strfreev);
}

struct session_extraction *session_extraction_find(struct state *state, const char *session_file,
						   GError **error)
{
	return store_find(state, error, &session_extraction_type, "WHERE session_file = ?", "s",
			  session_file);
}

char **session_extraction_select_unread(struct state *state, char **files, char **hashes,
					GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_READ, error))
		return NULL;
	g_autoptr(duck_rows) rows = duck_query(
		session.connection, error,
		"SELECT coalesce(list(seen.file ORDER BY position), []) "
		"FROM (SELECT unnest($1::VARCHAR[]) AS file, unnest($2::VARCHAR[]) AS hash, "
		"generate_subscripts($1::VARCHAR[], 1) AS position) AS seen "
		"LEFT JOIN session_extraction_state AS read ON read.session_file = seen.file "
		"AND read.file_hash = seen.hash WHERE read.session_file IS NULL",
		"aa", files, hashes);
	return rows && duck_rows_next(rows) ? duck_rows_list(rows, 0) : NULL;
}

static bool exists(struct duck_connection *connection, const char *id, bool *answer, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		connection, error, "SELECT 1 FROM knowledge_items WHERE id = ?", "s", id);
	*answer = rows && duck_rows_next(rows);
	return rows != NULL;
}

static bool store_finding(struct duck_connection *connection, const struct session_finding *finding,
			  GStrvBuilder *created, GError **error)
{
	bool known;
	struct knowledge_evidence evidence = finding->evidence;
	evidence.item_id = finding->item.id;
	if (!exists(connection, finding->item.id, &known, error))
		return false;
	if (!known) {
		if (!knowledge_items_insert(connection, &finding->item, error))
			return false;
		g_strv_builder_add(created, finding->item.id);
	}
	return knowledge_evidence_insert(connection, &evidence, error);
}

/* Every new item must be there before one is compared with the others. */
static bool relate(struct duck_connection *connection, struct session_outcome *outcome,
		   GError **error)
{
	for (char **id = outcome->created; *id; id++) {
		int64_t related = knowledge_relations_record_duplicates(connection, *id, error);
		if (related < 0)
			return false;
		outcome->duplicates += related;
	}
	return true;
}

static bool mark_read(struct duck_connection *connection, const struct session_extraction *reading,
		      const struct session_outcome *outcome, GError **error)
{
	struct session_extraction row = *reading;
	row.processed_at = g_get_real_time();
	row.items_extracted = g_strv_length(outcome->created);
	return record_upsert(connection, &session_extraction_type, &row, error);
}

bool session_extraction_store(struct state *state, const struct session_extraction *reading,
			      const struct session_finding *findings, size_t count,
			      struct session_outcome *outcome, GError **error)
{
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	g_autoptr(GStrvBuilder) created = g_strv_builder_new();
	if (count > SESSION_FINDINGS_MAX) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
			    "the session '%s' gave %zu findings; at most %d are stored",
			    reading->session_file, count, SESSION_FINDINGS_MAX);
		return false;
	}
	if (!state_session_begin(&session, state, STATE_WRITE, error) ||
	    !duck_transaction_begin(&transaction, session.connection, error))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!store_finding(session.connection, &findings[i], created, error))
			return false;
	}
	outcome->created = g_strv_builder_end(created);
	return relate(session.connection, outcome, error) &&
	       mark_read(session.connection, reading, outcome, error) &&
	       duck_transaction_commit(&transaction, error);
}

int64_t session_extraction_reset(struct state *state, GError **error)
{
	return store_change(state, error, "DELETE FROM session_extraction_state", NULL);
}
