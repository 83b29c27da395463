/*
 * Looking into the file of a table in a child that is locked in with it: the file came from an
 * extract that somebody else wrote, and what it does to its reader must not happen to the server.
 */
#pragma once

#include "base/json.h"
#include "engine/profile.h"

#include <glib.h>

/* [{"name", "type", "nullable"}] with types as DuckDB calls them, in the order of the file. */
json_t *measure_columns(const char *path, GError **error);

/* What profile_compute() does; request->temp_directory is not looked at. */
char *measure_profile(const struct profile_request *request, GError **error);

/* The child's side: the whole life of `agnesd measure-table`. */
void measure_run(void) G_GNUC_NORETURN;
