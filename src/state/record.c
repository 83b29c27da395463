/* Rows to structs and back, driven by the table of fields. */
#include "state/record.h"

#include "base/clock.h"
#include "base/error.h"
#include "duck/sql.h"

#include <math.h>
#include <string.h>

/* A record that this module made knows its type, so that one function frees them all. */
struct box {
	const struct record_type *type;
	max_align_t record[];
};

static void *member(const void *record, const struct record_field *field)
{
	return (char *)record + field->offset;
}

void record_init(const struct record_type *type, void *record)
{
	memset(record, 0, type->size);
	for (size_t i = 0; i < type->count; i++) {
		void *to = member(record, &type->fields[i]);
		switch (type->fields[i].kind) {
		case RECORD_KIND_INT:
		case RECORD_KIND_TIME:
			*(int64_t *)to = RECORD_NO_INT;
			break;
		case RECORD_KIND_DOUBLE:
			*(double *)to = NAN;
			break;
		case RECORD_KIND_FLAG:
			*(enum record_flag *)to = RECORD_UNSET;
			break;
		default: /* zeroed already */
			break;
		}
	}
}

void record_free(void *record)
{
	if (!record)
		return;
	struct box *box = (struct box *)((char *)record - offsetof(struct box, record));
	for (size_t i = 0; i < box->type->count; i++) {
		const struct record_field *field = &box->type->fields[i];
		if (field->kind == RECORD_KIND_TEXT)
			g_free(*(char **)member(record, field));
		else if (field->kind == RECORD_KIND_LIST)
			g_strfreev(*(char ***)member(record, field));
	}
	g_free(box);
}

static void read_field(void *to, enum record_kind kind, struct duck_rows *rows, size_t column)
{
	if (duck_rows_is_null(rows, column))
		return;
	switch (kind) {
	case RECORD_KIND_TEXT:
		*(char **)to = g_strdup(duck_rows_text(rows, column));
		break;
	case RECORD_KIND_INT:
		*(int64_t *)to = duck_rows_int(rows, column);
		break;
	case RECORD_KIND_DOUBLE:
		*(double *)to = duck_rows_double(rows, column);
		break;
	case RECORD_KIND_BOOL:
		*(bool *)to = duck_rows_bool(rows, column);
		break;
	case RECORD_KIND_FLAG:
		*(enum record_flag *)to = duck_rows_bool(rows, column) ? RECORD_TRUE : RECORD_FALSE;
		break;
	case RECORD_KIND_TIME:
		*(int64_t *)to = duck_rows_time(rows, column);
		break;
	case RECORD_KIND_LIST:
		*(char ***)to = duck_rows_list(rows, column);
		break;
	}
}

static void *read_row(const struct record_type *type, struct duck_rows *rows)
{
	struct box *box = g_malloc(sizeof(struct box) + type->size);
	box->type = type;
	record_init(type, box->record);
	for (size_t i = 0; i < type->count; i++)
		read_field(member(box->record, &type->fields[i]), type->fields[i].kind, rows, i);
	return box->record;
}

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
		g_ptr_array_add(records, read_row(type, rows));
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
		return read_row(type, rows);
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

static struct duck_value value_of(const void *record, const struct record_field *field)
{
	const void *from = member(record, field);
	struct duck_value value = {.kind = DUCK_NULL};
	switch (field->kind) {
	case RECORD_KIND_TEXT:
		return (struct duck_value){DUCK_TEXT, .text = *(const char *const *)from};
	case RECORD_KIND_INT:
		value.integer = *(const int64_t *)from;
		value.kind = value.integer == RECORD_NO_INT ? DUCK_NULL : DUCK_INT;
		return value;
	case RECORD_KIND_DOUBLE:
		value.real = *(const double *)from;
		value.kind = isnan(value.real) ? DUCK_NULL : DUCK_DOUBLE;
		return value;
	case RECORD_KIND_BOOL:
		return (struct duck_value){DUCK_BOOL, .boolean = *(const bool *)from};
	case RECORD_KIND_FLAG:
		value.boolean = *(const enum record_flag *)from == RECORD_TRUE;
		value.kind = *(const enum record_flag *)from == RECORD_UNSET ? DUCK_NULL
									     : DUCK_BOOL;
		return value;
	case RECORD_KIND_TIME:
		return (struct duck_value){DUCK_TIME, .time = *(const int64_t *)from};
	case RECORD_KIND_LIST:
		return (struct duck_value){DUCK_LIST, .list = *(char **const *)from};
	}
	return value;
}

static struct duck_value *values_of(const struct record_type *type, const void *record)
{
	struct duck_value *values = g_new(struct duck_value, type->count);
	for (size_t i = 0; i < type->count; i++)
		values[i] = value_of(record, &type->fields[i]);
	return values;
}

static GString *insert_sql(const struct record_type *type)
{
	GString *sql = g_string_new(NULL);
	duck_sql_append(sql, "INSERT INTO %S (", type->table);
	append_columns(sql, type);
	g_string_append(sql, ") VALUES (");
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

void *record_create(struct duck_connection *connection, const struct record_type *type,
		    const void *record, GError **error)
{
	g_autoptr(GString) sql = insert_sql(type);
	g_string_append(sql, " RETURNING ");
	append_columns(sql, type);
	g_autofree struct duck_value *values = values_of(type, record);
	g_autoptr(duck_rows)
		rows = duck_query_values(connection, sql->str, values, type->count, error);
	if (!wrote(rows ? 1 : -1, type, error))
		return NULL;
	return duck_rows_next(rows) ? read_row(type, rows) : NULL;
}

bool record_insert_many(struct duck_connection *connection, const struct record_type *type,
			const GPtrArray *records, GError **error)
{
	g_autoptr(GString) sql = insert_sql(type);
	g_autoptr(duck_statement) statement = duck_prepare(connection, sql->str, error);
	if (!statement)
		return wrote(-1, type, error);
	for (guint i = 0; i < records->len; i++) {
		g_autofree struct duck_value *values = values_of(type, records->pdata[i]);
		if (!wrote(duck_statement_change_values(statement, values, type->count, error),
			   type, error))
			return false;
	}
	return true;
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
	struct duck_value value = value_of(record, field);
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

static json_t *list_to_json(char **list)
{
	json_t *array = json_array();
	for (char **at = list; *at; at++)
		json_array_append_new(array, json_string(*at));
	return array;
}

static json_t *time_to_json(int64_t time)
{
	g_autofree char *text = clock_format(time);
	return text ? json_string(text) : json_null();
}

static json_t *value_to_json(const struct duck_value *value)
{
	switch (value->kind) {
	case DUCK_TEXT:
		return value->text ? json_string(value->text) : json_null();
	case DUCK_INT:
		return json_integer(value->integer);
	case DUCK_DOUBLE:
		return isfinite(value->real) ? json_real(value->real) : json_null();
	case DUCK_BOOL:
		return json_boolean(value->boolean);
	case DUCK_TIME:
		return time_to_json(value->time);
	case DUCK_LIST:
		return value->list ? list_to_json(value->list) : json_null();
	default:
		return json_null();
	}
}

json_t *record_to_json(const struct record_type *type, const void *record)
{
	json_t *object = json_object();
	for (size_t i = 0; i < type->count; i++) {
		struct duck_value value = value_of(record, &type->fields[i]);
		json_object_set_new(object, type->fields[i].column, value_to_json(&value));
	}
	return object;
}

json_t *records_to_json(const struct record_type *type, const GPtrArray *records)
{
	json_t *array = json_array();
	for (guint i = 0; i < records->len; i++)
		json_array_append_new(array, record_to_json(type, records->pdata[i]));
	return array;
}
