/* The tables `sync_state` and `sync_history`. */
#include "state/sync_state.h"

#include "state/store.h"

static const struct record_field state_fields[] = {
	RECORD_FIELD(struct sync_state, table_id, RECORD_KEY),
	RECORD_TIME(struct sync_state, last_sync, RECORD_PLAIN),
	RECORD_FIELD(struct sync_state, rows, RECORD_PLAIN),
	RECORD_FIELD(struct sync_state, file_size_bytes, RECORD_PLAIN),
	RECORD_FIELD(struct sync_state, uncompressed_size_bytes, RECORD_PLAIN),
	RECORD_FIELD(struct sync_state, columns, RECORD_PLAIN),
	RECORD_FIELD(struct sync_state, hash, RECORD_PLAIN),
	RECORD_FIELD(struct sync_state, status, RECORD_PLAIN),
	RECORD_FIELD(struct sync_state, error, RECORD_PLAIN),
};
const struct record_type sync_state_type = RECORD_TYPE("sync state", "sync_state",
						       struct sync_state, state_fields);

static const struct record_field run_fields[] = {
	RECORD_FIELD(struct sync_run, id, RECORD_KEY),
	RECORD_FIELD(struct sync_run, table_id, RECORD_PLAIN),
	RECORD_TIME(struct sync_run, synced_at, RECORD_PLAIN),
	RECORD_FIELD(struct sync_run, rows, RECORD_PLAIN),
	RECORD_FIELD(struct sync_run, duration_ms, RECORD_PLAIN),
	RECORD_FIELD(struct sync_run, status, RECORD_PLAIN),
	RECORD_FIELD(struct sync_run, error, RECORD_PLAIN),
};
const struct record_type sync_run_type = RECORD_TYPE("sync run", "sync_history", struct sync_run,
						     run_fields);

void sync_result_init(struct sync_result *result, const char *table)
{
	record_init(&sync_state_type, &result->state);
	result->state.table_id = table;
	result->duration_ms = RECORD_NO_INT;
}

static struct sync_state *new_state(const struct sync_state *values, int64_t now)
{
	struct sync_state *state = g_memdup2(values, sizeof(*values));
	if (state->last_sync == DUCK_NO_TIME)
		state->last_sync = now;
	if (state->uncompressed_size_bytes == RECORD_NO_INT)
		state->uncompressed_size_bytes = 0;
	if (state->columns == RECORD_NO_INT)
		state->columns = 0;
	if (!state->status)
		state->status = "ok";
	return state;
}

static struct sync_run *new_run(const struct sync_state *state, int64_t duration_ms, const char *id)
{
	struct sync_run *run = g_new(struct sync_run, 1);
	*run = (struct sync_run){.id = id,
				 .table_id = state->table_id,
				 .synced_at = state->last_sync,
				 .rows = state->rows,
				 .duration_ms = duration_ms,
				 .status = state->status,
				 .error = state->error};
	return run;
}

static bool write_results(struct duck_connection *connection, const GArray *results, GError **error)
{
	int64_t now = g_get_real_time();
	g_autoptr(GPtrArray) states = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < results->len; i++) {
		const struct sync_result *result = &g_array_index(results, struct sync_result, i);
		struct sync_state *state = new_state(&result->state, now);
		char *id = g_uuid_string_random();
		g_ptr_array_add(states, state);
		g_ptr_array_add(ids, id);
		g_ptr_array_add(runs, new_run(state, result->duration_ms, id));
	}
	return record_upsert_many(connection, &sync_state_type, states, error) &&
	       record_insert_many(connection, &sync_run_type, runs, error);
}

bool sync_state_save(struct state *state, const GArray *results, GError **error)
{
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       duck_transaction_begin(&transaction, session.connection, error) &&
	       write_results(session.connection, results, error) &&
	       duck_transaction_commit(&transaction, error);
}

bool sync_state_fail(struct state *state, const char *table, const char *message, GError **error)
{
	return store_change(state, error,
			    "INSERT INTO sync_state (table_id, status, error) "
			    "VALUES (?, 'error', ?) ON CONFLICT (table_id) "
			    "DO UPDATE SET status = excluded.status, error = excluded.error",
			    "ss", table, message) >= 0;
}

static bool write_current(struct duck_connection *connection, const GArray *current, int64_t time,
			  GError **error)
{
	g_autoptr(GStrvBuilder) tables = g_strv_builder_new();
	g_autoptr(GStrvBuilder) durations = g_strv_builder_new();
	for (guint i = 0; i < current->len; i++) {
		const struct sync_current *one = &g_array_index(current, struct sync_current, i);
		g_autofree char *duration = g_strdup_printf(
			"%" G_GINT64_FORMAT, (gint64)MIN(one->duration_ms, G_MAXINT32));
		g_strv_builder_add(tables, one->table);
		g_strv_builder_add(durations, duration);
	}
	g_auto(GStrv) names = g_strv_builder_end(tables);
	g_auto(GStrv) times = g_strv_builder_end(durations);
	return current->len == 0 ||
	       (duck_change(connection, error,
			    "UPDATE sync_state SET last_sync = greatest(last_sync, ?), "
			    "status = 'ok', error = NULL WHERE table_id IN (SELECT unnest(?))",
			    "ta", time, names) >= 0 &&
		duck_change(connection, error,
			    "UPDATE sync_history SET duration_ms = took FROM "
			    "(SELECT unnest(?) AS name, unnest(?)::INTEGER AS took) "
			    "WHERE table_id = name AND took >= 0 AND duration_ms IS NULL "
			    "AND synced_at >= ?",
			    "aat", names, times, time) >= 0);
}

static bool write_failures(struct duck_connection *connection, const GArray *failures,
			   GError **error)
{
	g_autoptr(GStrvBuilder) tables = g_strv_builder_new();
	g_autoptr(GStrvBuilder) messages = g_strv_builder_new();
	for (guint i = 0; i < failures->len; i++) {
		const struct sync_failure *failure = &g_array_index(failures, struct sync_failure,
								    i);
		g_strv_builder_add(tables, failure->table);
		g_strv_builder_add(messages, failure->message);
	}
	g_auto(GStrv) names = g_strv_builder_end(tables);
	g_auto(GStrv) texts = g_strv_builder_end(messages);
	return failures->len == 0 ||
	       duck_change(connection, error,
			   "INSERT INTO sync_state (table_id, status, error) "
			   "SELECT unnest(?), 'error', unnest(?) ON CONFLICT (table_id) "
			   "DO UPDATE SET status = excluded.status, error = excluded.error",
			   "aa", names, texts) >= 0;
}

bool sync_state_settle(struct state *state, const GArray *current, int64_t time,
		       const GArray *failures, GError **error)
{
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       duck_transaction_begin(&transaction, session.connection, error) &&
	       write_current(session.connection, current, time, error) &&
	       write_failures(session.connection, failures, error) &&
	       duck_transaction_commit(&transaction, error);
}

bool sync_state_clear_error(struct state *state, const char *table, GError **error)
{
	return store_change(state, error,
			    "UPDATE sync_state SET status = 'ok', error = '' "
			    "WHERE table_id = ? AND status = 'error'",
			    "s", table) >= 0;
}

GPtrArray *sync_state_list(struct state *state, GError **error)
{
	return store_query(state, error, &sync_state_type, "ORDER BY table_id", NULL);
}

struct sync_state *sync_state_find(struct state *state, const char *table, GError **error)
{
	return store_find(state, error, &sync_state_type, "WHERE table_id = ?", "s", table);
}

GPtrArray *sync_history_list(struct state *state, const char *table, int64_t limit, GError **error)
{
	return store_query(state, error, &sync_run_type,
			   "WHERE table_id = ? ORDER BY synced_at DESC, rowid DESC LIMIT ?", "si",
			   table, limit > 0 ? limit : (int64_t)SYNC_HISTORY_LIMIT);
}

GPtrArray *sync_history_search(struct state *state, const struct sync_history_filter *filter,
			       GError **error)
{
	return store_query(state, error, &sync_run_type,
			   "WHERE (?::VARCHAR[] IS NULL OR list_contains(?, table_id)) "
			   "AND (?::VARCHAR IS NULL OR status = ?) "
			   "AND (?::TIMESTAMP IS NULL OR synced_at >= ?) "
			   "ORDER BY synced_at DESC, rowid DESC LIMIT ?",
			   "aasstti", filter->tables, filter->tables, filter->status,
			   filter->status, filter->since, filter->since, filter->limit);
}

int64_t sync_history_trim(struct state *state, int64_t before, GError **error)
{
	return store_change(state, error,
			    "DELETE FROM sync_history WHERE synced_at < ? AND id NOT IN "
			    "(SELECT arg_max(id, synced_at) FROM sync_history GROUP BY table_id)",
			    "t", before);
}
