/* The table `table_requests`. */
#include "state/table_requests.h"

#include "base/error.h"
#include "state/group_members.h"
#include "state/groups.h"
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

static bool decide(struct duck_connection *connection, const char *id, const char *status,
		   const char *decided_by, const char *answer, GError **error)
{
	int64_t changed = duck_change(
		connection, error,
		"UPDATE table_requests SET status = ?, decided_at = ?, decided_by = ?, "
		"answer = ? WHERE id = ? AND status = ?",
		"stssss", status, g_get_real_time(), decided_by, answer, id, TABLE_REQUEST_PENDING);
	if (changed != 0)
		return changed > 0;
	g_autoptr(table_request_record) found = record_find(connection, error, &table_request_type,
							    "WHERE id = ?", "s", id);
	if (found)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT, "the request was %s already",
			    found->status);
	return false;
}

bool table_requests_decide(struct state *state, const char *id, const char *status,
			   const char *decided_by, const char *answer, GError **error)
{
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       decide(session.connection, id, status, decided_by, answer, error);
}

/* A conflict would end the transaction: so what could be one is asked for. */
static struct grant *grant_table(struct duck_connection *connection,
				 const struct table_approval *approval, bool *granted,
				 GError **error)
{
	g_autoptr(group_record) group = record_find(connection, error, &group_type, "WHERE id = ?",
						    "s", approval->group_id);
	if (!group)
		return NULL;
	g_autoptr(GPtrArray)
		there = record_query(connection, error, &grant_type,
				     "WHERE group_id = ? AND resource_type = ? AND resource_id = ?",
				     "sss", approval->group_id, GRANTS_TABLE, approval->table_id);
	if (!there)
		return NULL;
	*granted = there->len == 0;
	return *granted ? grants_insert(connection, approval->group_id, GRANTS_TABLE,
					approval->table_id, approval->decided_by, error)
			: g_ptr_array_steal_index(there, 0);
}

bool table_requests_approve(struct state *state, const struct table_approval *approval,
			    struct table_approved *approved, GError **error)
{
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	*approved = (struct table_approved){0};
	if (!state_session_begin(&session, state, STATE_WRITE, error) ||
	    !duck_transaction_begin(&transaction, session.connection, error))
		return false;
	struct duck_connection *connection = session.connection;
	g_autoptr(table_request_record) request = record_find(
		connection, error, &table_request_type, "WHERE id = ?", "s", approval->id);
	if (!request || !decide(connection, approval->id, TABLE_REQUEST_APPROVED,
				approval->decided_by, approval->answer, error))
		return false;
	g_autoptr(grant_record)
		grant = grant_table(connection, approval, &approved->granted, error);
	if (!grant ||
	    !group_members_insert(connection, request->user_id, approval->group_id, MEMBER_ADMIN,
				  approval->decided_by, &approved->joined, error) ||
	    !duck_transaction_commit(&transaction, error))
		return false;
	approved->grant = g_steal_pointer(&grant);
	return true;
}
