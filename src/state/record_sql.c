/* The statements that a table of fields makes. */
#include "base/error.h"
#include "duck/sql.h"
#include "state/record.h"
#include "state/record_private.h"

#include <string.h>

static void append_columns(GString *sql, const struct record_type *type)
{
	for (size_t i = 0; i < type->count; i++)
		duck_sql_append(sql, i ? ", %I" : "%I", type->fields[i].column);
}

static void no_such(const struct record_type *type, GError **error)
{
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND, "no such %s", type->noun);
}

static struct duck_rows *select_rows(struct duck_connection *connection,
				     const struct record_type *type, const char *tail,
				     const struct duck_value *values, size_t count, GError **error)
{
	GError *cause = NULL;
	g_autoptr(GString) sql = g_string_new("SELECT ");
	append_columns(sql, type);
	duck_sql_append(sql, " FROM %S %S", type->table, tail);
	struct duck_rows *rows = duck_query_values(connection, sql->str, values, count, &cause);
	if (rows)
		return rows;
	/* A missing table or column must never pass for a missing row. */
	if (g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
		cause->code = AGNES_ERROR_CORRUPT;
	g_propagate_prefixed_error(error, cause, "cannot read a %s: ", type->noun);
	return NULL;
}

GPtrArray *record_query_values(struct duck_connection *connection, const struct record_type *type,
			       const char *tail, const struct duck_value *values, size_t count,
			       GError **error)
{
	g_autoptr(duck_rows) rows = select_rows(connection, type, tail, values, count, error);
	if (!rows)
		return NULL;
	GPtrArray *records = g_ptr_array_new_with_free_func(record_free);
	while (duck_rows_next(rows))
		g_ptr_array_add(records, record_read_row(type, rows));
	return records;
}

void *record_find_values(struct duck_connection *connection, const struct record_type *type,
			 const char *tail, const struct duck_value *values, size_t count,
			 GError **error)
{
	g_autoptr(duck_rows) rows = select_rows(connection, type, tail, values, count, error);
	if (!rows)
		return NULL;
	if (duck_rows_next(rows))
		return record_read_row(type, rows);
	no_such(type, error);
	return NULL;
}

GPtrArray *record_query(struct duck_connection *connection, GError **error,
			const struct record_type *type, const char *tail, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree struct duck_value *values = duck_values_new(format, &args);
	va_end(args);
	return record_query_values(connection, type, tail, values, format ? strlen(format) : 0,
				   error);
}

void *record_find(struct duck_connection *connection, GError **error,
		  const struct record_type *type, const char *tail, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree struct duck_value *values = duck_values_new(format, &args);
	va_end(args);
	return record_find_values(connection, type, tail, values, format ? strlen(format) : 0,
				  error);
}

static struct duck_value *values_of(const struct record_type *type, const void *record)
{
	struct duck_value *values = g_new(struct duck_value, type->count);
	for (size_t i = 0; i < type->count; i++)
		values[i] = record_value(record, &type->fields[i]);
	return values;
}

static GString *insert_into(const struct record_type *type)
{
	GString *sql = g_string_new(NULL);
	duck_sql_append(sql, "INSERT INTO %S (", type->table);
	append_columns(sql, type);
	g_string_append_c(sql, ')');
	return sql;
}

static GString *insert_sql(const struct record_type *type)
{
	GString *sql = insert_into(type);
	g_string_append(sql, " VALUES (");
	for (size_t i = 0; i < type->count; i++)
		g_string_append(sql, i ? ", ?" : "?");
	g_string_append_c(sql, ')');
	return sql;
}

static bool wrote(int64_t changed, const struct record_type *type, GError **error)
{
	if (changed >= 0)
		return true;
	g_prefix_error(error, "cannot write a %s: ", type->noun);
	return false;
}

bool record_insert(struct duck_connection *connection, const struct record_type *type,
		   const void *record, GError **error)
{
	g_autoptr(GString) sql = insert_sql(type);
	g_autofree struct duck_value *values = values_of(type, record);
	return wrote(duck_change_values(connection, sql->str, values, type->count, error), type,
		     error);
}

/* Runs what writes to one row: that row as a record, or NOT_FOUND. */
static void *write_returning(struct duck_connection *connection, const struct record_type *type,
			     GString *sql, const struct duck_value *values, size_t count,
			     GError **error)
{
	g_string_append(sql, " RETURNING ");
	append_columns(sql, type);
	g_autoptr(duck_rows) rows = duck_query_values(connection, sql->str, values, count, error);
	if (!wrote(rows ? 1 : -1, type, error))
		return NULL;
	if (duck_rows_next(rows))
		return record_read_row(type, rows);
	no_such(type, error);
	return NULL;
}

void *record_create(struct duck_connection *connection, const struct record_type *type,
		    const void *record, GError **error)
{
	g_autoptr(GString) sql = insert_sql(type);
	g_autofree struct duck_value *values = values_of(type, record);
	return write_returning(connection, type, sql, values, type->count, error);
}

static void append_conflict_rule(GString *sql, const struct record_type *type)
{
	const char *separator = " ON CONFLICT (";
	for (size_t i = 0; i < type->count; i++) {
		if (!(type->fields[i].roles & RECORD_KEY))
			continue;
		duck_sql_append(sql, "%S%I", separator, type->fields[i].column);
		separator = ", ";
	}
	separator = ") DO UPDATE SET ";
	for (size_t i = 0; i < type->count; i++) {
		const char *column = type->fields[i].column;
		if (type->fields[i].roles & (RECORD_KEY | RECORD_KEPT))
			continue;
		duck_sql_append(sql, "%S%I = excluded.%I", separator, column, column);
		separator = ", ";
	}
}

bool record_upsert(struct duck_connection *connection, const struct record_type *type,
		   const void *record, GError **error)
{
	g_autoptr(GString) sql = insert_sql(type);
	append_conflict_rule(sql, type);
	g_autofree struct duck_value *values = values_of(type, record);
	return wrote(duck_change_values(connection, sql->str, values, type->count, error), type,
		     error);
}

/* Column by column, for unnest(). */
static struct duck_value *columns_of(const struct record_type *type, const GPtrArray *records,
				     struct duck_value *items)
{
	static const enum duck_kind kinds[] = {
		[RECORD_KIND_TEXT] = DUCK_TEXT,	    [RECORD_KIND_INT] = DUCK_INT,
		[RECORD_KIND_DOUBLE] = DUCK_DOUBLE, [RECORD_KIND_BOOL] = DUCK_BOOL,
		[RECORD_KIND_FLAG] = DUCK_BOOL,	    [RECORD_KIND_TIME] = DUCK_TIME,
		[RECORD_KIND_LIST] = DUCK_LIST,
	};
	struct duck_value *columns = g_new(struct duck_value, type->count);
	for (size_t i = 0; i < type->count; i++, items += records->len) {
		for (guint j = 0; j < records->len; j++)
			items[j] = record_value(records->pdata[j], &type->fields[i]);
		columns[i] = (struct duck_value){DUCK_ARRAY, .items = items, .count = records->len,
						 .items_kind = kinds[type->fields[i].kind]};
	}
	return columns;
}

/* One statement for all of them: one each would cost a hundred times as much. */
static bool write_many(struct duck_connection *connection, const struct record_type *type,
		       const GPtrArray *records, bool overwrite, GError **error)
{
	if (records->len == 0)
		return true;
	g_autoptr(GString) sql = insert_into(type);
	for (size_t i = 0; i < type->count; i++)
		g_string_append(sql, i ? ", unnest(?)" : " SELECT unnest(?)");
	if (overwrite)
		append_conflict_rule(sql, type);
	g_autofree struct duck_value *items = g_new(struct duck_value, type->count * records->len);
	g_autofree struct duck_value *columns = columns_of(type, records, items);
	return wrote(duck_change_values(connection, sql->str, columns, type->count, error), type,
		     error);
}

bool record_insert_many(struct duck_connection *connection, const struct record_type *type,
			const GPtrArray *records, GError **error)
{
	return write_many(connection, type, records, false, error);
}

bool record_upsert_many(struct duck_connection *connection, const struct record_type *type,
			const GPtrArray *records, GError **error)
{
	return write_many(connection, type, records, true, error);
}

static const struct record_field *editable_field(const struct record_type *type, const char *column,
						 GError **error)
{
	for (size_t i = 0; i < type->count; i++) {
		const struct record_field *field = &type->fields[i];
		if ((field->roles & RECORD_EDITABLE) && strcmp(field->column, column) == 0)
			return field;
	}
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "'%s' of a %s cannot be changed",
		    column, type->noun);
	return NULL;
}

static void append_value(GArray *values, const void *record, const struct record_field *field)
{
	struct duck_value value = record_value(record, field);
	g_array_append_val(values, value);
}

/* For what writes to one row: 0 rows means that there is no such row. */
static bool changed_something(int64_t changed, const struct record_type *type, GError **error)
{
	if (changed == 0)
		no_such(type, error);
	return changed != 0 && wrote(changed, type, error);
}

static void append_touched(GString *sql, GArray *values, const struct record_type *type)
{
	struct duck_value now = {DUCK_TIME, .time = g_get_real_time()};
	for (size_t i = 0; i < type->count; i++) {
		if (!(type->fields[i].roles & RECORD_TOUCHED))
			continue;
		duck_sql_append(sql, ", %I = ?", type->fields[i].column);
		g_array_append_val(values, now);
	}
}

static void append_key(GString *sql, GArray *values, const struct record_type *type,
		       const void *record)
{
	const char *separator = "WHERE";
	for (size_t i = 0; i < type->count; i++) {
		if (!(type->fields[i].roles & RECORD_KEY))
			continue;
		duck_sql_append(sql, " %S %I = ?", separator, type->fields[i].column);
		append_value(values, record, &type->fields[i]);
		separator = "AND";
	}
}

/* "UPDATE <table> SET <columns>" and the values of the columns; false: one cannot be changed. */
static bool append_changes(GString *sql, GArray *values, const struct record_type *type,
			   const void *record, const char *const *columns, GError **error)
{
	duck_sql_append(sql, "UPDATE %S", type->table);
	for (; *columns; columns++) {
		const struct record_field *field = editable_field(type, *columns, error);
		if (!field)
			return false;
		duck_sql_append(sql, "%S %I = ?", values->len ? "," : " SET", field->column);
		append_value(values, record, field);
	}
	append_touched(sql, values, type);
	return true;
}

static int64_t change(struct duck_connection *connection, const GString *sql, const GArray *values,
		      GError **error)
{
	return duck_change_values(connection, sql->str, (const struct duck_value *)values->data,
				  values->len, error);
}

bool record_update(struct duck_connection *connection, const struct record_type *type,
		   const void *record, const char *const *columns, GError **error)
{
	if (!*columns)
		return true;
	g_autoptr(GString) sql = g_string_new(NULL);
	g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(struct duck_value));
	if (!append_changes(sql, values, type, record, columns, error))
		return false;
	append_key(sql, values, type, record);
	return changed_something(change(connection, sql, values, error), type, error);
}

int64_t record_update_where(struct duck_connection *connection, GError **error,
			    const struct record_type *type, const void *record,
			    const char *const *columns, const char *tail, const char *format, ...)
{
	if (!*columns)
		return 0;
	va_list args;
	va_start(args, format);
	g_autofree struct duck_value *tail_values = duck_values_new(format, &args);
	va_end(args);
	g_autoptr(GString) sql = g_string_new(NULL);
	g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(struct duck_value));
	if (!append_changes(sql, values, type, record, columns, error))
		return -1;
	duck_sql_append(sql, " %S", tail);
	g_array_append_vals(values, tail_values, (guint)strlen(format));
	int64_t changed = change(connection, sql, values, error);
	wrote(changed, type, error);
	return changed;
}

bool record_delete_values(struct duck_connection *connection, const struct record_type *type,
			  const char *tail, const struct duck_value *values, size_t count,
			  GError **error)
{
	g_autofree char *sql = duck_sql("DELETE FROM %S %S", type->table, tail);
	int64_t changed = duck_change_values(connection, sql, values, count, error);
	return changed_something(changed, type, error);
}

bool record_delete(struct duck_connection *connection, GError **error,
		   const struct record_type *type, const char *tail, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree struct duck_value *values = duck_values_new(format, &args);
	va_end(args);
	return record_delete_values(connection, type, tail, values, format ? strlen(format) : 0,
				    error);
}

void *record_take(struct duck_connection *connection, GError **error,
		  const struct record_type *type, const char *tail, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree struct duck_value *values = duck_values_new(format, &args);
	va_end(args);
	g_autoptr(GString) sql = g_string_new(NULL);
	duck_sql_append(sql, "DELETE FROM %S %S", type->table, tail);
	return write_returning(connection, type, sql, values, format ? strlen(format) : 0, error);
}
