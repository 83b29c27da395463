/*
 * What the last sync of each table brought (`sync_state`) and the log of the syncs
 * (`sync_history`). Both are kept by the table's name, not its id.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct sync_state {
	const char *table_id; /* the name of the table */
	int64_t last_sync, rows, file_size_bytes, uncompressed_size_bytes, columns;
	const char *hash; /* the MD5 of the parquet file */
	const char *status, *error;
};
DEFINE_RECORD(sync_state)
extern const struct record_type sync_state_type;

struct sync_run {
	const char *id, *table_id;
	int64_t synced_at, rows, duration_ms;
	const char *status, *error;
};
DEFINE_RECORD(sync_run)
extern const struct record_type sync_run_type;

enum { SYNC_HISTORY_LIMIT = 10 };

/* A table that was written. */
struct sync_result {
	struct sync_state
		state;	     /* last_sync: the present unless given; status: "ok" unless given */
	int64_t duration_ms; /* RECORD_NO_INT when unknown */
};

/* A result of which nothing is known yet; sizes and columns that stay unknown are stored as 0. */
void sync_result_init(struct sync_result *result, const char *table);

/*
 * Records the tables that a run has written and adds each to the history: all in one transaction.
 * `results` is of struct sync_result.
 */
bool sync_state_save(struct state *state, const GArray *results, GError **error);

/* Marks a table as failing; what its last good sync brought stays. */
bool sync_state_fail(struct state *state, const char *table, const char *message, GError **error);

/* A table that a run found up to date, or brought up to date. */
struct sync_current {
	const char *table;
	int64_t duration_ms; /* that it took to extract; negative: unknown */
};

/* A table that a run could not bring up to date. */
struct sync_failure {
	const char *table, *message;
};

/*
 * What a run came to beside new versions, which sync_state_save() has recorded by then: all in one
 * transaction. The tables of `current` (struct sync_current) were up to date at `time`: they are in
 * order, their last sync is then, unless it was later, and new versions since then took that long.
 * Those of `failures` (struct sync_failure) are
 * marked as failing; what their last good sync brought stays.
 */
bool sync_state_settle(struct state *state, const GArray *current, int64_t time,
		       const GArray *failures, GError **error);

/* Takes the mark away, if there is one. */
bool sync_state_clear_error(struct state *state, const char *table, GError **error);

/* Ordered by table. */
GPtrArray *sync_state_list(struct state *state, GError **error);

/* NOT_FOUND when the table was never synced. */
struct sync_state *sync_state_find(struct state *state, const char *table, GError **error);

/* Newest first; a limit of 0 stands for SYNC_HISTORY_LIMIT. */
GPtrArray *sync_history_list(struct state *state, const char *table, int64_t limit, GError **error);

/* The same of all tables, for what is given; NULL, DUCK_NO_TIME: whatever it is. */
struct sync_history_filter {
	char **tables; /* names */
	const char *status;
	int64_t since; /* and later */
	int64_t limit;
};
GPtrArray *sync_history_search(struct state *state, const struct sync_history_filter *filter,
			       GError **error);

/* Deletes what is older than `before` and not the newest of its table: how many, -1 on error. */
int64_t sync_history_trim(struct state *state, int64_t before, GError **error);
