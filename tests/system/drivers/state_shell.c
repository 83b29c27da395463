/*
 * Opens a state and does what standard input says, a line a command:
 *
 *	read SQL	the first value of the first row, as a number
 *	write SQL	run for its effect
 *	backup		keeping 2
 *	load		writes for ever, printing what was committed
 *
 * Answers "ok NUMBER" or "error NAME MESSAGE".
 */
#include "duck/query.h"
#include "error_name.h"
#include "state/backup.h"
#include "state/state.h"

#include <stdio.h>
#include <string.h>

static bool run_sql(struct state *state, enum state_access access, const char *sql, int64_t *number,
		    GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, access, error))
		return false;
	g_autoptr(duck_rows) rows = duck_query(session.connection, error, sql, NULL);
	if (rows && access == STATE_READ && duck_rows_next(rows))
		*number = duck_rows_int(rows, 0);
	return rows != NULL;
}

static bool insert_all(struct duck_connection *connection, const char *id, GError **error)
{
	g_auto(duck_transaction) transaction = {0};
	return duck_transaction_begin(&transaction, connection, error) &&
	       duck_exec(connection, error, "INSERT INTO users (id, email) VALUES (?, ?)", "ss", id,
			 id) &&
	       duck_exec(connection, error,
			 "INSERT INTO user_group_members (user_id, group_id, source) "
			 "SELECT ?, id, 'admin' FROM user_groups",
			 "s", id) &&
	       duck_exec(connection, error,
			 "INSERT INTO sync_history (id, table_id, synced_at) "
			 "VALUES (?, 'orders', current_timestamp)",
			 "s", id) &&
	       duck_transaction_commit(&transaction, error);
}

/* Inserts, updates through keys, upserts and deletions, with a checkpoint now and then. */
static bool write_one(struct state *state, const char *run, int i, GError **error)
{
	g_autofree char *id = g_strdup_printf("%s-%d", run, i);
	g_autofree char *last = g_strdup_printf("%s-%d", run, i - 1);
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error) ||
	    !insert_all(session.connection, id, error) ||
	    !duck_exec(session.connection, error,
		       "UPDATE users SET name = id, updated_at = current_timestamp WHERE id = ?",
		       "s", last) ||
	    !duck_exec(session.connection, error,
		       "INSERT INTO sync_state (table_id, rows) VALUES (?, ?) "
		       "ON CONFLICT (table_id) DO UPDATE SET rows = excluded.rows",
		       "si", i % 2 ? "orders" : run, (int64_t)i))
		return false;
	if (i % 5 == 4 && !duck_exec(session.connection, error,
				     "DELETE FROM sync_history WHERE id = ?", "s", last))
		return false;
	if (i % 40 == 39 && !duck_exec(session.connection, error, "CHECKPOINT", NULL))
		return false;
	printf("%s\n", id);
	fflush(stdout);
	return true;
}

static bool load(struct state *state, const char *run, GError **error)
{
	for (int i = 0;; i++) {
		if (!write_one(state, run, i, error))
			return false;
	}
}

static bool obey(struct state *state, const char *line, int64_t *number, GError **error)
{
	if (g_str_has_prefix(line, "read "))
		return run_sql(state, STATE_READ, line + strlen("read "), number, error);
	if (g_str_has_prefix(line, "write "))
		return run_sql(state, STATE_WRITE, line + strlen("write "), number, error);
	if (g_str_has_prefix(line, "load "))
		return load(state, line + strlen("load "), error);
	if (strcmp(line, "backup") == 0) {
		g_autofree char *path = backup_create(state, 2, error);
		return path != NULL;
	}
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "what is '%s'?", line);
	return false;
}

static void answer(const GError *error, int64_t number)
{
	if (error)
		printf("error %s %s\n", error_name(error), error->message);
	else
		printf("ok %" G_GINT64_FORMAT "\n", (gint64)number);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[4096];
	g_autoptr(GError) failure = NULL;
	g_autoptr(state_db) state = argc == 2 ? state_open(argv[1], NULL, &failure) : NULL;
	answer(failure, 0);
	while (state && fgets(line, sizeof line, stdin)) {
		g_autoptr(GError) error = NULL;
		int64_t number = 0;
		line[strcspn(line, "\n")] = '\0';
		obey(state, line, &number, &error);
		answer(error, number);
	}
	return state ? 0 : 1;
}
