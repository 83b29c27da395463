/*
 * Looking into the file of a table in a child that is locked in with it: the file came from an
 * extract that somebody else wrote, and what it does to its reader must not happen to the server.
 */
#pragma once

#include "base/child.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "engine/profile.h"

#include <glib.h>
#include <stdbool.h>

/* A handle to stop a measurement that is under way. */
struct measurement {
	GMutex lock; /* for what follows */
	struct child *child;
	bool stopped;
	int nice; /* of the child, added to our own: 0 unless set after measurement_init() */
};
void measurement_init(struct measurement *measurement);
void measurement_clear(struct measurement *measurement);
DEFINE_AUTO(measurement)

/* Has the measurement, now or as soon as it begins, fail with CANCELLED. From any thread. */
void measurement_stop(struct measurement *measurement);

/* [{"name", "type", "nullable"}] with types as DuckDB calls them, in the order of the file. */
json_t *measure_columns(struct measurement *measurement, const char *path, GError **error);

/* What profile_compute() does; request->temp_directory is not looked at. */
char *measure_profile(struct measurement *measurement, const struct profile_request *request,
		      GError **error);

/* The child's side: the whole life of `agnesd measure-table`. */
void measure_run(void) G_GNUC_NORETURN;
