/* The tables of a worker, by lower-case name. */
#include "query/tables.h"

#include "base/error.h"
#include "duck/sql.h"
#include "extract/names.h"

struct query_tables {
	GHashTable *by_name;   /* owns the tables */
	GHashTable *by_remote; /* lower-case relation to table */
};

static void table_free(gpointer data)
{
	struct query_table *table = data;
	g_free(table->name);
	g_free(table->relation);
	g_free(table->problem);
	g_free(table);
}

static bool add_table(struct query_tables *tables, const json_t *item, GError **error)
{
	const char *name = json_string_value(item);
	const char *catalog = NULL, *schema = NULL, *remote = NULL, *problem = NULL;
	int elsewhere = false;
	if (!name &&
	    json_unpack((json_t *)item, "{ss s?[sss] s?s s?b}", "name", &name, "remote", &catalog,
			&schema, &remote, "problem", &problem, "elsewhere", &elsewhere) != 0) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "a table is a name or an object with a name");
		return false;
	}
	if (!name_is_strict(name)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "'%s' cannot be the name of a table", name);
		return false;
	}
	struct query_table *table = g_new0(struct query_table, 1);
	table->name = g_strdup(name);
	table->problem = g_strdup(problem);
	table->elsewhere = elsewhere;
	if (catalog) {
		table->relation = duck_sql("%I.%I.%I", catalog, schema, remote);
		g_hash_table_replace(tables->by_remote, g_ascii_strdown(table->relation, -1),
				     table);
	}
	g_hash_table_replace(tables->by_name, g_ascii_strdown(name, -1), table);
	return true;
}

struct query_tables *query_tables_new(const json_t *list, GError **error)
{
	g_autoptr(query_tables) tables = g_new0(struct query_tables, 1);
	tables->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, table_free);
	tables->by_remote = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	size_t i;
	json_t *item;
	json_array_foreach((json_t *)list, i, item)
	{
		if (!add_table(tables, item, error))
			return NULL;
	}
	return g_steal_pointer(&tables);
}

void query_tables_free(struct query_tables *tables)
{
	if (!tables)
		return;
	g_hash_table_destroy(tables->by_remote);
	g_hash_table_destroy(tables->by_name);
	g_free(tables);
}

struct query_table *query_tables_find(const struct query_tables *tables, const char *name)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	return g_hash_table_lookup(tables->by_name, lower);
}

struct query_table *query_tables_find_remote(const struct query_tables *tables, const char *catalog,
					     const char *schema, const char *table)
{
	g_autofree char *relation = duck_sql("%I.%I.%I", catalog, schema, table);
	g_autofree char *lower = g_ascii_strdown(relation, -1);
	return g_hash_table_lookup(tables->by_remote, lower);
}
