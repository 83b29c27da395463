/*
 * Snapshots: results of `da fetch` kept as NAME.parquet with a sidecar NAME.meta.json. The sidecar
 * has twelve members, no more and no fewer, because older clients read it so; where it is, the
 * snapshot is.
 */
#pragma once

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/workspace/workspace.h"

#include <glib.h>
#include <stdbool.h>

enum { SNAPSHOT_HASHED_BYTES = 1000 * 1000 }; /* what result_hash_md5 covers */

/* Names are identifiers, because views are called like them. */
bool snapshot_name_is_valid(const char *name);

/* Waits as long as it takes; closing the descriptor releases the lock. */
int snapshots_lock(const struct workspace *workspace, GError **error);

/* The sidecar. NOT_FOUND: no such snapshot. CORRUPT: the sidecar is not one. */
json_t *snapshot_read(const struct workspace *workspace, const char *name, GError **error);

/* The sidecars of all, by name; broken ones are left out. Empty when there is no folder. */
GPtrArray *snapshots_list(const struct workspace *workspace);

/*
 * With the lock held: makes the file `temporary` of the folder the data of the snapshot, and writes
 * the sidecar, whose `bytes_local` and `result_hash_md5` it sets from the file.
 */
bool snapshot_install(const struct workspace *workspace, const char *temporary, json_t *sidecar,
		      GError **error);

/* With the lock held: removes both files. */
bool snapshot_remove(const struct workspace *workspace, const char *name, GError **error);

/* When it was fetched, in seconds since 1970; false if that cannot be read. */
bool snapshot_time(const json_t *sidecar, gint64 *seconds);
