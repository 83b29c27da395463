/* The table `table_registry`. */
#include "state/registry.h"

#include "base/error.h"
#include "duck/sql.h"
#include "state/grants.h"
#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct registered_table, id, RECORD_KEY),
	RECORD_FIELD(struct registered_table, name, RECORD_PLAIN),
	RECORD_FIELD(struct registered_table, source_type, RECORD_PLAIN),
	RECORD_FIELD(struct registered_table, bucket, RECORD_PLAIN),
	RECORD_FIELD(struct registered_table, source_table, RECORD_PLAIN),
	RECORD_FIELD(struct registered_table, source_query, RECORD_PLAIN),
	RECORD_FIELD(struct registered_table, sync_strategy, RECORD_PLAIN),
	RECORD_FIELD(struct registered_table, query_mode, RECORD_PLAIN),
	RECORD_FIELD(struct registered_table, sync_schedule, RECORD_PLAIN),
	RECORD_FIELD(struct registered_table, profile_after_sync, RECORD_PLAIN),
	RECORD_FIELD(struct registered_table, primary_key, RECORD_PLAIN),
	RECORD_FIELD(struct registered_table, folder, RECORD_PLAIN),
	RECORD_FIELD(struct registered_table, description, RECORD_PLAIN),
	RECORD_FIELD(struct registered_table, registered_by, RECORD_KEPT),
	RECORD_TIME(struct registered_table, registered_at, RECORD_PLAIN),
};
const struct record_type registered_table_type = RECORD_TYPE("table", "table_registry",
							     struct registered_table, fields);

GPtrArray *registry_list(struct state *state, GError **error)
{
	return store_query(state, error, &registered_table_type, "ORDER BY name", NULL);
}

GPtrArray *registry_list_of_source(struct state *state, const char *source_type, GError **error)
{
	return store_query(state, error, &registered_table_type,
			   "WHERE source_type = ? ORDER BY name", "s", source_type);
}

GPtrArray *registry_list_local(struct state *state, const char *source_type, GError **error)
{
	return store_query(state, error, &registered_table_type,
			   "WHERE query_mode = 'local' AND (?::VARCHAR IS NULL OR source_type = ?) "
			   "ORDER BY name",
			   "ss", source_type, source_type);
}

struct registered_table *registry_find(struct state *state, const char *id, GError **error)
{
	return store_find(state, error, &registered_table_type, "WHERE id = ?", "s", id);
}

struct registered_table *registry_find_by_name(struct state *state, const char *name,
					       GError **error)
{
	return store_find(state, error, &registered_table_type, "WHERE name = ?", "s", name);
}

/* Views are told apart without regard to case, and so are the names that they get. */
static bool check_name_free(struct duck_connection *connection, const char *id, const char *name,
			    GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		connection, error,
		"SELECT id FROM table_registry WHERE lower(name) = lower(?) AND id <> ?", "ss",
		name, id);
	if (!rows)
		return false;
	if (!duck_rows_next(rows))
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
		    "View name '%s' is already in use by table id '%s'", name,
		    duck_rows_text(rows, 0));
	return false;
}

static bool check_id_free(struct duck_connection *connection, const char *id, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		connection, error, "SELECT 1 FROM table_registry WHERE id = ?", "s", id);
	if (!rows)
		return false;
	if (!duck_rows_next(rows))
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT, "Table '%s' already registered", id);
	return false;
}

bool registry_register(struct state *state, const struct registered_table *values, GError **error)
{
	struct registered_table table = *values;
	if (!table.query_mode)
		table.query_mode = "local";
	if (table.profile_after_sync == RECORD_UNSET)
		table.profile_after_sync = RECORD_TRUE;
	table.registered_at = g_get_real_time();
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       check_id_free(session.connection, table.id, error) &&
	       check_name_free(session.connection, table.id, table.name, error) &&
	       record_insert(session.connection, &registered_table_type, &table, error);
}

bool registry_register_all(struct state *state, const GPtrArray *tables, GError **error)
{
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       record_insert_many(session.connection, &registered_table_type, tables, error);
}

static bool forget_old_name(struct duck_connection *connection,
			    const struct registered_table *table, GError **error)
{
	static const char old_name[] =
		"(SELECT name FROM table_registry WHERE id = ? AND name <> ?)";
	static const char *const changes[] = {
		"DELETE FROM sync_state WHERE table_id IN ",
		"DELETE FROM table_profiles WHERE table_id IN ",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
		g_autofree char *sql = g_strconcat(changes[i], old_name, NULL);
		if (!duck_exec(connection, error, sql, "ss", table->id, table->name))
			return false;
	}
	g_autofree char *move = g_strconcat(
		"UPDATE sync_history SET table_id = ? WHERE table_id IN ", old_name, NULL);
	return duck_exec(connection, error, move, "sss", table->name, table->id, table->name);
}

bool registry_save(struct state *state, const struct registered_table *values, GError **error)
{
	struct registered_table table = *values;
	if (table.registered_at == DUCK_NO_TIME)
		table.registered_at = g_get_real_time();
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       duck_transaction_begin(&transaction, session.connection, error) &&
	       check_name_free(session.connection, table.id, table.name, error) &&
	       forget_old_name(session.connection, &table, error) &&
	       record_upsert(session.connection, &registered_table_type, &table, error) &&
	       duck_transaction_commit(&transaction, error);
}

static bool delete_what_hangs_on(struct duck_connection *connection, const char *id, GError **error)
{
	static const char *const by_name[] = {"sync_state", "sync_history"};
	for (size_t i = 0; i < G_N_ELEMENTS(by_name); i++) {
		g_autofree char *sql = duck_sql("DELETE FROM %I WHERE table_id IN "
						"(SELECT name FROM table_registry WHERE id = ?)",
						by_name[i]);
		if (!duck_exec(connection, error, sql, "s", id))
			return false;
	}
	return duck_exec(connection, error,
			 "DELETE FROM resource_grants WHERE resource_type = ? AND resource_id = ?",
			 "ss", GRANTS_TABLE, id);
}

bool registry_delete(struct state *state, const char *id, GError **error)
{
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       duck_transaction_begin(&transaction, session.connection, error) &&
	       delete_what_hangs_on(session.connection, id, error) &&
	       record_delete(session.connection, error, &registered_table_type, "WHERE id = ?", "s",
			     id) &&
	       duck_transaction_commit(&transaction, error);
}
