/* Reads DuckDB's catalog functions into hash tables. */
#include "state/catalog.h"

#include "duck/query.h"

static void column_free(gpointer data)
{
	struct catalog_column *column = data;
	g_free(column->type);
	g_free(column->default_sql);
	g_free(column);
}

static void table_free(gpointer data)
{
	struct catalog_table *table = data;
	g_hash_table_unref(table->columns);
	g_hash_table_unref(table->keys);
	g_free(table);
}

void state_catalog_free(struct state_catalog *catalog)
{
	if (!catalog)
		return;
	g_hash_table_unref(catalog->tables);
	g_free(catalog);
}

static struct catalog_table *add_table(struct state_catalog *catalog, const char *name)
{
	struct catalog_table *table = g_hash_table_lookup(catalog->tables, name);
	if (table)
		return table;
	table = g_new0(struct catalog_table, 1);
	table->columns = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, column_free);
	table->keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_hash_table_insert(catalog->tables, g_strdup(name), table);
	return table;
}

static bool read_columns(struct state_catalog *catalog, struct duck_connection *connection,
			 GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		connection, error,
		"SELECT lower(table_name), lower(column_name), data_type, column_default, "
		"NOT is_nullable FROM duckdb_columns() "
		"WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal",
		NULL);
	if (!rows)
		return false;
	while (duck_rows_next(rows)) {
		struct catalog_table *table = add_table(catalog, duck_rows_text(rows, 0));
		struct catalog_column *column = g_new0(struct catalog_column, 1);
		column->type = g_strdup(duck_rows_text(rows, 2));
		column->default_sql = g_strdup(duck_rows_text(rows, 3));
		column->required = duck_rows_bool(rows, 4);
		g_hash_table_insert(table->columns, g_strdup(duck_rows_text(rows, 1)), column);
	}
	return true;
}

static bool read_keys(struct state_catalog *catalog, struct duck_connection *connection,
		      GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		connection, error,
		"SELECT lower(table_name), replace(constraint_text, '\"', '') "
		"FROM duckdb_constraints() "
		"WHERE database_name = current_database() AND schema_name = 'main' "
		"AND constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')",
		NULL);
	if (!rows)
		return false;
	while (duck_rows_next(rows)) {
		struct catalog_table *table = add_table(catalog, duck_rows_text(rows, 0));
		g_hash_table_add(table->keys, g_strdup(duck_rows_text(rows, 1)));
	}
	return true;
}

struct state_catalog *state_catalog_read(struct duck_connection *connection, GError **error)
{
	g_autoptr(state_catalog) catalog = g_new0(struct state_catalog, 1);
	catalog->tables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, table_free);
	if (!read_columns(catalog, connection, error) || !read_keys(catalog, connection, error))
		return NULL;
	return g_steal_pointer(&catalog);
}

const struct catalog_table *state_catalog_table(const struct state_catalog *catalog,
						const char *table)
{
	return g_hash_table_lookup(catalog->tables, table);
}

bool state_catalog_has(const struct state_catalog *catalog, const char *table, const char *column)
{
	const struct catalog_table *found = state_catalog_table(catalog, table);
	return found && (!column || g_hash_table_contains(found->columns, column));
}
