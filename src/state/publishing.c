/* Bulk statements: lists travel as one JSON parameter, because thousands of rows are usual here. */
#include "state/publishing.h"

#include "base/json.h"
#include "duck/query.h"

/* What a registered query is extracted from, unless it says otherwise. */
#define DEFAULT_MATERIALIZED_SOURCE "bigquery"

static GHashTable *query_pairs(struct state *state, const char *sql, GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_READ, error))
		return NULL;
	g_autoptr(duck_rows) rows = duck_query(session.connection, error, sql, NULL);
	if (!rows)
		return NULL;
	GHashTable *pairs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	while (duck_rows_next(rows))
		g_hash_table_replace(pairs, g_strdup(duck_rows_text(rows, 0)),
				     g_strdup(duck_rows_text(rows, 1)));
	return pairs;
}

GHashTable *publishing_owners(struct state *state, GError **error)
{
	return query_pairs(state,
			   "SELECT view_name, source_name FROM view_ownership QUALIFY "
			   "row_number() OVER (PARTITION BY lower(view_name) "
			   "ORDER BY source_name, view_name) = 1",
			   error);
}

GHashTable *publishing_hashes(struct state *state, GError **error)
{
	return query_pairs(state, "SELECT table_id, coalesce(hash, '') FROM sync_state", error);
}

bool publishing_save_owners(struct state *state, const GPtrArray *released, GHashTable *claimed,
			    GError **error)
{
	if (released->len == 0 && g_hash_table_size(claimed) == 0)
		return true;
	g_autoptr(json_t) names = json_array();
	g_autoptr(json_t) pairs = json_array();
	GHashTableIter iter;
	gpointer name, source;
	for (guint i = 0; i < released->len; i++)
		json_array_append_new(names, json_string(g_ptr_array_index(released, i)));
	g_hash_table_iter_init(&iter, claimed);
	while (g_hash_table_iter_next(&iter, &name, &source))
		json_array_append_new(pairs, json_pack("{ss ss}", "name", name, "source", source));
	g_autofree char *gone = json_to_text(names);
	g_autofree char *new = json_to_text(pairs);
	g_auto(state_session) session = {0};
	/* One by one: DuckDB refuses to insert a key that the same transaction deleted. */
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       duck_exec(session.connection, error,
			 "DELETE FROM view_ownership WHERE lower(view_name) IN "
			 "(SELECT lower(unnest(from_json(?::JSON, '[\"VARCHAR\"]'))))",
			 "s", gone) &&
	       duck_exec(session.connection, error,
			 "INSERT INTO view_ownership (view_name, source_name, registered_at) "
			 "SELECT name, source, now()::TIMESTAMP FROM (SELECT unnest(from_json("
			 "?::JSON, '[{\"name\":\"VARCHAR\",\"source\":\"VARCHAR\"}]'), "
			 "recursive := true))",
			 "s", new);
}

static char *records_text(const GArray *records)
{
	g_autoptr(json_t) list = json_array();
	for (guint i = 0; i < records->len; i++) {
		const struct publishing_record *record = &g_array_index(
			records, struct publishing_record, i);
		json_array_append_new(list, json_pack("{ss sI sI sI si ss}", "id", record->table,
						      "stamp", (json_int_t)record->synced_at, "n",
						      (json_int_t)record->rows, "size",
						      (json_int_t)record->size_bytes, "columns",
						      record->columns, "hash", record->hash));
	}
	return json_to_text(list);
}

#define NEW_RECORDS                                                                              \
	"FROM (SELECT unnest(from_json(?::JSON, '[{\"id\":\"VARCHAR\",\"stamp\":\"BIGINT\","     \
	"\"n\":\"BIGINT\",\"size\":\"BIGINT\",\"columns\":\"INTEGER\",\"hash\":\"VARCHAR\"}]')," \
	" recursive := true))"

bool publishing_record_all(struct state *state, const GArray *records, GError **error)
{
	if (records->len == 0)
		return true;
	g_autofree char *text = records_text(records);
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       duck_transaction_begin(&transaction, session.connection, error) &&
	       duck_exec(session.connection, error,
			 "INSERT INTO sync_state (table_id, last_sync, rows, file_size_bytes, "
			 "uncompressed_size_bytes, columns, hash, status, error) "
			 "SELECT id, make_timestamp(stamp), n, size, 0, columns, hash, 'ok', "
			 "NULL " NEW_RECORDS " ON CONFLICT (table_id) DO UPDATE SET "
			 "last_sync = excluded.last_sync, rows = excluded.rows, "
			 "file_size_bytes = excluded.file_size_bytes, uncompressed_size_bytes = 0, "
			 "columns = excluded.columns, hash = excluded.hash, status = 'ok', "
			 "error = NULL",
			 "s", text) &&
	       duck_exec(session.connection, error,
			 "INSERT INTO sync_history (id, table_id, synced_at, rows, status) "
			 "SELECT gen_random_uuid()::VARCHAR, id, make_timestamp(stamp), n, "
			 "'ok' " NEW_RECORDS,
			 "s", text) &&
	       duck_transaction_commit(&transaction, error);
}

static void free_names(gpointer names)
{
	g_ptr_array_unref(names);
}

GHashTable *publishing_materialized(struct state *state, GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_READ, error))
		return NULL;
	g_autoptr(duck_rows) rows = duck_query(
		session.connection, error,
		"SELECT coalesce(nullif(source_type, ''), '" DEFAULT_MATERIALIZED_SOURCE
		"'), name FROM table_registry WHERE query_mode = 'materialized' ORDER BY ALL",
		NULL);
	if (!rows)
		return NULL;
	GHashTable *sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_names);
	while (duck_rows_next(rows)) {
		const char *source = duck_rows_text(rows, 0);
		GPtrArray *names = g_hash_table_lookup(sources, source);
		if (!names) {
			names = g_ptr_array_new_with_free_func(g_free);
			g_hash_table_replace(sources, g_strdup(source), names);
		}
		g_ptr_array_add(names, g_strdup(duck_rows_text(rows, 1)));
	}
	return sources;
}
