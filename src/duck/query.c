/* Preparing, binding and executing statements. */
#include "duck/query.h"

#include "base/error.h"
#include "duck/private.h"
#include "duck/rows.h"

#include <string.h>

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

static bool bind_all(struct duck_statement *statement, const struct duck_value *values,
		     size_t count, GError **error)
{
	if (count != duckdb_nparams(statement->handle)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "the statement has %d parameters, %zu were given",
			    (int)duckdb_nparams(statement->handle), count);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (!duck_bind(statement->handle, i + 1, &values[i], error))
			return false;
	}
	return true;
}

static struct duck_rows *execute(struct duck_statement *statement, const struct duck_value *values,
				 size_t count, GError **error)
{
	duckdb_result result;
	if (!bind_all(statement, values, count, error))
		return NULL;
	if (duckdb_execute_prepared(statement->handle, &result) != DuckDBSuccess) {
		duck_set_error(error, duckdb_result_error(&result));
		duckdb_destroy_result(&result);
		return NULL;
	}
	return duck_rows_new(&result);
}

static struct duck_rows *execute_formatted(struct duck_statement *statement, GError **error,
					   const char *format, va_list *args)
{
	g_autofree struct duck_value *values = duck_values_new(format, args);
	return execute(statement, values, format ? strlen(format) : 0, error);
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
	struct duck_rows *rows = execute_formatted(statement, error, format, &args);
	va_end(args);
	return rows;
}

int64_t duck_statement_change(struct duck_statement *statement, GError **error, const char *format,
			      ...)
{
	va_list args;
	va_start(args, format);
	struct duck_rows *rows = execute_formatted(statement, error, format, &args);
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

struct duck_rows *duck_query_values(struct duck_connection *connection, const char *sql,
				    const struct duck_value *values, size_t count, GError **error)
{
	if (count == 0)
		return run_text(connection, error, sql);
	g_autoptr(duck_statement) statement = duck_prepare(connection, sql, error);
	return statement ? execute(statement, values, count, error) : NULL;
}

int64_t duck_change_values(struct duck_connection *connection, const char *sql,
			   const struct duck_value *values, size_t count, GError **error)
{
	return changed_rows(duck_query_values(connection, sql, values, count, error));
}

static struct duck_rows *run(struct duck_connection *connection, GError **error, const char *sql,
			     const char *format, va_list *args)
{
	g_autofree struct duck_value *values = duck_values_new(format, args);
	return duck_query_values(connection, sql, values, format ? strlen(format) : 0, error);
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
