/* Gives a table the columns and keys that the schema wants, keeping its rows. */
#pragma once

#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>

/*
 * Copies the table's rows, by the names of columns, into a new one of the same name; columns that
 * the schema does not know are lost. To be called inside a transaction. Fails for a table that
 * another one refers to, and when a value does not fit or rows share a key.
 */
bool rebuild_table(struct duck_connection *connection, const char *name, GError **error);
