/*
 * The runs of the synchronisation (`sync_runs`): when each ran, what it came to, and which tables
 * it still owed when it was cut off. A table of ours; other programs pass it over.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define SYNC_RUN_RUNNING     "running"
#define SYNC_RUN_DONE	     "done"	   /* no table failed */
#define SYNC_RUN_PARTIAL     "partial"	   /* some did */
#define SYNC_RUN_FAILED	     "failed"	   /* all did */
#define SYNC_RUN_INTERRUPTED "interrupted" /* the server ended before it did */

struct stored_run {
	const char *id;
	int64_t started_at, finished_at;
	const char *status;
	const char *started_by; /* the id of a user, or NULL */
	const char *owed;	/* names of tables as a JSON array, or NULL: none */
	const char *report;	/* JSON, or NULL */
};
DEFINE_RECORD(stored_run)
extern const struct record_type stored_run_type;

/* Records that a run begins; what earlier ones still owed is this one's from now on. */
bool sync_runs_begin(struct state *state, const struct stored_run *run, GError **error);

/* Writes the row whole, whether it is there since sync_runs_begin() or not. The run of the id
 * `replaced`, if it is not NULL, is forgotten. */
bool sync_runs_finish(struct state *state, const struct stored_run *run, const char *replaced,
		      GError **error);

/* Marks the runs that nobody works on any more, because their server died: how many, -1 on error.
 */
int64_t sync_runs_mark_interrupted(struct state *state, GError **error);

/* Names of the tables that runs which were cut off still owe: a set. */
GHashTable *sync_runs_owed(struct state *state, GError **error);

/* Newest first. */
GPtrArray *sync_runs_list(struct state *state, int64_t limit, GError **error);

/* Deletes what ended before then and owes nothing: how many, -1 on error. */
int64_t sync_runs_trim(struct state *state, int64_t before, GError **error);
