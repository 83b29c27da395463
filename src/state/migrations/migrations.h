/*
 * From an older version of system.duckdb to the present one, a version at a time. A step is one
 * transaction together with the new version number, so that an interrupted ladder goes on where it
 * stopped. What a step does must be harmless when it was done before: files differ.
 *
 * Only what moves or changes rows is here, and columns that such steps need. Tables and columns
 * that are merely new are added once the ladder has been climbed, see state/shape.h.
 */
#pragma once

#include "duck/database.h"
#include "state/catalog.h"

#include <glib.h>
#include <stdbool.h>

struct state_options;

/* The version that a file without a version row must have had, by what is in it; 0 when it holds
 * none of our tables. */
int migrations_guess_version(const struct state_catalog *catalog);

/* Runs every step above `from`. */
bool migrations_run(struct duck_connection *connection, int from,
		    const struct state_options *options, GError **error);
