/*
 * The tables of system.duckdb as this version of the program wants them. There are no secondary
 * indexes, ever: DuckDB can lose rows from them when a process is killed (see
 * docs/ARCHITECTURE.md).
 */
#pragma once

#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>

enum { SCHEMA_VERSION = 20 };

/* What holds a table's content elsewhere decides what may be done about a wrong shape. */
enum schema_kind {
	SCHEMA_KEPT,  /* the only copy of its rows */
	SCHEMA_CACHE, /* rebuilt by the program; may be dropped and made again */
};

struct schema_table {
	const char *name;
	enum schema_kind kind;
	const char *create; /* the statement, harmless when the table exists */
};

/* Ends with a row whose name is NULL. Referenced tables stand before those that refer to them. */
extern const struct schema_table schema_tables[];

/* The row of that name, NULL when there is none. */
const struct schema_table *schema_find(const char *name);

/* Creates every table that is missing; existing ones stay as they are. */
bool schema_create(struct duck_connection *connection, GError **error);
