/* The walk over a parsed statement; for guard.c alone. */
#pragma once

#include "query/tables.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* What is found on the way. */
struct guard_findings {
	GPtrArray *used; /* struct query_table, each once */
	bool ordered;	 /* there is an ORDER BY */
};

/* Checks a query node and everything below. `sql` is for positions in messages. */
bool guard_walk(const json_t *node, const char *sql, const struct query_tables *tables,
		struct guard_findings *findings, GError **error);

/* " (line 2, column 5)" for a byte offset into the statement; "" when there is none (negative). */
char *guard_position(const char *sql, double offset);

/* The message for a statement that is not one plain SELECT. */
#define GUARD_NOT_SELECT "Only single SELECT queries are allowed"
