/*
 * The folder in which an analyst works. Everything below it is opened by descriptors that cannot
 * leave it, whatever a manifest or a planted symlink says.
 *
 *	server/parquet/NAME.parquet		the tables, by `da sync`
 *	server/sync_state.json			what of them is here, see workspace/sync_state.h
 *	user/duckdb/analytics.duckdb		views over them, for `da query`
 *	user/snapshots/				by `da fetch`, see workspace/snapshots.h
 *	user/sessions/, .claude/		for `da sync --upload-only` and corporate memory
 *	data/metadata/				by `da analyst setup`
 *	data/parquet, data/duckdb		other names of the two above; folders of their own
 *where an older client set the workspace up
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define WORKSPACE_PARQUET     "server/parquet"
#define WORKSPACE_DATABASE    "user/duckdb/analytics.duckdb"
#define WORKSPACE_SNAPSHOTS   "user/snapshots"
#define WORKSPACE_SESSIONS    "user/sessions"
#define WORKSPACE_RULES	      ".claude/rules"
#define WORKSPACE_METADATA    "data/metadata"
#define WORKSPACE_OLD_PARQUET "data/parquet"
#define WORKSPACE_OLD_DUCKDB  "data/duckdb/analytics.duckdb"

struct workspace;

/* NULL: the folder of $DA_LOCAL_DIR, else the current one. It must exist. */
struct workspace *workspace_open(const char *folder, GError **error);
void workspace_free(struct workspace *workspace);
DEFINE_AUTOPTR(workspace)

/* Its absolute path, without symlinks. */
const char *workspace_root(const struct workspace *workspace);

/* The absolute path of what lies below it. */
char *workspace_path(const struct workspace *workspace, const char *below);

/* Opens a folder below it; NOT_FOUND if there is none. */
int workspace_folder(const struct workspace *workspace, const char *below, GError **error);

/* The same, but makes it and its parents (mode 0700) where they are missing. */
int workspace_make_folder(const struct workspace *workspace, const char *below, GError **error);

/* Reads a regular file of at most `limit` bytes, see files_read(). */
char *workspace_read(const struct workspace *workspace, const char *below, size_t limit,
		     size_t *size, GError **error);

/* Replaces a file (mode 0600), see files_replace_at(); makes its folder. */
bool workspace_write(const struct workspace *workspace, const char *below, const void *data,
		     size_t size, bool durable, GError **error);

/*
 * The one lock of those that change tables and views; closing the descriptor releases it. BUSY:
 * somebody else still holds it after `milliseconds`.
 */
int workspace_lock(const struct workspace *workspace, int milliseconds, GError **error);

/* Now, as the files of a workspace write it: "2026-01-31T12:00:00.000000+00:00". g_free() it. */
char *workspace_now(void);
