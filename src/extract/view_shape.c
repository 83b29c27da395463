/* A small scanner over DuckDB's canonical rendering of CREATE VIEW. */
#include "extract/view_shape.h"

#include <string.h>

/* Each of these takes what it recognises off the front of *at. */

static bool take(const char **at, const char *text)
{
	size_t length = strlen(text);
	if (strncmp(*at, text, length) != 0)
		return false;
	*at += length;
	return true;
}

/* Text in quotes, in which the quote itself is doubled; NULL when there is none. */
static char *take_quoted(const char **at, char quote)
{
	if (**at != quote)
		return NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	const char *next = *at + 1;
	for (;; next++) {
		if (*next == '\0')
			return NULL;
		if (*next == quote && *++next != quote)
			break;
		g_string_append_c(text, *next);
	}
	*at = next;
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *take_identifier(const char **at)
{
	if (**at == '"')
		return take_quoted(at, '"');
	size_t length = strspn(*at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_$");
	if (length == 0)
		return NULL;
	char *name = g_strndup(*at, length);
	*at += length;
	return name;
}

/* Up to what the view selects from. */
static bool take_start(const char **at)
{
	if (!take(at, "CREATE VIEW "))
		return false;
	g_autofree char *name = take_identifier(at);
	return name && take(at, " AS SELECT * FROM ");
}

static bool take_paths(const char **at, GPtrArray *paths)
{
	bool list = take(at, "main.list_value(") || take(at, "list_value(");
	do {
		char *path = take_quoted(at, '\'');
		if (!path)
			return false;
		g_ptr_array_add(paths, path);
	} while (list && take(at, ", "));
	return !list || take(at, ")");
}

static bool take_options(const char **at, struct parquet_view *view)
{
	while (take(at, ", ")) {
		if (take(at, "(union_by_name = CAST('t' AS BOOLEAN))"))
			view->union_by_name = true;
		else if (!take(at, "(union_by_name = CAST('f' AS BOOLEAN))") &&
			 !take(at, "(hive_partitioning = CAST('f' AS BOOLEAN))"))
			return false;
	}
	return true;
}

/* "month=2024-01" in a path makes DuckDB add a column. */
static bool is_partitioned_by_name(const struct parquet_view *view)
{
	for (guint i = 0; i < view->paths->len; i++) {
		if (strchr(g_ptr_array_index(view->paths, i), '='))
			return true;
	}
	return false;
}

bool parquet_view_parse(const char *sql, struct parquet_view *view)
{
	const char *at = sql;
	view->paths = g_ptr_array_new_with_free_func(g_free);
	view->union_by_name = false;
	return take_start(&at) && (take(&at, "read_parquet(") || take(&at, "parquet_scan(")) &&
	       take_paths(&at, view->paths) && take_options(&at, view) && take(&at, ");") &&
	       *at == '\0' && !is_partitioned_by_name(view);
}

void parquet_view_clear(struct parquet_view *view)
{
	g_clear_pointer(&view->paths, g_ptr_array_unref);
}

bool remote_view_parse(const char *sql, struct remote_view *view)
{
	const char *at = sql;
	return take_start(&at) && (view->alias = take_identifier(&at)) && take(&at, ".") &&
	       (view->schema = take_identifier(&at)) && take(&at, ".") &&
	       (view->table = take_identifier(&at)) && take(&at, ";") && *at == '\0';
}

void remote_view_clear(struct remote_view *view)
{
	g_clear_pointer(&view->alias, g_free);
	g_clear_pointer(&view->schema, g_free);
	g_clear_pointer(&view->table, g_free);
}
