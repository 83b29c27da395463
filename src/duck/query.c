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

static struct duck_value next_value(char letter, va_list *args)
{
	struct duck_value value = {.kind = DUCK_NULL};
	const void *pointer;
	switch (letter) {
	case 's':
		return (struct duck_value){DUCK_TEXT, .text = va_arg(*args, const char *)};
	case 'i':
		return (struct duck_value){DUCK_INT, .integer = va_arg(*args, int64_t)};
	case 'd':
		return (struct duck_value){DUCK_DOUBLE, .real = va_arg(*args, double)};
	case 'b':
		return (struct duck_value){DUCK_BOOL, .boolean = va_arg(*args, int) != 0};
	case 't':
		return (struct duck_value){DUCK_TIME, .time = va_arg(*args, int64_t)};
	case 'a':
		return (struct duck_value){DUCK_LIST, .list = va_arg(*args, char **)};
	case 'I':
		pointer = va_arg(*args, const int64_t *);
		return pointer ? (struct duck_value){DUCK_INT, .integer = *(const int64_t *)pointer}
			       : value;
	case 'D':
		pointer = va_arg(*args, const double *);
		return pointer ? (struct duck_value){DUCK_DOUBLE, .real = *(const double *)pointer}
			       : value;
	case 'B':
		pointer = va_arg(*args, const bool *);
		return pointer ? (struct duck_value){DUCK_BOOL, .boolean = *(const bool *)pointer}
			       : value;
	default:
		g_error("duck: unknown parameter letter '%c'", letter);
	}
}

struct duck_value *duck_values_new(const char *format, va_list *args)
{
	size_t count = format ? strlen(format) : 0;
	struct duck_value *values = g_new(struct duck_value, count + 1);
	for (size_t i = 0; i < count; i++)
		values[i] = next_value(format[i], args);
	return values;
}

static bool is_null(const struct duck_value *value)
{
	return value->kind == DUCK_NULL || (value->kind == DUCK_TEXT && !value->text) ||
	       (value->kind == DUCK_TIME && value->time == DUCK_NO_TIME) ||
	       (value->kind == DUCK_LIST && !value->list);
}

static duckdb_state bind_one(duckdb_prepared_statement handle, idx_t index,
			     const struct duck_value *value)
{
	if (is_null(value))
		return duckdb_bind_null(handle, index);
	switch (value->kind) {
	case DUCK_TEXT:
		return duckdb_bind_varchar(handle, index, value->text);
	case DUCK_INT:
		return duckdb_bind_int64(handle, index, value->integer);
	case DUCK_DOUBLE:
		return duckdb_bind_double(handle, index, value->real);
	case DUCK_BOOL:
		return duckdb_bind_boolean(handle, index, value->boolean);
	case DUCK_TIME:
		return duckdb_bind_timestamp(handle, index, (duckdb_timestamp){value->time});
	case DUCK_LIST:
		return bind_list(handle, index, value->list);
	default:
		g_error("duck: unknown kind of value %d", (int)value->kind);
	}
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
		if (bind_one(statement->handle, i + 1, &values[i]) != DuckDBSuccess) {
			duck_set_error(error, duckdb_prepare_error(statement->handle));
			return false;
		}
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

int64_t duck_statement_change_values(struct duck_statement *statement,
				     const struct duck_value *values, size_t count, GError **error)
{
	return changed_rows(execute(statement, values, count, error));
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
