/* Makes system.duckdb when it is missing, with every table and the rows that it always has. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Sets *created when there was no file. NOT_FOUND: there is none and it may not be made. CORRUPT:
 * DuckDB would take what is there for a new database, because it is empty, or would replay an old
 * journal into a new one.
 */
bool state_ensure_file(const char *path, bool may_create, bool *created, GError **error);
