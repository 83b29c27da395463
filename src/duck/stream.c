/* Streaming results, as text or as Arrow. */
#include "duck/stream.h"

#include "base/error.h"
#include "duck/private.h"
#include "duck/value_text.h"

#include <string.h>

/* A column, its values those of the current chunk. */
struct column {
	duckdb_type type;
	duckdb_type stored;    /* a DECIMAL's integer; else the same */
	unsigned width, scale; /* a DECIMAL's */
	void *data;
	uint64_t *validity; /* NULL: no value is NULL */
};

struct duck_stream {
	duckdb_prepared_statement statement;
	duckdb_result result;
	duckdb_data_chunk chunk;
	duckdb_arrow_options arrow;
	struct column *columns;
	char text[VALUE_TEXT_LONGEST];
};

static bool start(struct duck_stream *stream, struct duck_connection *connection, const char *sql,
		  GError **error)
{
	duckdb_pending_result pending = NULL;
	if (duckdb_prepare(connection->handle, sql, &stream->statement) != DuckDBSuccess) {
		duck_set_error(error, duckdb_prepare_error(stream->statement));
		return false;
	}
	bool started = duckdb_pending_prepared_streaming(stream->statement, &pending) ==
		       DuckDBSuccess;
	if (!started)
		duck_set_error(error, duckdb_pending_error(pending));
	else if (duckdb_execute_pending(pending, &stream->result) != DuckDBSuccess) {
		duck_set_error(error, duckdb_result_error(&stream->result));
		started = false;
	}
	duckdb_destroy_pending(&pending);
	return started;
}

struct duck_stream *duck_stream_open(struct duck_connection *connection, const char *sql,
				     GError **error)
{
	g_autoptr(duck_stream) stream = g_new0(struct duck_stream, 1);
	return start(stream, connection, sql, error) ? g_steal_pointer(&stream) : NULL;
}

/* Not prepared first: DuckDB would plan it twice. */
struct duck_stream *duck_stream_whole(struct duck_connection *connection, const char *sql,
				      GError **error)
{
	g_autoptr(duck_stream) stream = g_new0(struct duck_stream, 1);
	if (duckdb_query(connection->handle, sql, &stream->result) != DuckDBSuccess) {
		duck_set_error(error, duckdb_result_error(&stream->result));
		return NULL;
	}
	return g_steal_pointer(&stream);
}

void duck_stream_free(struct duck_stream *stream)
{
	if (!stream)
		return;
	if (stream->arrow)
		duckdb_destroy_arrow_options(&stream->arrow);
	duckdb_destroy_data_chunk(&stream->chunk);
	duckdb_destroy_result(&stream->result);
	duckdb_destroy_prepare(&stream->statement);
	g_free(stream->columns);
	g_free(stream);
}

size_t duck_stream_columns(const struct duck_stream *stream)
{
	return duckdb_column_count((duckdb_result *)&stream->result);
}

static void find_types(struct duck_stream *stream, size_t count)
{
	stream->columns = g_new0(struct column, count);
	for (size_t i = 0; i < count; i++) {
		struct column *column = &stream->columns[i];
		column->type = column->stored = duckdb_column_type(&stream->result, i);
		if (column->type != DUCKDB_TYPE_DECIMAL)
			continue;
		duckdb_logical_type decimal = duckdb_column_logical_type(&stream->result, i);
		column->stored = duckdb_decimal_internal_type(decimal);
		column->width = duckdb_decimal_width(decimal);
		column->scale = duckdb_decimal_scale(decimal);
		duckdb_destroy_logical_type(&decimal);
	}
}

static void find_values(struct duck_stream *stream)
{
	size_t count = duck_stream_columns(stream);
	if (!stream->columns)
		find_types(stream, count);
	for (size_t i = 0; i < count; i++) {
		duckdb_vector vector = duckdb_data_chunk_get_vector(stream->chunk, i);
		stream->columns[i].data = duckdb_vector_get_data(vector);
		stream->columns[i].validity = duckdb_vector_get_validity(vector);
	}
}

bool duck_stream_next(struct duck_stream *stream, size_t *rows, GError **error)
{
	duckdb_destroy_data_chunk(&stream->chunk);
	stream->chunk = duckdb_fetch_chunk(stream->result);
	*rows = 0;
	if (stream->chunk) {
		*rows = duckdb_data_chunk_get_size(stream->chunk);
		find_values(stream);
		return true;
	}
	/* No chunk means the end or a failure. */
	const char *message = duckdb_result_error(&stream->result);
	if (!message)
		return true;
	duck_set_error(error, message);
	return false;
}

bool duck_stream_has_text(const char *type)
{
	static const char *const names[] = {"TINYINT", "SMALLINT",  "INTEGER", "BIGINT",
					    "DATE",    "TIMESTAMP", NULL};
	static const char decimal[] = "DECIMAL(";
	/* Those of more digits are kept in more than 64 bits. */
	enum { MOST_DIGITS = 18 };
	if (!g_str_has_prefix(type, decimal) || g_str_has_suffix(type, "]"))
		return g_strv_contains(names, type);
	return g_ascii_strtoull(type + strlen(decimal), NULL, 10) <= MOST_DIGITS;
}

static int64_t read_integer(const struct column *column, size_t row)
{
	switch (column->stored) {
	case DUCKDB_TYPE_TINYINT:
		return ((const int8_t *)column->data)[row];
	case DUCKDB_TYPE_SMALLINT:
		return ((const int16_t *)column->data)[row];
	case DUCKDB_TYPE_INTEGER:
		return ((const int32_t *)column->data)[row];
	default:
		return ((const int64_t *)column->data)[row];
	}
}

static char *write_value(char *to, const struct column *column, size_t row)
{
	switch (column->type) {
	case DUCKDB_TYPE_DATE:
		return value_text_date(to, ((const duckdb_date *)column->data)[row].days);
	case DUCKDB_TYPE_TIMESTAMP:
		return value_text_timestamp(to,
					    ((const duckdb_timestamp *)column->data)[row].micros);
	case DUCKDB_TYPE_DECIMAL:
		return value_text_decimal(to, read_integer(column, row), column->width,
					  column->scale);
	default:
		return value_text_integer(to, read_integer(column, row));
	}
}

const char *duck_stream_text(struct duck_stream *stream, size_t column, size_t row, size_t *length)
{
	const struct column *from = &stream->columns[column];
	if (from->validity && !duckdb_validity_row_is_valid(from->validity, row))
		return NULL;
	if (from->type != DUCKDB_TYPE_VARCHAR) {
		*length = (size_t)(write_value(stream->text, from, row) - stream->text);
		return stream->text;
	}
	duckdb_string_t *text = (duckdb_string_t *)from->data + row;
	*length = duckdb_string_t_length(*text);
	return duckdb_string_t_data(text);
}

static bool check(duckdb_error_data failure, GError **error)
{
	bool failed = failure && duckdb_error_data_has_error(failure);
	if (failed)
		duck_set_error(error, duckdb_error_data_message(failure));
	if (failure)
		duckdb_destroy_error_data(&failure);
	return !failed;
}

static duckdb_arrow_options arrow_options(struct duck_stream *stream)
{
	if (!stream->arrow)
		stream->arrow = duckdb_result_get_arrow_options(&stream->result);
	return stream->arrow;
}

bool duck_stream_arrow_schema(struct duck_stream *stream, struct ArrowSchema *schema,
			      GError **error)
{
	size_t count = duck_stream_columns(stream);
	g_autofree duckdb_logical_type *types = g_new(duckdb_logical_type, count);
	g_autofree const char **names = g_new(const char *, count);
	for (size_t i = 0; i < count; i++) {
		types[i] = duckdb_column_logical_type(&stream->result, i);
		names[i] = duckdb_column_name(&stream->result, i);
	}
	duckdb_error_data failure = duckdb_to_arrow_schema(arrow_options(stream), types, names,
							   count, schema);
	for (size_t i = 0; i < count; i++)
		duckdb_destroy_logical_type(&types[i]);
	return check(failure, error);
}

bool duck_stream_arrow_chunk(struct duck_stream *stream, struct ArrowArray *array, GError **error)
{
	return check(duckdb_data_chunk_to_arrow(arrow_options(stream), stream->chunk, array),
		     error);
}
