/* Calls of read_csv, read_json and read_parquet. */
#include "connectors/local/reader.h"

#include "base/error.h"
#include "duck/sql.h"

/* No file is smaller than DuckDB's own default, and a line must fit twice. */
enum { LEAST_BUFFER = 32000000 };

static void append_text(GString *sql, const char *argument, const json_t *value)
{
	if (value)
		duck_sql_append(sql, ", %S = %L", argument, json_string_value(value));
}

static void append_bool(GString *sql, const char *argument, const json_t *value)
{
	if (value)
		duck_sql_append(sql, ", %S = %S", argument, json_is_true(value) ? "true" : "false");
}

static void append_nulls(GString *sql, const json_t *value)
{
	size_t index;
	json_t *element;
	if (json_is_string(value))
		duck_sql_append(sql, ", nullstr = %L", json_string_value(value));
	if (!json_is_array(value) || json_array_size(value) == 0)
		return;
	g_string_append(sql, ", nullstr = [");
	json_array_foreach((json_t *)value, index, element)
		duck_sql_append(sql, "%S%L", index ? ", " : "", json_string_value(element));
	g_string_append(sql, "]");
}

static void append_types(GString *sql, const json_t *types)
{
	const char *column;
	json_t *type;
	const char *separator = "";
	if (json_object_size(types) == 0)
		return;
	g_string_append(sql, ", types = {");
	json_object_foreach((json_t *)types, column, type)
	{
		duck_sql_append(sql, "%S%L: %L", separator, column, json_string_value(type));
		separator = ", ";
	}
	g_string_append(sql, "}");
}

/*
 * The quote is never guessed: a sample without one would make DuckDB take those that follow for
 * letters.
 */
static void append_csv(GString *sql, const struct local_options *options, enum local_format format)
{
	const json_t *delimiter = local_options_get(options, "delimiter");
	const json_t *quote = local_options_get(options, "quote");
	const json_t *escape = local_options_get(options, "escape");
	const json_t *skip = local_options_get(options, "skip");
	/* Else a stray quote makes DuckDB give up on quotes for the whole file. */
	g_string_append(sql, ", strict_mode = true");
	append_text(sql, "delim", delimiter);
	if (!delimiter && format == LOCAL_TSV)
		g_string_append(sql, ", delim = '\t'");
	duck_sql_append(sql, ", quote = %L", quote ? json_string_value(quote) : "\"");
	duck_sql_append(sql, ", escape = %L",
			escape	? json_string_value(escape)
			: quote ? json_string_value(quote)
				: "\"");
	append_bool(sql, "header", local_options_get(options, "header"));
	/* No line is to be taken for a comment or a title, and passed over, by a guess. */
	duck_sql_append(sql, ", comment = '', skip = %l", (gint64)json_integer_value(skip));
	append_nulls(sql, local_options_get(options, "null"));
	append_types(sql, local_options_get(options, "types"));
	append_text(sql, "dateformat", local_options_get(options, "date_format"));
	append_text(sql, "timestampformat", local_options_get(options, "timestamp_format"));
	if (json_is_true(local_options_get(options, "decimal_comma")))
		g_string_append(sql, ", decimal_separator = ','");
	duck_sql_append(sql, ", max_line_size = %l, buffer_size = %l",
			(gint64)options->longest_line,
			(gint64)MAX(LEAST_BUFFER, 2 * options->longest_line));
	/* DuckDB refuses the two together: files that differ in columns must be without faults. */
	if (json_is_true(local_options_get(options, "union_by_name")))
		g_string_append(sql, ", union_by_name = true");
	else
		duck_sql_append(sql,
				", store_rejects = true, rejects_table = %L, rejects_scan = %L, "
				"rejects_limit = %d",
				LOCAL_REJECTS, LOCAL_SCANS, LOCAL_MOST_FAULTS);
}

static void append_json(GString *sql, const struct local_options *options, enum local_format format,
			bool thorough)
{
	duck_sql_append(sql, ", format = %L, union_by_name = true",
			format == LOCAL_NDJSON ? "newline_delimited" : "auto");
	append_text(sql, "dateformat", local_options_get(options, "date_format"));
	append_text(sql, "timestampformat", local_options_get(options, "timestamp_format"));
	duck_sql_append(sql, ", maximum_object_size = %l",
			(gint64)MAX(16 * 1024 * 1024, options->longest_line));
	if (thorough)
		g_string_append(sql, ", sample_size = -1");
}

/* Formats that have types of their own are cast after reading. */
static char *columns_sql(const struct local_options *options, enum local_format format)
{
	const char *column;
	json_t *type;
	json_t *types = json_object_get(options->given, "types");
	if (format == LOCAL_CSV || format == LOCAL_TSV || json_object_size(types) == 0)
		return g_strdup("*");
	GString *sql = g_string_new("* REPLACE (");
	json_object_foreach(types, column, type)
	{
		duck_sql_append(sql, "%SCAST(%I AS %S) AS %I", sql->len > 11 ? ", " : "", column,
				json_string_value(type), column);
	}
	g_string_append_c(sql, ')');
	return g_string_free(sql, FALSE);
}

static bool check_uniform(const GPtrArray *files, GError **error)
{
	const struct local_file *first = g_ptr_array_index(files, 0);
	for (guint i = 1; i < files->len; i++) {
		const struct local_file *file = g_ptr_array_index(files, i);
		if (file->format == first->format && file->compression == first->compression)
			continue;
		g_set_error(
			error, AGNES_ERROR, AGNES_ERROR_INVALID,
			"%s and %s are not of one format and compression, so they cannot be one "
			"table",
			first->name, file->name);
		return false;
	}
	return true;
}

char *local_reader_sql(const GPtrArray *files, const struct local_options *options, bool thorough,
		       GError **error)
{
	const struct local_file *first = g_ptr_array_index(files, 0);
	if (!check_uniform(files, error))
		return NULL;
	g_autofree char *columns = columns_sql(options, first->format);
	GString *sql = g_string_new(NULL);
	duck_sql_append(sql, "SELECT %S FROM %S([", columns,
			first->format == LOCAL_PARQUET ? "read_parquet"
			: first->format == LOCAL_JSON || first->format == LOCAL_NDJSON
				? "read_json"
				: "read_csv");
	for (guint i = 0; i < files->len; i++) {
		const struct local_file *file = g_ptr_array_index(files, i);
		duck_sql_append(sql, "%S%L", i ? ", " : "", file->path);
	}
	g_string_append_c(sql, ']');
	if (first->format == LOCAL_PARQUET)
		g_string_append(sql, ", union_by_name = true, hive_partitioning = false");
	else
		duck_sql_append(sql, ", compression = %L",
				local_compression_name(first->compression));
	if (first->format == LOCAL_CSV || first->format == LOCAL_TSV)
		append_csv(sql, options, first->format);
	if (first->format == LOCAL_JSON || first->format == LOCAL_NDJSON)
		append_json(sql, options, first->format, thorough);
	g_string_append_c(sql, ')');
	return g_string_free(sql, FALSE);
}
