/* Publishing what an SQL script makes, for connectors that are no C. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct script_tables {
	const char *data_dir;
	const char *source;
	const char *sql;
	char **dropped;		  /* tables of the last run that are to go; or NULL */
	const char *memory_limit; /* of DuckDB */
	int threads;
};

/*
 * Runs the SQL in a DuckDB in memory. Every view and table that it leaves in the main schema
 * becomes a table of the source, all of them or none; their comments are the descriptions. Other
 * tables of the source stay. *count is how many were made.
 */
bool script_tables_publish(const struct script_tables *script, int *count, GError **error);
