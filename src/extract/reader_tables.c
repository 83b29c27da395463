/*
 * From the rows of _meta to files: which kind each table is of, and what the views of other
 * producers mean.
 */
#include "base/child.h"
#include "base/error.h"
#include "base/json.h"
#include "base/order.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "extract/bounds.h"
#include "extract/names.h"
#include "extract/reader_private.h"
#include "extract/view_shape.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The extract is attached under the name that it has for a producer who opens it by itself. */
#define EXTRACT "extract"

enum { LONGEST_NAME_SHOWN = 100 };

static void note(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void note(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	child_answer(json_pack("{ss}", "note", valid));
}

static bool attach_extract(struct extract_reader *reader, bool *found, GError **error)
{
	g_autofree char *path = g_build_filename(reader->folder, "extract.duckdb", NULL);
	*found = access(path, F_OK) == 0;
	if (!*found && reader->described) {
		/* A producer may be about to put a new one there. */
		agnes_set_errno(error, errno, "cannot read %s", path);
		return false;
	}
	if (!*found)
		return true;
	g_autofree char *sql = duck_sql("ATTACH %L AS " EXTRACT " (READ_ONLY)", path);
	return duck_exec(reader->jail.connection, error, sql, NULL);
}

/* Names in lower case → the text of the view, or "" for a table. */
static GHashTable *list_objects(struct extract_reader *reader, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		reader->jail.connection, error,
		"SELECT lower(view_name), sql FROM duckdb_views() "
		"WHERE database_name = '" EXTRACT "' AND schema_name = 'main' UNION ALL "
		"SELECT lower(table_name), '' FROM duckdb_tables() "
		"WHERE database_name = '" EXTRACT "' AND schema_name = 'main'",
		NULL);
	if (!rows)
		return NULL;
	GHashTable *objects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	while (duck_rows_next(rows)) {
		const char *text = duck_rows_text(rows, 1);
		g_hash_table_replace(objects, g_strdup(duck_rows_text(rows, 0)),
				     g_strdup(text ? text : ""));
	}
	return objects;
}

/* The columns of _meta, in lower case. (duckdb_columns() would bind every view there is.) */
static GHashTable *list_columns(struct extract_reader *reader, GError **error)
{
	g_autoptr(duck_rows)
		rows = duck_query(reader->jail.connection, error,
				  "SELECT * FROM " EXTRACT ".main._meta LIMIT 0", NULL);
	if (!rows)
		return NULL;
	GHashTable *columns = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (size_t i = 0; i < duck_rows_columns(rows); i++)
		g_hash_table_add(columns, g_ascii_strdown(duck_rows_name(rows, i), -1));
	return columns;
}

static bool check_columns(GHashTable *columns, const char *const *needed, GError **error)
{
	for (; *needed; needed++) {
		if (g_hash_table_contains(columns, *needed))
			continue;
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "extract.duckdb has no column %s in its table _meta", *needed);
		return false;
	}
	return true;
}

static struct duck_rows *query_meta(struct extract_reader *reader, GError **error)
{
	static const char *const needed[] = {"table_name", "rows", "size_bytes", "query_mode",
					     NULL};
	g_autoptr(GHashTable) columns = list_columns(reader, error);
	if (!columns || !check_columns(columns, needed, error))
		return NULL;
	g_autoptr(duck_rows) count = duck_query(reader->jail.connection, error,
						"SELECT count(*) FROM (SELECT 1 FROM " EXTRACT
						".main._meta LIMIT ?)",
						"i", (int64_t)EXTRACT_MOST_TABLES + 1);
	if (!count || !duck_rows_next(count))
		return NULL;
	if (duck_rows_int(count, 0) > EXTRACT_MOST_TABLES) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
			    "extract.duckdb describes more than %d tables in _meta",
			    EXTRACT_MOST_TABLES);
		return NULL;
	}
	/* Whatever types a producer chose. */
	g_autofree char *sql = duck_sql(
		"SELECT left(CAST(table_name AS VARCHAR), %d), coalesce(left(%S, %d), ''), %S, "
		"lower(left(CAST(query_mode AS VARCHAR), 20)) FROM " EXTRACT ".main._meta",
		LONGEST_NAME_SHOWN,
		g_hash_table_contains(columns, "description") ? "CAST(description AS VARCHAR)"
							      : "''",
		EXTRACT_LONGEST_DESCRIPTION,
		g_hash_table_contains(columns, "extracted_at")
			? "TRY_CAST(CAST(extracted_at AS VARCHAR) AS TIMESTAMP)"
			: "NULL::TIMESTAMP");
	return duck_query(reader->jail.connection, error, sql, NULL);
}

static bool read_checksums(struct extract_reader *reader, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		reader->jail.connection, error,
		"SELECT CAST(table_name AS VARCHAR), CAST(md5 AS VARCHAR), "
		"TRY_CAST(size_bytes AS BIGINT), TRY_CAST(inode AS BIGINT), "
		"TRY_CAST(mtime_ns AS BIGINT) FROM " EXTRACT ".main._checksums LIMIT ?",
		"i", (int64_t)EXTRACT_MOST_TABLES);
	if (!rows)
		return false;
	while (duck_rows_next(rows)) {
		const char *name = duck_rows_text(rows, 0);
		const char *md5 = duck_rows_text(rows, 1);
		if (!name || !md5)
			continue;
		struct promise *promise = g_new0(struct promise, 1);
		promise->md5 = g_strdup(md5);
		promise->stamp.size = duck_rows_int(rows, 2);
		promise->stamp.inode = duck_rows_int(rows, 3);
		promise->stamp.mtime_ns = duck_rows_int(rows, 4);
		g_hash_table_replace(reader->checksums, g_strdup(name), promise);
	}
	return true;
}

static bool read_attached(struct extract_reader *reader, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		reader->jail.connection, error,
		"SELECT CAST(alias AS VARCHAR), CAST(extension AS VARCHAR), CAST(url AS VARCHAR), "
		"CAST(token_env AS VARCHAR) FROM " EXTRACT ".main._remote_attach LIMIT ?",
		"i", (int64_t)EXTRACT_MOST_ATTACHED);
	if (!rows)
		return false;
	while (duck_rows_next(rows)) {
		json_t *values = json_array();
		for (size_t i = 0; i < duck_rows_columns(rows); i++) {
			const char *text = duck_rows_text(rows, i);
			g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
			json_array_append_new(values, json_string(valid));
		}
		child_answer(json_pack("{so}", "attach", values));
	}
	return true;
}

/* The tables beside _meta are extras: a broken one costs a note, not the source. */
static void read_extras(struct extract_reader *reader, GHashTable *objects)
{
	g_autoptr(GError) error = NULL;
	if (g_hash_table_contains(objects, "_checksums") && !read_checksums(reader, &error)) {
		note("the table _checksums cannot be read and is ignored: %s", error->message);
		g_clear_error(&error);
	}
	if (g_hash_table_contains(objects, "_remote_attach") && !read_attached(reader, &error))
		note("the table _remote_attach cannot be read and is ignored: %s", error->message);
}

/* Whether `path` is what another root's copy of this very file would be called. */
static const char *tail_in_own_folder(const struct extract_reader *reader, const char *table,
				      const char *path)
{
	g_autofree char *marker = g_strdup_printf("extracts/%s/", reader->source);
	const char *at = g_strrstr(path, marker);
	if (at && (at == path || at[-1] == '/'))
		return at + strlen(marker);
	/* A folder that was built elsewhere and moved here: its old place is no more. */
	g_autofree char *parent = g_path_get_dirname(path);
	g_autofree char *file = g_strdup_printf("data/%s.parquet", table);
	g_autofree char *files = g_strdup_printf("data/%s/", table);
	if (g_file_test(parent, G_FILE_TEST_EXISTS))
		return NULL;
	if (g_str_has_suffix(path, file))
		return path + strlen(path) - strlen(file);
	at = g_strrstr(path, files);
	return at;
}

char *reader_own_path(const struct extract_reader *reader, const char *table, const char *path,
		      GError **error)
{
	g_autofree char *prefix = g_strconcat(reader->folder, "/", NULL);
	const char *tail = g_str_has_prefix(path, prefix) ? path + strlen(prefix)
							  : tail_in_own_folder(reader, table, path);
	g_auto(GStrv) parts = tail ? g_strsplit(tail, "/", -1) : NULL;
	if (tail && !g_strv_contains((const char *const *)parts, ".."))
		return g_build_filename(reader->folder, tail, NULL);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_DENIED,
		    "its view reads %s, which is outside of the source's own folder", path);
	return NULL;
}

/* The files of a folder whose names match, in the order of their names. */
static bool add_matching(const char *path, GPtrArray *paths, GError **error)
{
	g_autofree char *folder = g_path_get_dirname(path);
	g_autofree char *pattern = g_path_get_basename(path);
	guint first = paths->len;
	if (!g_file_test(folder, G_FILE_TEST_EXISTS))
		return true;
	g_autoptr(GDir) listing = g_dir_open(folder, 0, error);
	if (!listing)
		return false;
	for (const char *name; (name = g_dir_read_name(listing));) {
		if (fnmatch(pattern, name, FNM_PERIOD) == 0)
			g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
	}
	qsort(paths->pdata + first, paths->len - first, sizeof(gpointer), order_texts);
	return true;
}

static bool is_pattern(const char *path)
{
	return strpbrk(path, "*?[") != NULL;
}

/* Whether the folders of a path of our own are spelt out, below the source's folder. */
static bool is_plain_folder(const struct extract_reader *reader, const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path + strlen(reader->folder));
	return !is_pattern(folder);
}

static bool take_parquet_view(struct extract_reader *reader, const struct reader_table *table,
			      const struct parquet_view *view, GError **error)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	bool single = view->paths->len == 1 && !is_pattern(g_ptr_array_index(view->paths, 0));
	for (guint i = 0; i < view->paths->len; i++) {
		g_autofree char *path = reader_own_path(reader, table->name,
							g_ptr_array_index(view->paths, i), error);
		if (!path)
			return false;
		if (!is_plain_folder(reader, path))
			return reader_take_query(reader, table, error);
		if (!is_pattern(path + strlen(reader->folder)))
			g_ptr_array_add(paths, g_steal_pointer(&path));
		else if (!add_matching(path, paths, error))
			return false;
	}
	if (paths->len == 0) {
		note("table '%s' has no files yet", table->name);
		return true;
	}
	if (single || paths->len == 1)
		return reader_take_file(reader, table, g_ptr_array_index(paths, 0), error);
	return reader_take_files(reader, table, paths, view->union_by_name, error);
}

static bool take_local(struct extract_reader *reader, const struct reader_table *table,
		       const char *object, GError **error)
{
	g_auto(parquet_view) view = {0};
	if (*object && parquet_view_parse(object, &view))
		return take_parquet_view(reader, table, &view, error);
	return reader_take_query(reader, table, error);
}

static bool take_remote(const struct reader_table *table, const char *object, GError **error)
{
	g_auto(remote_view) view = {0};
	if (!remote_view_parse(object, &view)) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
				    "its view is not a plain SELECT * FROM alias.schema.table");
		return false;
	}
	json_t *answer = reader_table_answer(table);
	json_object_set_new(answer, "remote",
			    json_pack("[sss]", view.alias, view.schema, view.table));
	child_answer(answer);
	return true;
}

static void answer_failure(const struct reader_table *table, const GError *error)
{
	g_autofree char *message = child_error_text(error);
	child_answer(json_pack("{ss ss sb}", "table", table->name, "error", message, "retry",
			       reader_may_pass(error)));
}

/* A table's failure is its own. */
static void take_table(struct extract_reader *reader, const struct reader_table *table,
		       const char *mode, GHashTable *objects)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *folded = g_ascii_strdown(table->name, -1);
	const char *object = g_hash_table_lookup(objects, folded);
	if (!object) {
		note("table '%s' is described but has no view", table->name);
		return;
	}
	if (!g_hash_table_add(reader->seen, g_strdup(folded))) {
		note("table '%s' is described twice; the first counts", table->name);
		return;
	}
	bool remote = g_strcmp0(mode, "remote") == 0;
	if (!(remote ? take_remote(table, object, &error)
		     : take_local(reader, table, object, &error)))
		answer_failure(table, error);
}

static bool take_described(struct extract_reader *reader, GError **error)
{
	g_autoptr(GHashTable) objects = list_objects(reader, error);
	if (objects && !g_hash_table_contains(objects, "_meta")) {
		g_set_error_literal(
			error, AGNES_ERROR, AGNES_ERROR_INVALID,
			"extract.duckdb has no table _meta, which describes its tables");
		return false;
	}
	g_autoptr(duck_rows) rows = objects ? query_meta(reader, error) : NULL;
	if (!rows)
		return false;
	read_extras(reader, objects);
	while (duck_rows_next(rows)) {
		const char *name = duck_rows_text(rows, 0);
		if (!name_is_strict(name)) {
			note("'%s' cannot name a table and is left out", name ? name : "NULL");
			continue;
		}
		const struct reader_table table = {
			.name = name,
			.description = duck_rows_text(rows, 1),
			.extracted_at = duck_rows_time(rows, 2),
		};
		take_table(reader, &table, duck_rows_text(rows, 3), objects);
	}
	return true;
}

/* Results of registered queries lie beside the tables of the source, in no extract.duckdb. */
static void take_materialized(struct extract_reader *reader)
{
	size_t index;
	const json_t *value;
	json_array_foreach(reader->materialized, index, value)
	{
		const char *name = json_string_value(value);
		g_autofree char *file = g_strdup_printf("%s.parquet", name);
		g_autofree char *path = g_build_filename(reader->folder, "data", file, NULL);
		g_autofree char *folded = g_ascii_strdown(name, -1);
		g_autoptr(GError) error = NULL;
		const struct reader_table table = {.name = name, .description = ""};
		if (!g_file_test(path, G_FILE_TEST_EXISTS) ||
		    !g_hash_table_add(reader->seen, g_steal_pointer(&folded)))
			continue;
		if (!reader_take_file(reader, &table, path, &error))
			answer_failure(&table, error);
	}
}

bool reader_describe(struct extract_reader *reader, GError **error)
{
	bool found;
	if (!attach_extract(reader, &found, error) || (found && !take_described(reader, error)))
		return false;
	take_materialized(reader);
	return true;
}
