/* Fields to SQL. Columns are always quoted, so that any name that exists can be asked for. */
#include "query/scan.h"

#include "base/error.h"
#include "duck/sql.h"
#include "query/predicate.h"

#include <string.h>

enum { LONGEST_NAME = 64 }; /* of a column that is written without thinking of quotes */

/* False: it is something else than a list of strings, or null. */
static bool take_names(const json_t *json, const char *key, const json_t **names)
{
	const json_t *list = json_object_get(json, key);
	size_t i;
	json_t *item;
	*names = json_array_size(list) > 0 ? list : NULL;
	json_array_foreach((json_t *)list, i, item)
	{
		if (!json_is_string(item))
			return false;
	}
	return !list || json_is_array(list) || json_is_null(list);
}

bool query_scan_unpack(const json_t *json, struct query_scan *scan, GError **error)
{
	const json_t *limit = json_object_get(json, "limit");
	scan->table = json_string_value(json_object_get(json, "table"));
	scan->alias = json_string_value(json_object_get(json, "alias"));
	scan->where = json_string_value(json_object_get(json, "where"));
	scan->limit = json_is_integer(limit) ? json_integer_value(limit) : -1;
	if (scan->table && scan->alias && take_names(json, "select", &scan->select) &&
	    take_names(json, "order_by", &scan->order_by))
		return true;
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID, "the scan is no scan");
	return false;
}

G_GNUC_PRINTF(2, 3)
static bool refuse(GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID, message);
	return false;
}

static bool is_plain_name(const char *name, size_t length, size_t longest)
{
	if (length == 0 || length > longest || !(g_ascii_isalpha(*name) || *name == '_'))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!g_ascii_isalnum(name[i]) && name[i] != '_')
			return false;
	}
	return true;
}

/* As the table spells it; NULL: no such column. */
static const char *find_column(const char *const *columns, const char *name)
{
	for (; *columns; columns++) {
		if (g_ascii_strcasecmp(*columns, name) == 0)
			return *columns;
	}
	return NULL;
}

static char *select_list(const struct query_scan *scan, const char *const *columns, GError **error)
{
	g_autoptr(GString) list = g_string_new(scan->select ? "" : "*");
	g_autoptr(GString) unknown = g_string_new("");
	size_t i;
	json_t *item;
	json_array_foreach((json_t *)scan->select, i, item)
	{
		const char *name = json_string_value(item);
		const char *column = find_column(columns, name);
		if (column) {
			duck_sql_append(list, list->len ? ", %I" : "%I", column);
		} else if (!is_plain_name(name, strlen(name), LONGEST_NAME)) {
			refuse(error, "invalid column name: '%s'", name);
			return NULL;
		} else {
			g_string_append_printf(unknown, "%s'%s'", unknown->len ? ", " : "", name);
		}
	}
	if (unknown->len == 0)
		return g_strdup(list->str);
	refuse(error, "unknown columns: [%s]", unknown->str);
	return NULL;
}

/* Splits a direction off, where there is one: its length, "" or " DESC" and the like. */
static const char *direction_of(const char *entry, size_t *name_length)
{
	static const char *const words[] = {"ASC", "DESC"};
	size_t length = strlen(entry);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		size_t word = strlen(words[i]);
		if (length <= word || !g_ascii_isspace(entry[length - word - 1]) ||
		    g_ascii_strcasecmp(entry + length - word, words[i]) != 0)
			continue;
		*name_length = length - word;
		while (*name_length > 0 && g_ascii_isspace(entry[*name_length - 1]))
			(*name_length)--;
		return words[i];
	}
	*name_length = length;
	return "";
}

static bool append_order(GString *list, const char *given, const char *const *columns,
			 GError **error)
{
	g_autofree char *entry = g_strstrip(g_strdup(given));
	const char *direction = "", *column = find_column(columns, entry);
	if (!column) {
		size_t length;
		direction = direction_of(entry, &length);
		g_autofree char *name = g_strndup(entry, length);
		column = find_column(columns, name);
		if (!column && is_plain_name(name, length, length))
			return refuse(error, "unknown order_by column: '%s'", given);
		if (!column)
			return refuse(error, "invalid order_by entry: '%s'", given);
	}
	duck_sql_append(list, "%S %I %S", list->len ? "," : " ORDER BY", column, direction);
	return true;
}

static char *order_list(const struct query_scan *scan, const char *const *columns, GError **error)
{
	g_autoptr(GString) list = g_string_new("");
	size_t i;
	json_t *item;
	json_array_foreach((json_t *)scan->order_by, i, item)
	{
		if (!append_order(list, json_string_value(item), columns, error))
			return NULL;
	}
	return g_strdup(list->str);
}

/* " WHERE (…)", or "" without a predicate. */
static char *where_clause(struct query_guard *guard, const struct query_scan *scan,
			  const char *const *columns, json_t **rejection, GError **error)
{
	if (!scan->where || !*scan->where)
		return g_strdup("");
	g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (size_t i = 0; columns[i]; i++)
		g_hash_table_add(names, g_ascii_strdown(columns[i], -1));
	const struct predicate_scope scope = {.table = scan->alias, .columns = names};
	g_autofree char *predicate = predicate_check(guard, scan->where, &scope, rejection, error);
	return predicate ? g_strconcat(" WHERE (\n", predicate, "\n)", NULL) : NULL;
}

bool query_scan_build(struct query_guard *guard, const struct query_scan *scan,
		      const char *const *columns, struct query_verdict *verdict, json_t **rejection,
		      GError **error)
{
	g_autofree char *where = where_clause(guard, scan, columns, rejection, error);
	g_autofree char *select = where ? select_list(scan, columns, error) : NULL;
	g_autofree char *order = select ? order_list(scan, columns, error) : NULL;
	if (!order)
		return false;
	GString *sql = g_string_new(NULL);
	duck_sql_append(sql, "SELECT %S FROM %I AS %I%S%S", select, scan->table, scan->alias, where,
			order);
	if (scan->limit >= 0)
		duck_sql_append(sql, " LIMIT %l", scan->limit);
	g_autofree char *statement = g_string_free(sql, FALSE);
	return query_guard_check(guard, statement, verdict, error);
}
