/*
 * Which tables, columns and keys a database has: a picture taken once, for code that must cope with
 * files of any age. Names are in lower case.
 */
#pragma once

#include "base/cleanup.h"
#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>

struct catalog_column {
	char *type;
	char *default_sql; /* NULL: none */
	bool required;	   /* NOT NULL */
};

struct catalog_table {
	GHashTable *columns; /* name → struct catalog_column */
	/* The constraints, such as "UNIQUE(a, b)", as DuckDB prints them but without quotes. */
	GHashTable *keys;
};

struct state_catalog {
	GHashTable *tables; /* name → struct catalog_table */
};

/* Of the connection's own database. */
struct state_catalog *state_catalog_read(struct duck_connection *connection, GError **error);
void state_catalog_free(struct state_catalog *catalog);
DEFINE_AUTOPTR(state_catalog)

/* NULL when there is no such table. */
const struct catalog_table *state_catalog_table(const struct state_catalog *catalog,
						const char *table);
/* A NULL column asks for the table alone. */
bool state_catalog_has(const struct state_catalog *catalog, const char *table, const char *column);
