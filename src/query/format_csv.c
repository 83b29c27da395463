/*
 * CSV, byte for byte as DuckDB's COPY writes it. (COPY itself holds a whole batch of rows in memory
 * before it writes the first, and a join makes batches of any size.)
 */
#include "query/formats.h"

#include "query/format_rows.h"

#include <limits.h>
#include <string.h>

static char *csv_statement(const struct query_job *job)
{
	GString *sql = rows_statement(job);
	g_string_append(sql, "SELECT ");
	for (guint i = 0; i < job->columns->len; i++) {
		const struct query_column *column = g_ptr_array_index(job->columns, i);
		g_string_append_printf(sql, "%sc%u%s", i ? ", " : "", i,
				       duck_stream_has_text(column->type) ? "" : "::VARCHAR");
	}
	rows_append_limit(sql, job);
	return g_string_free(sql, FALSE);
}

/* A number, date or time has no character for which it would be quoted. */
static bool is_plain(const char *type)
{
	static const char *const more[] = {"BOOLEAN", "FLOAT", "DOUBLE", "UUID", NULL};
	return duck_stream_has_text(type) || g_strv_contains(more, type);
}

/* An empty text is quoted because nothing at all stands for NULL; '#' starts a comment for some. */
static bool needs_quotes(const char *text, size_t size)
{
	static const bool special[UCHAR_MAX + 1] = {
		[','] = true, ['"'] = true, ['#'] = true, ['\n'] = true, ['\r'] = true};
	for (size_t i = 0; i < size; i++) {
		if (special[(unsigned char)text[i]])
			return true;
	}
	return size == 0;
}

static bool write_quoted(struct query_output *output, const char *text, size_t size, GError **error)
{
	GString *quoted = g_string_sized_new(size + 2);
	g_string_append_c(quoted, '"');
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '"')
			g_string_append_c(quoted, '"');
		g_string_append_c(quoted, text[i]);
	}
	g_string_append_c(quoted, '"');
	bool done = query_output_write(output, quoted->str, quoted->len, error);
	g_string_free(quoted, TRUE);
	return done;
}

static bool write_field(struct query_output *output, const char *text, size_t size, bool plain,
			GError **error)
{
	return plain || !needs_quotes(text, size) ? query_output_write(output, text, size, error)
						  : write_quoted(output, text, size, error);
}

static bool write_header(const struct query_job *job, GError **error)
{
	for (guint i = 0; i < job->columns->len; i++) {
		const struct query_column *column = g_ptr_array_index(job->columns, i);
		if ((i > 0 && !query_output_write(job->output, ",", 1, error)) ||
		    !write_field(job->output, column->name, strlen(column->name), false, error))
			return false;
	}
	return query_output_write(job->output, "\n", 1, error);
}

static bool write_row(const struct query_job *job, struct duck_stream *stream, size_t row,
		      const void *data, GError **error)
{
	const bool *plain = data;
	for (guint i = 0; i < job->columns->len; i++) {
		size_t size;
		const char *text = duck_stream_text(stream, i, row, &size);
		if ((i > 0 && !query_output_write(job->output, ",", 1, error)) ||
		    (text && !write_field(job->output, text, size, plain[i], error)))
			return false;
	}
	return query_output_write(job->output, "\n", 1, error);
}

bool format_csv(struct query_job *job, GError **error)
{
	g_autofree char *sql = csv_statement(job);
	g_autofree bool *plain = g_new(bool, job->columns->len);
	for (guint i = 0; i < job->columns->len; i++) {
		const struct query_column *column = g_ptr_array_index(job->columns, i);
		plain[i] = is_plain(column->type);
	}
	return write_header(job, error) && rows_write_all(job, sql, write_row, plain, error);
}
