/* Preparing, binding and executing statements. */
#include "duck/query.h"

#include "base/error.h"
#include "duck/private.h"
#include "duck/rows.h"

#include <string.h>

struct duck_statement {
	duckdb_prepared_statement handle;
};

struct duck_statement *duck_prepare(struct duck_connection *connection, const char *sql,
				    GError **error)
{
	g_autoptr(duck_statement) statement = g_new0(struct duck_statement, 1);
	if (duckdb_prepare(connection->handle, sql, &statement->handle) != DuckDBSuccess) {
		duck_set_error(error, duckdb_prepare_error(statement->handle));
		return NULL;
	}
	return g_steal_pointer(&statement);
}

void duck_statement_free(struct duck_statement *statement)
{
	if (!statement)
		return;
	duckdb_destroy_prepare(&statement->handle);
	g_free(statement);
}

static duckdb_state bind_list(duckdb_prepared_statement handle, idx_t index, char **list)
{
	if (!list)
		return duckdb_bind_null(handle, index);
	guint count = g_strv_length(list);
	g_autofree duckdb_value *values = g_new(duckdb_value, count + 1);
	for (guint i = 0; i < count; i++)
		values[i] = duckdb_create_varchar(list[i]);
	duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
	duckdb_value value = duckdb_create_list_value(text, values, count);
	duckdb_state state = duckdb_bind_value(handle, index, value);
	duckdb_destroy_value(&value);
	duckdb_destroy_logical_type(&text);
	for (guint i = 0; i < count; i++)
		duckdb_destroy_value(&values[i]);
	return state;
}

static duckdb_state bind_text(duckdb_prepared_statement handle, idx_t index, const char *text)
{
	return text ? duckdb_bind_varchar(handle, index, text) : duckdb_bind_null(handle, index);
}

static duckdb_state bind_time(duckdb_prepared_statement handle, idx_t index, int64_t time)
{
	if (time == DUCK_NO_TIME)
		return duckdb_bind_null(handle, index);
	return duckdb_bind_timestamp(handle, index, (duckdb_timestamp){time});
}

static duckdb_state bind_one(duckdb_prepared_statement handle, idx_t index, char letter,
			     va_list *args)
{
	const void *pointer;
	switch (letter) {
	case 's':
		return bind_text(handle, index, va_arg(*args, const char *));
	case 'i':
		return duckdb_bind_int64(handle, index, va_arg(*args, int64_t));
	case 'd':
		return duckdb_bind_double(handle, index, va_arg(*args, double));
	case 'b':
		return duckdb_bind_boolean(handle, index, va_arg(*args, int) != 0);
	case 't':
		return bind_time(handle, index, va_arg(*args, int64_t));
	case 'a':
		return bind_list(handle, index, va_arg(*args, char **));
	case 'I':
		pointer = va_arg(*args, const int64_t *);
		return pointer ? duckdb_bind_int64(handle, index, *(const int64_t *)pointer)
			       : duckdb_bind_null(handle, index);
	case 'D':
		pointer = va_arg(*args, const double *);
		return pointer ? duckdb_bind_double(handle, index, *(const double *)pointer)
			       : duckdb_bind_null(handle, index);
	case 'B':
		pointer = va_arg(*args, const bool *);
		return pointer ? duckdb_bind_boolean(handle, index, *(const bool *)pointer)
			       : duckdb_bind_null(handle, index);
	default:
		g_error("duck: unknown parameter letter '%c'", letter);
	}
}

static bool bind_all(struct duck_statement *statement, GError **error, const char *format,
		     va_list *args)
{
	size_t given = format ? strlen(format) : 0;
	if (given != duckdb_nparams(statement->handle)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "the statement has %d parameters, %zu were given",
			    (int)duckdb_nparams(statement->handle), given);
		return false;
	}
	for (size_t i = 0; i < given; i++) {
		if (bind_one(statement->handle, i + 1, format[i], args) != DuckDBSuccess) {
			duck_set_error(error, duckdb_prepare_error(statement->handle));
			return false;
		}
	}
	return true;
}

static struct duck_rows *execute(struct duck_statement *statement, GError **error,
				 const char *format, va_list *args)
{
	duckdb_result result;
	if (!bind_all(statement, error, format, args))
		return NULL;
	if (duckdb_execute_prepared(statement->handle, &result) != DuckDBSuccess) {
		duck_set_error(error, duckdb_result_error(&result));
		duckdb_destroy_result(&result);
		return NULL;
	}
	return duck_rows_new(&result);
}

static int64_t changed_rows(struct duck_rows *result)
{
	g_autoptr(duck_rows) rows = result;
	return rows ? duck_rows_changed(rows) : -1;
}

struct duck_rows *duck_statement_query(struct duck_statement *statement, GError **error,
				       const char *format, ...)
{
	va_list args;
	va_start(args, format);
	struct duck_rows *rows = execute(statement, error, format, &args);
	va_end(args);
	return rows;
}

int64_t duck_statement_change(struct duck_statement *statement, GError **error, const char *format,
			      ...)
{
	va_list args;
	va_start(args, format);
	struct duck_rows *rows = execute(statement, error, format, &args);
	va_end(args);
	return changed_rows(rows);
}

/* Without parameters the text may hold several statements, which cannot be prepared as one. */
static struct duck_rows *run_text(struct duck_connection *connection, GError **error,
				  const char *sql)
{
	duckdb_result result;
	if (duckdb_query(connection->handle, sql, &result) != DuckDBSuccess) {
		duck_set_error(error, duckdb_result_error(&result));
		duckdb_destroy_result(&result);
		return NULL;
	}
	return duck_rows_new(&result);
}

static struct duck_rows *run(struct duck_connection *connection, GError **error, const char *sql,
			     const char *format, va_list *args)
{
	if (!format || !*format)
		return run_text(connection, error, sql);
	g_autoptr(duck_statement) statement = duck_prepare(connection, sql, error);
	return statement ? execute(statement, error, format, args) : NULL;
}

struct duck_rows *duck_query(struct duck_connection *connection, GError **error, const char *sql,
			     const char *format, ...)
{
	va_list args;
	va_start(args, format);
	struct duck_rows *rows = run(connection, error, sql, format, &args);
	va_end(args);
	return rows;
}

bool duck_exec(struct duck_connection *connection, GError **error, const char *sql,
	       const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autoptr(duck_rows) rows = run(connection, error, sql, format, &args);
	va_end(args);
	return rows != NULL;
}

int64_t duck_change(struct duck_connection *connection, GError **error, const char *sql,
		    const char *format, ...)
{
	va_list args;
	va_start(args, format);
	struct duck_rows *rows = run(connection, error, sql, format, &args);
	va_end(args);
	return changed_rows(rows);
}
