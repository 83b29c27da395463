/* Gives a table the columns and keys that the schema wants, keeping its rows. */
#pragma once

#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>

/*
 * Copies the table's rows, by the names of columns, into a new one of the same name; columns that
 * the schema does not know are lost, and so are rows that do not meet `condition` (SQL; NULL: all
 * do). Fails for a table that another one refers to, and when a value does not fit or rows share a
 * key.
 *
 * To be called inside a transaction that writes no rows of this table: DuckDB 1.5 cannot replay
 * from its journal rows that were changed before their table was renamed.
 */
bool rebuild_table(struct duck_connection *connection, const char *name, const char *condition,
		   GError **error);
