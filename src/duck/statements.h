/* Taking a text of several statements apart. */
#pragma once

#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>

/*
 * Finds the last statement of a text, without the semicolon that may end it, and what comes before
 * it ("" for none). INVALID: the text cannot be parsed, or has no statement. g_free() both.
 */
bool duck_statements_split(struct duck_connection *connection, const char *sql, char **before,
			   char **last, GError **error);
