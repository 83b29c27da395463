/*
 * The WHERE of a scan: one expression over the columns of one table, without side effects and
 * without other tables. DuckDB parses it; the tree decides.
 */
#pragma once

#include "query/guard.h"

#include <glib.h>
#include <jansson.h>

struct predicate_scope {
	const char *table;   /* what a column may be qualified with, in any case */
	GHashTable *columns; /* a set of lower-case names */
};

/*
 * The predicate without comments, to stand in parentheses; g_free() it. NULL: it is refused, and
 * *rejection is {"kind", "details"} as the interface knows them; or DuckDB failed.
 */
char *predicate_check(struct query_guard *guard, const char *text,
		      const struct predicate_scope *scope, json_t **rejection, GError **error);
