/* Results of queries over the workspace, row by row as JSON, which DuckDB makes. */
#pragma once

#include "base/cleanup.h"
#include "cli/json_text.h"
#include "cli/rows.h"
#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

enum { RESULT_NO_LIMIT = -1 };

struct result;

/*
 * Starts one statement without parameters. `as_text`: numbers that JSON has not got (NaN, the
 * infinities) come as strings, else as null.
 */
struct result *result_open(struct duck_connection *connection, const char *sql, gint64 limit,
			   bool as_text, GError **error);
void result_free(struct result *result);
DEFINE_AUTOPTR(result)

/*
 * The next row, as an array; it lives until the next call. False at the end, and on failure with
 * *error set.
 */
bool result_next(struct result *result, struct json_slice *row, GError **error);

/* Writes all rows. Write errors show in ferror(out). */
bool result_write(struct result *result, enum rows_format format, FILE *out, GError **error);

/* Appends all rows as a JSON array of objects. */
bool result_append_objects(struct result *result, GString *text, GError **error);
