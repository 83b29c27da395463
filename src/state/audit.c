/* The table `audit_log`. */
#include "state/audit.h"

#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct audit_entry, id, RECORD_KEY),
	RECORD_TIME(struct audit_entry, timestamp, RECORD_PLAIN),
	RECORD_FIELD(struct audit_entry, user_id, RECORD_PLAIN),
	RECORD_FIELD(struct audit_entry, action, RECORD_PLAIN),
	RECORD_FIELD(struct audit_entry, resource, RECORD_PLAIN),
	RECORD_FIELD(struct audit_entry, params, RECORD_PLAIN),
	RECORD_FIELD(struct audit_entry, result, RECORD_PLAIN),
	RECORD_FIELD(struct audit_entry, duration_ms, RECORD_PLAIN),
};
const struct record_type audit_entry_type = RECORD_TYPE("audit entry", "audit_log",
							struct audit_entry, fields);

static bool is_empty(const char *params)
{
	return params && (!*params || g_str_equal(params, "{}"));
}

static struct audit_entry *completed(const struct audit_entry *entry, const char *id, int64_t now)
{
	struct audit_entry *copy = g_memdup2(entry, sizeof(*entry));
	if (!copy->id)
		copy->id = id;
	if (copy->timestamp == DUCK_NO_TIME)
		copy->timestamp = now;
	if (is_empty(copy->params))
		copy->params = NULL;
	return copy;
}

bool audit_write(struct state *state, const GPtrArray *entries, GError **error)
{
	int64_t now = g_get_real_time();
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < entries->len; i++) {
		g_ptr_array_add(ids, g_uuid_string_random());
		g_ptr_array_add(rows, completed(entries->pdata[i], ids->pdata[i], now));
	}
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       record_insert_many(session.connection, &audit_entry_type, rows, error);
}

GPtrArray *audit_query(struct state *state, const char *user_id, const char *action, int64_t limit,
		       GError **error)
{
	return store_query(state, error, &audit_entry_type,
			   "WHERE (?::VARCHAR IS NULL OR user_id = ?) "
			   "AND action = coalesce(?, action) "
			   "ORDER BY timestamp DESC, rowid DESC LIMIT ?",
			   "sssi", user_id, user_id, action,
			   limit > 0 ? limit : (int64_t)AUDIT_QUERY_LIMIT);
}

int64_t audit_trim(struct state *state, int64_t before, GError **error)
{
	return store_change(state, error, "DELETE FROM audit_log WHERE timestamp < ?", "t", before);
}
