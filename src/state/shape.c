/* What differs from the schema, table by table, and the least that mends it. */
#include "state/shape.h"

#include "duck/query.h"
#include "duck/sql.h"
#include "state/rebuild.h"
#include "state/schema.h"

#include <string.h>

enum shape {
	SHAPE_RIGHT,
	SHAPE_ABSENT,  /* no such table */
	SHAPE_LACKING, /* columns are missing */
	SHAPE_OTHER,   /* the type of a column or a key is another one */
};

/* JSON is text to whoever reads it, and older files may have it so. */
static bool same_type(const char *have, const char *want)
{
	return strcmp(have, want) == 0 ||
	       (strcmp(want, "JSON") == 0 && strcmp(have, "VARCHAR") == 0) ||
	       (strcmp(want, "VARCHAR") == 0 && strcmp(have, "JSON") == 0);
}

static enum shape compare(const struct state_catalog *catalog, const struct schema_table *want)
{
	enum shape shape = SHAPE_RIGHT;
	const struct catalog_table *have = state_catalog_table(catalog, want->name);
	if (!have)
		return SHAPE_ABSENT;
	for (const struct schema_column *column = want->columns; column->name; column++) {
		const struct catalog_column *found = g_hash_table_lookup(have->columns,
									 column->name);
		if (found && !same_type(found->type, column->type))
			return SHAPE_OTHER;
		if (!found)
			shape = SHAPE_LACKING;
	}
	for (const char *const *key = want->keys; *key; key++) {
		if (!g_hash_table_contains(have->keys, *key))
			return SHAPE_OTHER;
	}
	return shape;
}

bool shape_alters_kept(const struct state_catalog *catalog)
{
	for (const struct schema_table *table = schema_tables; table->name; table++) {
		if (table->kind == SCHEMA_KEPT && compare(catalog, table) > SHAPE_ABSENT)
			return true;
	}
	return false;
}

/*
 * A default fills the rows that exist, except for a time: when they were made is not known. NOT
 * NULL cannot be had from ALTER TABLE ADD COLUMN.
 */
static bool add_column(struct duck_connection *connection, const char *table,
		       const struct schema_column *column, GError **error)
{
	g_autoptr(GString) sql = g_string_new(NULL);
	duck_sql_append(sql, "ALTER TABLE %I ADD COLUMN %I %S", table, column->name, column->type);
	if (column->default_sql && strcmp(column->type, "TIMESTAMP") == 0)
		duck_sql_append(sql, "; ALTER TABLE %I ALTER COLUMN %I SET DEFAULT %S", table,
				column->name, column->default_sql);
	else if (column->default_sql)
		duck_sql_append(sql, " DEFAULT %S", column->default_sql);
	g_message("state: adding the missing column %s.%s", table, column->name);
	return duck_exec(connection, error, sql->str, NULL);
}

static bool add_columns(struct duck_connection *connection, const struct state_catalog *catalog,
			const struct schema_table *table, GError **error)
{
	for (const struct schema_column *column = table->columns; column->name; column++) {
		if (!state_catalog_has(catalog, table->name, column->name) &&
		    !add_column(connection, table->name, column, error))
			return false;
	}
	return true;
}

static bool drop_and_create(struct duck_connection *connection, const struct schema_table *table,
			    GError **error)
{
	g_autofree char *drop = duck_sql("DROP TABLE %I", table->name);
	g_message("state: making the cache %s anew", table->name);
	return duck_exec(connection, error, drop, NULL) &&
	       schema_create_table(connection, table, error);
}

static bool mend(struct duck_connection *connection, const struct state_catalog *catalog,
		 const struct schema_table *table, enum shape shape, GError **error)
{
	g_auto(duck_transaction) transaction = {0};
	if (!duck_transaction_begin(&transaction, connection, error))
		return false;
	bool mended;
	if (shape == SHAPE_ABSENT)
		mended = schema_create_table(connection, table, error);
	else if (table->kind == SCHEMA_CACHE)
		mended = drop_and_create(connection, table, error);
	else if (shape == SHAPE_LACKING)
		mended = add_columns(connection, catalog, table, error);
	else
		mended = rebuild_table(connection, table->name, NULL, error);
	return mended && duck_transaction_commit(&transaction, error);
}

static bool mend_if_needed(struct duck_connection *connection, const struct state_catalog *catalog,
			   const struct schema_table *table, GError **error)
{
	enum shape shape = compare(catalog, table);
	return shape == SHAPE_RIGHT || mend(connection, catalog, table, shape, error);
}

bool shape_mend_table(struct duck_connection *connection, const struct state_catalog *catalog,
		      const char *name, GError **error)
{
	return mend_if_needed(connection, catalog, schema_table(name), error);
}

bool shape_mend(struct duck_connection *connection, const struct state_catalog *catalog,
		GError **error)
{
	for (const struct schema_table *table = schema_tables; table->name; table++) {
		if (!mend_if_needed(connection, catalog, table, error))
			return false;
	}
	return true;
}
