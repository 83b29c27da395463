/*
 * Tables that fit a terminal: numbers to the right, long texts wrapped, widths those of the
 * characters. What is in a cell is shown, never obeyed: control characters are escaped.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

struct table;

/* `width` in columns of a terminal; `colour`: NULL is shown dimmed. */
struct table *table_new(int width, bool colour);
void table_free(struct table *table);
DEFINE_AUTOPTR(table)

void table_add_column(struct table *table, const char *name, bool is_number);

/* One row after all columns are there; NULL is shown as "NULL". Copies the texts. */
void table_add_row(struct table *table, const char *const *cells);

/*
 * Header, a line, and the rows; where they do not fit side by side, row after row with a line for
 * each column, and an empty one between rows. g_free() it.
 */
char *table_render(struct table *table);
