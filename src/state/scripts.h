/*
 * Deployed scripts and the state of their scheduled runs. A run is claimed before it starts, so
 * that no script runs twice at once however many ask for it.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct script {
	const char *id, *name, *owner;
	const char *schedule; /* NULL: only on demand */
	const char *source;
	int64_t deployed_at, last_run;
	const char *last_status; /* NULL, "running", "success" or "failure" */
};
DEFINE_RECORD(script)
extern const struct record_type script_type;

/* NOT_FOUND when there is no such script. */
struct script *scripts_find(struct state *state, const char *id, GError **error);

/* Ordered by name. */
GPtrArray *scripts_list(struct state *state, GError **error);

/*
 * Deploys a script, or overwrites name, schedule and source of the one with that id: its owner and
 * the state of its runs stay. The time of deployment is set here.
 */
bool scripts_upsert(struct state *state, const struct script *values, GError **error);

bool scripts_delete(struct state *state, const char *id, GError **error);

/*
 * Marks the script as running, now. BUSY: it runs already, or is gone. Of two callers at the same
 * moment exactly one succeeds.
 */
bool scripts_claim(struct state *state, const char *id, GError **error);

/* Ends a claimed run. A script that was deleted meanwhile is no error. */
bool scripts_finish(struct state *state, const char *id, bool success, GError **error);

/*
 * Marks runs as failed that were claimed before that moment and never finished, because the process
 * that ran them is gone. Returns how many, -1 on error.
 */
int64_t scripts_fail_stale(struct state *state, int64_t claimed_before, GError **error);
