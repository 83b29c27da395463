/*
 * A statement that can stand in FROM is asked for a column of JSON; of any other (EXPLAIN, PRAGMA)
 * the result is small, and is turned into JSON here.
 */
#include "cli/engine/result.h"

#include "base/error.h"
#include "base/json.h"
#include "cli/output.h"
#include "duck/columns.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "duck/stream.h"
#include "query/cells.h"

#include <string.h>

struct column {
	char *name, *type;
};

struct result {
	GArray *columns; /* struct column */
	gint64 left;	 /* rows; RESULT_NO_LIMIT */
	/* One of the two. */
	struct duck_stream *stream;
	struct duck_rows *rows;
	size_t at, count; /* in the stream's current chunk */
	char *row;	  /* of `rows`, as JSON */
};

static void clear_column(void *data)
{
	struct column *column = data;
	g_free(column->name);
	g_free(column->type);
}

void result_free(struct result *result)
{
	if (!result)
		return;
	duck_stream_free(result->stream);
	duck_rows_free(result->rows);
	g_array_unref(result->columns);
	g_free(result->row);
	g_free(result);
}

/* Takes over what is in it. */
static void add_column(struct result *result, struct column column)
{
	g_array_append_val(result->columns, column);
}

static const struct column *column_at(const struct result *result, guint index)
{
	return &g_array_index(result->columns, struct column, index);
}

static bool is_real(const char *type)
{
	return strcmp(type, "DOUBLE") == 0 || strcmp(type, "FLOAT") == 0;
}

static bool is_number(const char *type)
{
	static const char *const whole[] = {"TINYINT", "SMALLINT", "INTEGER",	"BIGINT",
					    "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
					    "UBIGINT", "UHUGEINT", "BIGNUM"};
	bool found = is_real(type) || g_str_has_prefix(type, "DECIMAL(");
	for (size_t i = 0; !found && i < G_N_ELEMENTS(whole); i++)
		found = strcmp(type, whole[i]) == 0;
	return found && !g_str_has_suffix(type, "]");
}

static void append_cell(GString *sql, const struct column *column, guint index, bool as_text)
{
	g_autofree char *name = g_strdup_printf("c%u", index);
	if (!is_real(column->type))
		cells_append(sql, name, column->type, CELLS_OF_QUERY);
	else if (as_text)
		duck_sql_append(sql,
				"CASE WHEN isfinite(%S) THEN to_json(%S::DOUBLE) ELSE "
				"to_json(%S::VARCHAR) END",
				name, name, name);
	else
		duck_sql_append(sql, "CASE WHEN isfinite(%S) THEN %S::DOUBLE END", name, name);
}

/* The rows as one column, each an array. */
static char *json_statement(const struct result *result, const char *sql, bool as_text)
{
	GString *wrapped = g_string_new(NULL);
	duck_sql_append(wrapped, "FROM (%S\n) AS q(", sql);
	for (guint i = 0; i < result->columns->len; i++)
		g_string_append_printf(wrapped, "%sc%u", i ? ", " : "", i);
	g_string_append(wrapped, ") SELECT json_array(");
	for (guint i = 0; i < result->columns->len; i++) {
		g_string_append(wrapped, i ? ", " : "");
		append_cell(wrapped, column_at(result, i), i, as_text);
	}
	g_string_append_c(wrapped, ')');
	if (result->left != RESULT_NO_LIMIT)
		duck_sql_append(wrapped, " LIMIT %l", result->left);
	return g_string_free(wrapped, FALSE);
}

static bool open_stream(struct result *result, struct duck_connection *connection, const char *sql,
			bool as_text)
{
	g_autofree char *wrapped = json_statement(result, sql, as_text);
	/* Macros take a while to make, and few results need them. */
	if (strstr(wrapped, CELLS_PREFIX) && !cells_define(connection, CELLS_OF_CONNECTION, NULL))
		return false;
	result->stream = duck_stream_open(connection, wrapped, NULL);
	return result->stream != NULL;
}

static bool open_rows(struct result *result, struct duck_connection *connection, const char *sql,
		      GError **error)
{
	result->rows = duck_query(connection, error, sql, NULL);
	if (!result->rows)
		return false;
	g_array_set_size(result->columns, 0);
	for (size_t i = 0; i < duck_rows_columns(result->rows); i++)
		add_column(result, (struct column){g_strdup(duck_rows_name(result->rows, i)),
						   g_strdup("VARCHAR")});
	return true;
}

struct result *result_open(struct duck_connection *connection, const char *sql, gint64 limit,
			   bool as_text, GError **error)
{
	/* First as it stands, so that a mistake is told in its own words. */
	g_autoptr(duck_statement) statement = duck_prepare(connection, sql, error);
	if (!statement)
		return NULL;
	g_autoptr(result) result = g_new0(struct result, 1);
	result->left = limit;
	result->columns = g_array_new(FALSE, FALSE, sizeof(struct column));
	g_array_set_clear_func(result->columns, clear_column);
	for (size_t i = 0; i < duck_statement_columns(statement); i++)
		add_column(result, (struct column){duck_statement_column_name(statement, i),
						   duck_statement_column_type(statement, i)});
	bool is_query = duck_statement_is_query(statement);
	g_clear_pointer(&statement, duck_statement_free);
	if ((is_query && open_stream(result, connection, sql, as_text)) ||
	    open_rows(result, connection, sql, error))
		return g_steal_pointer(&result);
	return NULL;
}

static bool next_of_stream(struct result *result, struct json_slice *row, GError **error)
{
	while (result->at == result->count) {
		result->at = 0;
		if (!duck_stream_next(result->stream, &result->count, error) || result->count == 0)
			return false;
	}
	row->text = duck_stream_text(result->stream, 0, result->at++, &row->size);
	return true;
}

static bool next_of_rows(struct result *result, struct json_slice *row)
{
	if (result->left == 0 || !duck_rows_next(result->rows))
		return false;
	if (result->left > 0)
		result->left--;
	g_autoptr(json_t) cells = json_array();
	for (guint i = 0; i < result->columns->len; i++) {
		g_autofree char *text = duck_rows_any(result->rows, i);
		json_array_append_new(cells, text ? json_string(text) : json_null());
	}
	g_free(result->row);
	result->row = json_to_text(cells);
	*row = (struct json_slice){result->row, strlen(result->row)};
	return true;
}

bool result_next(struct result *result, struct json_slice *row, GError **error)
{
	return result->stream ? next_of_stream(result, row, error) : next_of_rows(result, row);
}

/* A row into the cells of the writer; the texts that this makes go to `texts`. */
static void add_row(struct rows *rows, struct json_slice row, struct rows_cell *cells, guint count,
		    GPtrArray *texts)
{
	struct json_slice rest = row, item;
	g_ptr_array_set_size(texts, 0);
	for (guint i = 0; i < count && json_text_next(&rest, &item); i++) {
		char *text = rows_text_of_json(item);
		if (text)
			g_ptr_array_add(texts, text);
		cells[i] = (struct rows_cell){.text = text, .json = item};
	}
	rows_add(rows, cells);
}

bool result_write(struct result *result, enum rows_format format, FILE *out, GError **error)
{
	guint count = result->columns->len;
	struct json_slice row;
	g_autoptr(GError) failure = NULL;
	g_autofree struct rows_column *columns = g_new(struct rows_column, count);
	g_autofree struct rows_cell *cells = g_new0(struct rows_cell, count);
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < count; i++)
		columns[i] = (struct rows_column){column_at(result, i)->name,
						  is_number(column_at(result, i)->type)};
	g_autoptr(rows) rows = rows_new(format, columns, count, out);
	while (!ferror(out) && result_next(result, &row, &failure))
		add_row(rows, row, cells, count, texts);
	if (failure) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return false;
	}
	rows_end(rows);
	return true;
}

static void append_object(GString *text, const struct result *result, struct json_slice row)
{
	struct json_slice rest = row, item;
	g_string_append_c(text, '{');
	for (guint i = 0; i < result->columns->len && json_text_next(&rest, &item); i++) {
		g_autoptr(json_t) name = json_string(column_at(result, i)->name);
		g_autofree char *quoted = json_to_text(name);
		g_string_append_printf(text, "%s%s:", i ? "," : "", quoted);
		g_string_append_len(text, item.text, (gssize)item.size);
	}
	g_string_append_c(text, '}');
}

bool result_append_objects(struct result *result, GString *text, GError **error)
{
	struct json_slice row;
	g_autoptr(GError) failure = NULL;
	g_string_append_c(text, '[');
	for (bool first = true; result_next(result, &row, &failure); first = false) {
		g_string_append(text, first ? "" : ",");
		append_object(text, result, row);
	}
	g_string_append_c(text, ']');
	if (!failure)
		return true;
	g_propagate_error(error, g_steal_pointer(&failure));
	return false;
}
