/*
 * The tables that a worker's callers may read: what the guard permits and what views are made of.
 * Names are SQL identifiers and match in any case.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

struct query_table {
	char *name;
	char *relation; /* remote: the quoted name behind the view; NULL: the file <name>.parquet */
	char *problem;	/* why it cannot be read now, for the caller; NULL: it can */
	bool elsewhere; /* another worker, which reaches the network, can read it */
	bool has_view;	/* for the worker, which makes views when they are first named */
};

struct query_tables;

/*
 * From JSON: an array of names and of objects {"name", "remote": [catalog, schema, table],
 * "problem", "elsewhere"}. A name that is no identifier is refused: it becomes a file name.
 */
struct query_tables *query_tables_new(const json_t *list, GError **error);
void query_tables_free(struct query_tables *tables);
DEFINE_AUTOPTR(query_tables)

/* NULL: no such table, or none that the callers may read: nobody here can tell these apart. */
struct query_table *query_tables_find(const struct query_tables *tables, const char *name);

/* By the three names of a remote table. */
struct query_table *query_tables_find_remote(const struct query_tables *tables, const char *catalog,
					     const char *schema, const char *table);
