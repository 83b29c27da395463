/* JSON and NDJSON: DuckDB makes the text of each row, this puts the rows together. */
#include "query/formats.h"

#include "base/json.h"
#include "duck/sql.h"
#include "query/cells.h"
#include "query/format_rows.h"

#include <string.h>

static void append_cell(GString *sql, const struct query_job *job, guint index,
			enum cell_style style)
{
	const struct query_column *column = g_ptr_array_index(job->columns, index);
	g_autofree char *name = g_strdup_printf("c%u", index);
	cells_append(sql, name, column->type, style);
}

/* An object's names must differ: a repeated one gets a number, as DuckDB numbers it in files. */
static char *unused_name(GHashTable *used, const char *wanted)
{
	char *name = g_strdup(wanted);
	for (unsigned i = 1; g_hash_table_contains(used, name); i++) {
		g_free(name);
		name = g_strdup_printf("%s_%u", wanted, i);
	}
	g_hash_table_add(used, name);
	return name;
}

/* The rows as one column of JSON. */
static char *json_statement(const struct query_job *job, bool with_names, enum cell_style style)
{
	GString *sql = rows_statement(job);
	g_autoptr(GHashTable) used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_string_append(sql, with_names ? "SELECT json_object(" : "SELECT json_array(");
	for (guint i = 0; i < job->columns->len; i++) {
		const struct query_column *column = g_ptr_array_index(job->columns, i);
		g_string_append(sql, i ? ", " : "");
		if (with_names)
			duck_sql_append(sql, "%L, ", unused_name(used, column->name));
		append_cell(sql, job, i, style);
	}
	g_string_append_c(sql, ')');
	rows_append_limit(sql, job);
	return g_string_free(sql, FALSE);
}

/* NaN and the infinities, which DuckDB writes as they are, have no place in JSON. */
static const char *const non_finite[] = {"-Infinity", "Infinity", "-NaN", "NaN"};

static size_t non_finite_length(const char *at, size_t left)
{
	for (size_t i = 0; i < G_N_ELEMENTS(non_finite); i++) {
		size_t length = strlen(non_finite[i]);
		if (length <= left && memcmp(at, non_finite[i], length) == 0)
			return length;
	}
	return 0;
}

/* Writes a row with null for what stands outside of strings and is no number. */
static bool write_finite(struct query_output *output, const char *row, size_t size, GError **error)
{
	GString *text = g_string_sized_new(size);
	bool in_string = false;
	for (size_t i = 0; i < size; i++) {
		size_t length = in_string ? 0 : non_finite_length(row + i, size - i);
		if (length > 0) {
			g_string_append(text, "null");
			i += length - 1;
			continue;
		}
		if (row[i] == '"')
			in_string = !in_string;
		else if (row[i] == '\\' && in_string)
			g_string_append_c(text, row[i++]);
		g_string_append_c(text, row[i]);
	}
	bool done = query_output_write(output, text->str, text->len, error);
	g_string_free(text, TRUE);
	return done;
}

static bool write_row(struct query_output *output, struct duck_stream *stream, size_t index,
		      GError **error)
{
	size_t size;
	const char *row = duck_stream_text(stream, 0, index, &size);
	if (memmem(row, size, "NaN", 3) || memmem(row, size, "Infinity", 8))
		return write_finite(output, row, size, error);
	return query_output_write(output, row, size, error);
}

static bool write_text(struct query_job *job, const char *text, GError **error)
{
	return query_output_write(job->output, text, strlen(text), error);
}

static bool write_element(const struct query_job *job, struct duck_stream *stream, size_t row,
			  const void *data, GError **error)
{
	return (job->summary->rows == 0 || query_output_write(job->output, ",", 1, error)) &&
	       write_row(job->output, stream, row, error);
}

static bool write_line(const struct query_job *job, struct duck_stream *stream, size_t row,
		       const void *data, GError **error)
{
	return write_row(job->output, stream, row, error) &&
	       query_output_write(job->output, "\n", 1, error);
}

bool format_json(struct query_job *job, GError **error)
{
	g_autoptr(json_t) names = json_array();
	for (guint i = 0; i < job->columns->len; i++) {
		const struct query_column *column = g_ptr_array_index(job->columns, i);
		json_array_append_new(names, json_string(column->name));
	}
	g_autofree char *list = json_to_text(names);
	g_autofree char *head = g_strdup_printf("{\"columns\":%s,\"rows\":[", list);
	g_autofree char *sql = json_statement(job, false, CELLS_OF_QUERY);
	if (!write_text(job, head, error) || !rows_write_all(job, sql, write_element, NULL, error))
		return false;
	g_autofree char *tail = g_strdup_printf(
		"],\"row_count\":%" G_GINT64_FORMAT ",\"truncated\":%s}", job->summary->rows,
		job->summary->truncated ? "true" : "false");
	return write_text(job, tail, error);
}

bool format_ndjson(struct query_job *job, GError **error)
{
	g_autofree char *sql = json_statement(job, true, CELLS_OF_QUERY);
	return rows_write_all(job, sql, write_line, NULL, error);
}

bool format_sample(struct query_job *job, GError **error)
{
	g_autofree char *sql = json_statement(job, true, CELLS_OF_SAMPLE);
	return write_text(job, "[", error) &&
	       rows_write_all(job, sql, write_element, NULL, error) && write_text(job, "]", error);
}
