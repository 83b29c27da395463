/*
 * What `da sync` remembers of a workspace: which version of which table is on disk. The file has
 * the form of the one that older clients keep for all workspaces together, with more members.
 */
#pragma once

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/workspace/workspace.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define SYNC_STATE_FILE "server/sync_state.json"

/* What tells a file from another that took its place. */
struct file_mark {
	int64_t size, mtime_ns;
	uint64_t inode;
};

/* Looks at a regular file in a folder; false when there is none. */
bool file_mark_take(int folder, const char *name, struct file_mark *mark);
bool file_mark_equal(const struct file_mark *one, const struct file_mark *other);

struct synced_table {
	char *hash; /* as the manifest said; "" for none */
	char *etag; /* of the download, or NULL */
	int64_t rows, size_bytes;
	struct file_mark mark;
	bool has_view; /* the database has a view of this very file */
};

struct sync_state {
	GHashTable *tables; /* name -> struct synced_table */
	char *server;	    /* whose tables they are; NULL: not known */
	char *root;	    /* where the workspace was when the views were made */
	char *last_sync;    /* NULL: never */
};

struct sync_state *sync_state_new(void);
void sync_state_free(struct sync_state *state);
DEFINE_AUTOPTR(sync_state)

struct synced_table *synced_table_new(const char *hash, int64_t rows, int64_t size_bytes,
				      const struct file_mark *mark);

/* The state of the workspace, an empty one if it has none. CORRUPT: the file makes no sense. */
struct sync_state *sync_state_load(const struct workspace *workspace, GError **error);

/* `durable`: see files_replace_at(). */
bool sync_state_save(const struct sync_state *state, const struct workspace *workspace,
		     bool durable, GError **error);

/* Moves a file that makes no sense out of the way, under the name SYNC_STATE_FILE ".broken". */
void sync_state_set_aside(const struct workspace *workspace);

/* Sets the time of the last sync to now. */
void sync_state_stamp(struct sync_state *state);

/* "tables" as older clients write it: {"NAME": {"hash", "rows", "size_bytes"}}. */
json_t *sync_state_tables(const struct sync_state *state);
