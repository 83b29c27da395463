/* The table `table_requests`. */
#include "state/table_requests.h"

#include "base/error.h"
#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct table_request, id, RECORD_KEY),
	RECORD_FIELD(struct table_request, user_id, RECORD_PLAIN),
	RECORD_FIELD(struct table_request, table_name, RECORD_PLAIN),
	RECORD_FIELD(struct table_request, reason, RECORD_PLAIN),
	RECORD_FIELD(struct table_request, status, RECORD_PLAIN),
	RECORD_TIME(struct table_request, created_at, RECORD_PLAIN),
	RECORD_TIME(struct table_request, decided_at, RECORD_PLAIN),
	RECORD_FIELD(struct table_request, decided_by, RECORD_PLAIN),
	RECORD_FIELD(struct table_request, answer, RECORD_PLAIN),
};
const struct record_type table_request_type = RECORD_TYPE("request", "table_requests",
							  struct table_request, fields);

GPtrArray *table_requests_list(struct state *state, const char *user_id, const char *status,
			       GError **error)
{
	return store_query(state, error, &table_request_type,
			   "WHERE (?1 IS NULL OR user_id = ?1) AND (?2 IS NULL OR status = ?2) "
			   "ORDER BY created_at DESC, id",
			   "ss", user_id, status);
}

struct table_request *table_requests_find(struct state *state, const char *id, GError **error)
{
	return store_find(state, error, &table_request_type, "WHERE id = ?", "s", id);
}

static bool may_ask(struct duck_connection *connection, const char *user_id, const char *table_name,
		    GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		connection, error,
		"SELECT count(*), count(*) FILTER (table_name = ?) FROM table_requests "
		"WHERE user_id = ? AND status = ?",
		"sss", table_name, user_id, TABLE_REQUEST_PENDING);
	if (!rows)
		return false;
	duck_rows_next(rows);
	if (duck_rows_int(rows, 1) > 0) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
			    "you have asked for '%s' already; the request waits for an answer",
			    table_name);
		return false;
	}
	if (duck_rows_int(rows, 0) < TABLE_REQUESTS_OPEN)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
		    "you have %d requests that wait for an answer; wait for some of them first",
		    TABLE_REQUESTS_OPEN);
	return false;
}

struct table_request *table_requests_create(struct state *state, const char *user_id,
					    const char *table_name, const char *reason,
					    GError **error)
{
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	g_autofree char *id = g_uuid_string_random();
	struct table_request row;
	record_init(&table_request_type, &row);
	row.id = id;
	row.user_id = user_id;
	row.table_name = table_name;
	row.reason = reason;
	row.status = TABLE_REQUEST_PENDING;
	row.created_at = g_get_real_time();
	if (!state_session_begin(&session, state, STATE_WRITE, error) ||
	    !duck_transaction_begin(&transaction, session.connection, error) ||
	    !may_ask(session.connection, user_id, table_name, error) ||
	    !record_insert(session.connection, &table_request_type, &row, error))
		return NULL;
	g_autoptr(table_request_record) made = record_find(
		session.connection, error, &table_request_type, "WHERE id = ?", "s", id);
	return made && duck_transaction_commit(&transaction, error) ? g_steal_pointer(&made) : NULL;
}

bool table_requests_decide(struct state *state, const char *id, const char *status,
			   const char *decided_by, const char *answer, GError **error)
{
	int64_t changed = store_change(
		state, error,
		"UPDATE table_requests SET status = ?, decided_at = ?, decided_by = ?, "
		"answer = ? WHERE id = ? AND status = ?",
		"stssss", status, g_get_real_time(), decided_by, answer, id, TABLE_REQUEST_PENDING);
	if (changed != 0)
		return changed > 0;
	g_autoptr(table_request_record) found = table_requests_find(state, id, error);
	if (found)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT, "the request was %s already",
			    found->status);
	return false;
}
