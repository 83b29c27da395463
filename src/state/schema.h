/*
 * The tables of system.duckdb as this version of the program wants them. There are no secondary
 * indexes, ever: DuckDB loses rows from them when a process is killed after a commit.
 */
#pragma once

#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>

enum { SCHEMA_VERSION = 20, SCHEMA_KEYS = 3 };

enum schema_need { SCHEMA_OPTIONAL, SCHEMA_REQUIRED }; /* REQUIRED: NOT NULL */

struct schema_column {
	const char *name, *type;
	enum schema_need need;
	const char *default_sql; /* NULL: none */
};

/* What may be done about a table of a wrong shape. */
enum schema_kind {
	SCHEMA_KEPT,  /* the only copy of its rows */
	SCHEMA_CACHE, /* the program fills it again; may be dropped */
};

struct schema_table {
	const char *name;
	enum schema_kind kind;
	const struct schema_column *columns; /* ends with one whose name is NULL */
	const char *keys[SCHEMA_KEYS + 1];   /* as DuckDB prints them, ends with NULL */
};

/* Ends with a row whose name is NULL. A table stands before those that refer to it. */
extern const struct schema_table schema_tables[];

/* The row of that name, which must be one of ours. */
const struct schema_table *schema_table(const char *name);

/* Creates a table that is not there. */
bool schema_create_table(struct duck_connection *connection, const struct schema_table *table,
			 GError **error);
/* Creates all of them. */
bool schema_create(struct duck_connection *connection, GError **error);
