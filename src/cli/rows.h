/*
 * The rows of a result, written as they come: a table for people, CSV by RFC 4180, JSON (an array
 * of objects) or NDJSON (an object a line).
 */
#pragma once

#include "base/cleanup.h"
#include "cli/json_text.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum rows_format { ROWS_TABLE, ROWS_CSV, ROWS_JSON, ROWS_NDJSON };

struct rows_column {
	const char *name;
	bool is_number; /* to the right in tables */
};

struct rows_cell {
	const char *text;	/* for tables and CSV; NULL: the value is null */
	struct json_slice json; /* the value as JSON; size 0: `text` as a string */
};

struct rows;

/* "table", "csv", "json" or "ndjson"; what it does not know is a table. */
enum rows_format rows_parse_format(const char *name);

/* Writes to `out`, which must stay open. The columns are copied. */
struct rows *rows_new(enum rows_format format, const struct rows_column *columns, size_t count,
		      FILE *out);
void rows_free(struct rows *rows);
DEFINE_AUTOPTR(rows)

/* One cell a column. */
void rows_add(struct rows *rows, const struct rows_cell *cells);

/* Writes what is still held back. Write errors show in ferror(out). */
void rows_end(struct rows *rows);

/* An array of objects as a table; the first one names the columns. */
void rows_print_objects(struct json_slice objects);

/*
 * Prints an array of arrays: a row each, with a cell for each of the `count` names. Numbers go to
 * the right where a column has nothing else.
 */
void rows_write_arrays(enum rows_format format, const char *const *names, size_t count,
		       struct json_slice arrays, FILE *out);

/* The text of a JSON value for tables and CSV: strings as they are, True and False, the rest as it
 * is written; NULL for null. g_free() it. */
char *rows_text_of_json(struct json_slice value);
