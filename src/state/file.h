/*
 * The file system.duckdb: opening it, whatever its age, and copying it while it is open. Sessions
 * over it are the business of state/state.h.
 */
#pragma once

#include "base/cleanup.h"
#include "duck/database.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>

/* What to do about a file that cannot be used, for the end of a message. */
#define STATE_GO_BACK "'agnesd check --restore' goes back to the newest good backup"

struct state_file {
	char *path;
	struct duck_database *database;
	/*
	 * Reads the same file, for copies. Closed after the database, never before: DuckDB's lock
	 * is an fcntl() lock, which any close() of the file by this process drops.
	 */
	int descriptor;
};

/* What opening did. */
struct state_upgrade {
	bool created; /* there was no file */
	int from;     /* the version that was found */
	char *copy;   /* of the file as it was; NULL when nothing had to be changed */
};

void state_upgrade_clear(struct state_upgrade *upgrade);
DEFINE_AUTO(state_upgrade)

/* `<data_dir>/state/system.duckdb`; g_free() it. */
char *state_file_path(const char *data_dir);

/* Errors as for state_open(). `upgrade` may be NULL. */
struct state_file *state_file_open(const char *data_dir, const struct state_options *options,
				   struct state_upgrade *upgrade, GError **error);
/* Every connection must have been closed. */
void state_file_free(struct state_file *file);
DEFINE_AUTOPTR(state_file)

/*
 * A durable copy under `to` of all that was committed. Nobody may write meanwhile; the connection
 * is the writer's.
 */
bool state_file_copy(struct state_file *file, struct duck_connection *connection, const char *to,
		     GError **error);

/* NO_SPACE unless the file system has room for so many bytes more, and a reserve. */
bool state_file_check_space(const struct state_file *file, gint64 bytes, GError **error);

/*
 * Keeps every process from opening the file with DuckDB until the descriptor is closed, as any
 * descriptor of it in this process is; -1 on error. BUSY: a process has it open.
 */
int state_file_lock(const char *path, GError **error);
