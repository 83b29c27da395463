/* The table `sync_runs`. */
#include "state/sync_runs.h"

#include "base/json.h"
#include "state/store.h"

#include <string.h>

static const struct record_field fields[] = {
	RECORD_FIELD(struct stored_run, id, RECORD_KEY),
	RECORD_TIME(struct stored_run, started_at, RECORD_PLAIN),
	RECORD_TIME(struct stored_run, finished_at, RECORD_PLAIN),
	RECORD_FIELD(struct stored_run, status, RECORD_PLAIN),
	RECORD_FIELD(struct stored_run, started_by, RECORD_PLAIN),
	RECORD_FIELD(struct stored_run, owed, RECORD_PLAIN),
	RECORD_FIELD(struct stored_run, report, RECORD_PLAIN),
};
const struct record_type stored_run_type = RECORD_TYPE("sync run", "sync_runs", struct stored_run,
						       fields);

bool sync_runs_begin(struct state *state, const struct stored_run *run, GError **error)
{
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       duck_transaction_begin(&transaction, session.connection, error) &&
	       duck_exec(session.connection, error,
			 "UPDATE sync_runs SET owed = NULL WHERE owed IS NOT NULL", NULL) &&
	       record_insert(session.connection, &stored_run_type, run, error) &&
	       duck_transaction_commit(&transaction, error);
}

bool sync_runs_finish(struct state *state, const struct stored_run *run, const char *replaced,
		      GError **error)
{
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       duck_transaction_begin(&transaction, session.connection, error) &&
	       (!replaced || duck_exec(session.connection, error,
				       "DELETE FROM sync_runs WHERE id = ?", "s", replaced)) &&
	       record_upsert(session.connection, &stored_run_type, run, error) &&
	       duck_transaction_commit(&transaction, error);
}

int64_t sync_runs_mark_interrupted(struct state *state, GError **error)
{
	return store_change(state, error,
			    "UPDATE sync_runs SET status = ?, finished_at = ? WHERE status = ?",
			    "sts", SYNC_RUN_INTERRUPTED, g_get_real_time(), SYNC_RUN_RUNNING);
}

static void add_names(GHashTable *names, const char *list)
{
	size_t index;
	const json_t *name;
	g_autoptr(json_t) parsed = json_parse(list, strlen(list), "owed tables", NULL);
	json_array_foreach(parsed, index, name)
	{
		if (json_is_string(name))
			g_hash_table_add(names, g_strdup(json_string_value(name)));
	}
}

GHashTable *sync_runs_owed(struct state *state, GError **error)
{
	g_autoptr(GPtrArray)
		runs = store_query(state, error, &stored_run_type, "WHERE owed IS NOT NULL", NULL);
	if (!runs)
		return NULL;
	GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < runs->len; i++) {
		const struct stored_run *run = g_ptr_array_index(runs, i);
		add_names(names, run->owed);
	}
	return names;
}

GPtrArray *sync_runs_list(struct state *state, int64_t limit, GError **error)
{
	return store_query(state, error, &stored_run_type,
			   "ORDER BY started_at DESC, rowid DESC LIMIT ?", "i", limit);
}

int64_t sync_runs_trim(struct state *state, int64_t before, GError **error)
{
	return store_change(state, error,
			    "DELETE FROM sync_runs WHERE finished_at < ? AND owed IS NULL", "t",
			    before);
}
