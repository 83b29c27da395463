/* Rename, create, copy, count, drop. */
#include "state/rebuild.h"

#include "base/error.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "state/catalog.h"
#include "state/schema.h"

/* What a column is copied from; NULL where the schema wants a value becomes the default. */
static void append_source(GString *values, const struct schema_column *column)
{
	if (column->need == SCHEMA_REQUIRED && column->default_sql)
		duck_sql_append(values, "coalesce(%I, %S)", column->name, column->default_sql);
	else
		duck_sql_append(values, "%I", column->name);
}

static int64_t copy_rows(struct duck_connection *connection, const struct schema_table *table,
			 const char *from, const char *condition, GError **error)
{
	g_autoptr(state_catalog) catalog = state_catalog_read(connection, error);
	if (!catalog)
		return -1;
	g_autoptr(GString) names = g_string_new(NULL);
	g_autoptr(GString) values = g_string_new(NULL);
	for (const struct schema_column *column = table->columns; column->name; column++) {
		if (!state_catalog_has(catalog, from, column->name))
			continue;
		const char *comma = names->len > 0 ? ", " : "";
		duck_sql_append(names, "%S%I", comma, column->name);
		g_string_append(values, comma);
		append_source(values, column);
	}
	if (names->len == 0)
		return 0;
	g_autofree char *sql = duck_sql("INSERT INTO %I (%S) SELECT %S FROM %I WHERE %S",
					table->name, names->str, values->str, from, condition);
	return duck_change(connection, error, sql, NULL);
}

static int64_t count_rows(struct duck_connection *connection, const char *table,
			  const char *condition, GError **error)
{
	g_autofree char *sql = duck_sql("SELECT count(*) FROM %I WHERE %S", table, condition);
	g_autoptr(duck_rows) rows = duck_query(connection, error, sql, NULL);
	return rows && duck_rows_next(rows) ? duck_rows_int(rows, 0) : -1;
}

static bool move_rows(struct duck_connection *connection, const struct schema_table *table,
		      const char *old, const char *condition, GError **error)
{
	g_autofree char *rename = duck_sql("ALTER TABLE %I RENAME TO %I", table->name, old);
	if (!duck_exec(connection, error, rename, NULL) ||
	    !schema_create_table(connection, table, error))
		return false;
	int64_t copied = copy_rows(connection, table, old, condition, error);
	int64_t expected = copied < 0 ? -1 : count_rows(connection, old, condition, error);
	if (expected < 0)
		return false;
	if (copied != expected) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CORRUPT,
			    "%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " rows were copied",
			    (gint64)copied, (gint64)expected);
		return false;
	}
	g_autofree char *drop = duck_sql("DROP TABLE %I", old);
	return duck_exec(connection, error, drop, NULL);
}

bool rebuild_table(struct duck_connection *connection, const char *name, const char *condition,
		   GError **error)
{
	g_autofree char *old = g_strconcat(name, "_before_rebuild", NULL);
	if (move_rows(connection, schema_table(name), old, condition ? condition : "TRUE", error))
		return true;
	g_prefix_error(error, "cannot rebuild the table %s: ", name);
	return false;
}
