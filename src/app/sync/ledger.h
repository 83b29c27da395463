/*
 * The book of the runs: what each came to, in memory for who asks and in the state for the time
 * after a restart. From any thread.
 */
#pragma once

#include "app/sync/report.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>

struct ledger;

/*
 * Runs that a server did not finish are marked as cut off. A state that cannot be written, or read,
 * is no reason not to begin: that is logged. `state` must outlive the ledger.
 */
struct ledger *ledger_new(struct state *state);
void ledger_free(struct ledger *ledger);
DEFINE_AUTOPTR(ledger)

/* A run begins, and owes its tables until it has ended. What cannot be written is logged. */
void ledger_begin(struct ledger *ledger, const struct report *report, const char *user);

/*
 * It has ended; `status` is one of state/sync_runs.h. Of several runs in a row that found nothing
 * to do only the last is kept.
 */
void ledger_end(struct ledger *ledger, struct report *report, const char *status, const char *user);

/* The last runs, newest first: a new array. */
json_t *ledger_recent(struct ledger *ledger);
