/* From the tables as data to statements. */
#include "state/schema.h"

#include "duck/query.h"
#include "duck/sql.h"

#include <string.h>

const struct schema_table *schema_table(const char *name)
{
	for (const struct schema_table *table = schema_tables; table->name; table++) {
		if (strcmp(table->name, name) == 0)
			return table;
	}
	g_error("schema: there is no table '%s'", name);
}

static void append_column(GString *sql, const struct schema_column *column)
{
	duck_sql_append(sql, "%I %S", column->name, column->type);
	if (column->need == SCHEMA_REQUIRED)
		g_string_append(sql, " NOT NULL");
	if (column->default_sql)
		duck_sql_append(sql, " DEFAULT %S", column->default_sql);
}

bool schema_create_table(struct duck_connection *connection, const struct schema_table *table,
			 GError **error)
{
	g_autoptr(GString) sql = g_string_new(NULL);
	duck_sql_append(sql, "CREATE TABLE %I (", table->name);
	for (const struct schema_column *column = table->columns; column->name; column++) {
		if (column != table->columns)
			g_string_append(sql, ", ");
		append_column(sql, column);
	}
	for (const char *const *key = table->keys; *key; key++)
		duck_sql_append(sql, ", %S", *key);
	g_string_append_c(sql, ')');
	return duck_exec(connection, error, sql->str, NULL);
}

bool schema_create(struct duck_connection *connection, GError **error)
{
	for (const struct schema_table *table = schema_tables; table->name; table++) {
		if (!schema_create_table(connection, table, error))
			return false;
	}
	return true;
}
