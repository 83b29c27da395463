/*
 * The runs of the synchronisation, one at a time: what is due is extracted, source by source and
 * some side by side, and published as it comes. Whoever asks before the first table of a run has
 * begun is part of it; who asks later has started the next one, with all who ask until then.
 */
#pragma once

#include "base/cleanup.h"
#include "base/json.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct app;
struct sync_runner;

/* Runs that a server did not finish are told as such from here on. `app` must outlive the runner;
 * its publisher, directory and table_facts are there. */
struct sync_runner *sync_runner_new(struct app *app, GError **error);
/* Ends what runs, see sync_runner_stop(). */
void sync_runner_free(struct sync_runner *runner);
DEFINE_AUTOPTR(sync_runner)

/*
 * Asks for a run of the tables with these ids (NULL-terminated), whatever their schedules say, or
 * with NULL of all that are due. `user` is the id of who asks.
 */
void sync_runner_trigger(struct sync_runner *runner, char **ids, const char *user);

/* {"current": a run or null, "queued": what waits or null, "recent": the last runs}. */
json_t *sync_runner_status(struct sync_runner *runner);

/* A descriptor from which the status, then what changes, can be read as server-sent events. */
int sync_runner_listen(struct sync_runner *runner, GError **error);

/* What runs came to since the start of the server: for metrics and health. */
struct sync_figures {
	bool running, queued;
	uint64_t done, partial, failed, interrupted; /* runs, by their status */
	uint64_t tables_new, tables_unchanged, tables_failed;
	int64_t finished; /* the last run, in microseconds since 1970; DUCK_NO_TIME: none yet */
	double seconds;	  /* that it took */
};
void sync_runner_figures(struct sync_runner *runner, struct sync_figures *figures);

/* Ends the streams and has the run under way end soon; no other begins. */
void sync_runner_stop(struct sync_runner *runner);
