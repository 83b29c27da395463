/* How a value of each type of DuckDB is written in JSON, as SQL over it. */
#pragma once

#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>

/* Where the macros are: the second needs no database that can be written. */
enum cells_scope { CELLS_OF_DATABASE, CELLS_OF_CONNECTION };

/* How the names of the macros begin: an expression without it needs none. */
#define CELLS_PREFIX "cell_"

/* Makes the macros that the expressions below call. Once, before the settings are locked. */
bool cells_define(struct duck_connection *connection, enum cells_scope scope, GError **error);

/* Which of the interface's two ways to write values. */
enum cell_style {
	CELLS_OF_QUERY,
	CELLS_OF_SAMPLE, /* numbers as numbers, dates and times in ISO 8601 */
};

/* Appends what json_array() is given for the column `name` (SQL, quoted) of a type as
 * duck_statement_column_type() spells it. */
void cells_append(GString *sql, const char *name, const char *type, enum cell_style style);
