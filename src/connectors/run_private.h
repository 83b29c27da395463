/* What the files of a run share: its tally and its voice. */
#pragma once

#include "connectors/run.h"

struct connector_run_private {
	enum connector_purpose purpose;
	json_t *rows; /* as given, all of them */
	char *memory_limit;
	gint64 started;
	bool staged; /* something waits for the commit */
	json_t *errors;
	GHashTable *ended; /* names of tables → 1 done, 0 failed */
	int extracted, failed;

	GMutex lock; /* of all below */
	int output;
	char *table; /* the current one */
	struct duck_connection *watched;
	bool cancelled;
	bool over;
	GCond wake;
	GThread *ticker;
};

struct connector_run_private *run_private_new(enum connector_purpose purpose, json_t *rows,
					      int output);
void run_private_free(struct connector_run_private *private);

/* Each writes its event. */
void run_start_table(struct connector_run *run, const char *table);
void run_finish_table(struct connector_run *run, const char *table,
		      const struct connector_outcome *outcome, gint64 milliseconds);
void run_fail(struct connector_run *run, const char *table, const char *message, bool transient);

/* An error of no single table. */
void run_error(struct connector_run *run, const char *table, const char *message, bool transient);

/* Whether the table was done or failed. */
bool run_has_ended(const struct connector_run *run, const char *table);

/* The commit failed: what was done is not. */
void run_fail_all(struct connector_run *run, const char *message, bool transient);

json_t *run_result(const struct connector_run *run);
