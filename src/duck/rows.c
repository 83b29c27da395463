/* A cursor over a result that DuckDB holds in memory, chunk by chunk. */
#include "duck/rows.h"

#include <string.h>

struct column {
	duckdb_type type;
	duckdb_vector vector;
	const void *data;
	uint64_t *validity; /* NULL: no value of this chunk is NULL */
	GString *text;	    /* the current row's text, made when asked for */
};

struct duck_rows {
	duckdb_result result;
	duckdb_data_chunk chunk;
	idx_t row, chunk_rows; /* row counts from 1 while it stands on one */
	size_t count;
	struct column columns[];
};

struct duck_rows *duck_rows_new(duckdb_result *result)
{
	size_t count = duckdb_column_count(result);
	struct duck_rows *rows = g_malloc0(sizeof(struct duck_rows) +
					   count * sizeof(struct column));
	rows->result = *result;
	rows->count = count;
	for (size_t i = 0; i < count; i++)
		rows->columns[i].type = duckdb_column_type(result, i);
	return rows;
}

void duck_rows_free(struct duck_rows *rows)
{
	if (!rows)
		return;
	for (size_t i = 0; i < rows->count; i++) {
		if (rows->columns[i].text)
			g_string_free(rows->columns[i].text, TRUE);
	}
	duckdb_destroy_data_chunk(&rows->chunk);
	duckdb_destroy_result(&rows->result);
	g_free(rows);
}

int64_t duck_rows_changed(struct duck_rows *rows)
{
	return (int64_t)duckdb_rows_changed(&rows->result);
}

static bool next_chunk(struct duck_rows *rows)
{
	duckdb_destroy_data_chunk(&rows->chunk);
	/* The result is complete in memory, so that NULL can only mean its end. */
	rows->chunk = duckdb_fetch_chunk(rows->result);
	if (!rows->chunk)
		return false;
	rows->row = 0;
	rows->chunk_rows = duckdb_data_chunk_get_size(rows->chunk);
	for (size_t i = 0; i < rows->count; i++) {
		struct column *column = &rows->columns[i];
		column->vector = duckdb_data_chunk_get_vector(rows->chunk, i);
		column->data = duckdb_vector_get_data(column->vector);
		column->validity = duckdb_vector_get_validity(column->vector);
	}
	return true;
}

bool duck_rows_next(struct duck_rows *rows)
{
	while (rows->row >= rows->chunk_rows) {
		if (!next_chunk(rows)) {
			rows->row = rows->chunk_rows = 0;
			return false;
		}
	}
	rows->row++;
	return true;
}

size_t duck_rows_columns(const struct duck_rows *rows)
{
	return rows->count;
}

const char *duck_rows_name(struct duck_rows *rows, size_t column)
{
	return duckdb_column_name(&rows->result, column);
}

static const struct column *column_at(const struct duck_rows *rows, size_t column)
{
	if (column >= rows->count || rows->row == 0)
		g_error("duck: column %zu read, but the row has %zu or none is current", column,
			rows->count);
	return &rows->columns[column];
}

static G_NORETURN void wrong_type(struct duck_rows *rows, size_t column, const char *wanted)
{
	g_error("duck: column '%s' has type %d and cannot be read as %s",
		duck_rows_name(rows, column), (int)rows->columns[column].type, wanted);
}

static bool is_null(const struct column *column, idx_t row)
{
	return column->validity && !duckdb_validity_row_is_valid(column->validity, row);
}

bool duck_rows_is_null(const struct duck_rows *rows, size_t column)
{
	return is_null(column_at(rows, column), rows->row - 1);
}

const char *duck_rows_text(struct duck_rows *rows, size_t column)
{
	const struct column *from = column_at(rows, column);
	if (from->type != DUCKDB_TYPE_VARCHAR)
		wrong_type(rows, column, "text");
	if (is_null(from, rows->row - 1))
		return NULL;
	duckdb_string_t *string = (duckdb_string_t *)from->data + (rows->row - 1);
	GString **text = &rows->columns[column].text;
	if (!*text)
		*text = g_string_new(NULL);
	g_string_truncate(*text, 0);
	g_string_append_len(*text, duckdb_string_t_data(string),
			    (gssize)duckdb_string_t_length(*string));
	return (*text)->str;
}

static int64_t from_hugeint(duckdb_hugeint value)
{
	if (value.upper > 0 || (value.upper == 0 && value.lower > INT64_MAX))
		return INT64_MAX;
	if (value.upper < -1 || (value.upper == -1 && value.lower < (uint64_t)INT64_MIN))
		return INT64_MIN;
	return (int64_t)value.lower;
}

int64_t duck_rows_int(const struct duck_rows *rows, size_t column)
{
	const struct column *from = column_at(rows, column);
	idx_t row = rows->row - 1;
	if (is_null(from, row))
		return 0;
	switch (from->type) {
	case DUCKDB_TYPE_BIGINT:
		return ((const int64_t *)from->data)[row];
	case DUCKDB_TYPE_INTEGER:
		return ((const int32_t *)from->data)[row];
	case DUCKDB_TYPE_SMALLINT:
		return ((const int16_t *)from->data)[row];
	case DUCKDB_TYPE_TINYINT:
		return ((const int8_t *)from->data)[row];
	case DUCKDB_TYPE_UBIGINT:
		return (int64_t)MIN(((const uint64_t *)from->data)[row], (uint64_t)INT64_MAX);
	case DUCKDB_TYPE_UINTEGER:
		return ((const uint32_t *)from->data)[row];
	case DUCKDB_TYPE_USMALLINT:
		return ((const uint16_t *)from->data)[row];
	case DUCKDB_TYPE_UTINYINT:
		return ((const uint8_t *)from->data)[row];
	case DUCKDB_TYPE_HUGEINT:
		return from_hugeint(((const duckdb_hugeint *)from->data)[row]);
	default:
		wrong_type((struct duck_rows *)rows, column, "an integer");
	}
}

double duck_rows_double(const struct duck_rows *rows, size_t column)
{
	const struct column *from = column_at(rows, column);
	if (is_null(from, rows->row - 1))
		return 0;
	switch (from->type) {
	case DUCKDB_TYPE_DOUBLE:
		return ((const double *)from->data)[rows->row - 1];
	case DUCKDB_TYPE_FLOAT:
		return (double)((const float *)from->data)[rows->row - 1];
	default:
		wrong_type((struct duck_rows *)rows, column, "a floating-point number");
	}
}

bool duck_rows_bool(const struct duck_rows *rows, size_t column)
{
	const struct column *from = column_at(rows, column);
	if (from->type != DUCKDB_TYPE_BOOLEAN)
		wrong_type((struct duck_rows *)rows, column, "a boolean");
	return !is_null(from, rows->row - 1) && ((const bool *)from->data)[rows->row - 1];
}

int64_t duck_rows_time(const struct duck_rows *rows, size_t column)
{
	const struct column *from = column_at(rows, column);
	if (from->type != DUCKDB_TYPE_TIMESTAMP && from->type != DUCKDB_TYPE_TIMESTAMP_TZ)
		wrong_type((struct duck_rows *)rows, column, "a timestamp");
	if (is_null(from, rows->row - 1))
		return DUCK_NO_TIME;
	return ((const duckdb_timestamp *)from->data)[rows->row - 1].micros;
}

char **duck_rows_list(struct duck_rows *rows, size_t column)
{
	const struct column *from = column_at(rows, column);
	if (from->type != DUCKDB_TYPE_LIST)
		wrong_type(rows, column, "a list of texts");
	if (is_null(from, rows->row - 1))
		return NULL;
	duckdb_vector child = duckdb_list_vector_get_child(from->vector);
	duckdb_logical_type type = duckdb_vector_get_column_type(child);
	bool is_text = duckdb_get_type_id(type) == DUCKDB_TYPE_VARCHAR;
	duckdb_destroy_logical_type(&type);
	if (!is_text)
		wrong_type(rows, column, "a list of texts");
	struct column elements = {.data = duckdb_vector_get_data(child),
				  .validity = duckdb_vector_get_validity(child)};
	duckdb_list_entry entry = ((const duckdb_list_entry *)from->data)[rows->row - 1];
	g_autoptr(GStrvBuilder) list = g_strv_builder_new();
	for (idx_t i = entry.offset; i < entry.offset + entry.length; i++) {
		if (is_null(&elements, i))
			continue;
		duckdb_string_t *string = (duckdb_string_t *)elements.data + i;
		g_autofree char *text = g_strndup(duckdb_string_t_data(string),
						  duckdb_string_t_length(*string));
		g_strv_builder_add(list, text);
	}
	return g_strv_builder_end(list);
}

char *duck_rows_any(struct duck_rows *rows, size_t column)
{
	const struct column *from = column_at(rows, column);
	char number[G_ASCII_DTOSTR_BUF_SIZE];
	if (is_null(from, rows->row - 1))
		return NULL;
	switch (from->type) {
	case DUCKDB_TYPE_VARCHAR:
		return g_strdup(duck_rows_text(rows, column));
	case DUCKDB_TYPE_BOOLEAN:
		return g_strdup(duck_rows_bool(rows, column) ? "true" : "false");
	case DUCKDB_TYPE_FLOAT:
	case DUCKDB_TYPE_DOUBLE:
		return g_strdup(
			g_ascii_dtostr(number, sizeof number, duck_rows_double(rows, column)));
	case DUCKDB_TYPE_TINYINT:
	case DUCKDB_TYPE_SMALLINT:
	case DUCKDB_TYPE_INTEGER:
	case DUCKDB_TYPE_BIGINT:
	case DUCKDB_TYPE_UTINYINT:
	case DUCKDB_TYPE_USMALLINT:
	case DUCKDB_TYPE_UINTEGER:
	case DUCKDB_TYPE_UBIGINT:
	case DUCKDB_TYPE_HUGEINT:
		return g_strdup_printf("%" G_GINT64_FORMAT, duck_rows_int(rows, column));
	default:
		return g_strdup("…");
	}
}
