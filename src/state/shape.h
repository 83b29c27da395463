/*
 * Compares a database with the schema, whatever its history made of it, and mends what differs:
 * files in the wild lack tables and columns that no migration step adds.
 */
#pragma once

#include "duck/database.h"
#include "state/catalog.h"

#include <glib.h>
#include <stdbool.h>

/* Whether tables that hold the only copy of their rows would be altered by shape_mend(). */
bool shape_alters_kept(const struct state_catalog *catalog);

/*
 * Creates missing tables and columns, makes caches of another shape anew and rebuilds tables whose
 * types or keys differ. Columns that the schema does not know stay, and so does a missing NOT NULL.
 */
bool shape_mend(struct duck_connection *connection, const struct state_catalog *catalog,
		GError **error);

/* The same for one table. */
bool shape_mend_table(struct duck_connection *connection, const struct state_catalog *catalog,
		      const char *name, GError **error);
