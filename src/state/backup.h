/*
 * Rolling copies of the state: state/backups/system-<UTC stamp>.duckdb. A file bears that name only
 * after it was opened and read to the last row.
 */
#pragma once

#include "base/cleanup.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>

enum { BACKUP_KEEP = 7, BACKUP_INTERVAL_HOURS = 24 };

/*
 * Makes a backup and removes the oldest beyond `keep` (at least 1). Writers wait while the file is
 * copied. Returns its path.
 */
char *backup_create(struct state *state, unsigned keep, GError **error);

/* Whether the newest backup is older than that, or there is none. */
bool backup_is_due(const char *data_dir, unsigned hours);

/* Whether there is any, good or not. */
bool backup_exists(const char *data_dir);

/* What backup_restore() did. */
struct backup_restored {
	char *from;  /* the backup */
	char *aside; /* where the replaced file is now; NULL when there was none */
};

void backup_restored_clear(struct backup_restored *restored);
DEFINE_AUTO(backup_restored)

/*
 * Puts the newest backup that can be read in the place of the state; what was there is kept under a
 * name of its own. BUSY: a process has the state open. NOT_FOUND: there is no good backup.
 */
bool backup_restore(const char *data_dir, struct backup_restored *restored, GError **error);
