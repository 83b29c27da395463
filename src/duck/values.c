/* Parameters: from format strings to values, from values to DuckDB. */
#include "base/error.h"
#include "duck/private.h"
#include "duck/query.h"

#include <string.h>

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

static duckdb_logical_type type_of(enum duck_kind kind)
{
	static const duckdb_type types[] = {
		[DUCK_TEXT] = DUCKDB_TYPE_VARCHAR,   [DUCK_INT] = DUCKDB_TYPE_BIGINT,
		[DUCK_DOUBLE] = DUCKDB_TYPE_DOUBLE,  [DUCK_BOOL] = DUCKDB_TYPE_BOOLEAN,
		[DUCK_TIME] = DUCKDB_TYPE_TIMESTAMP,
	};
	if (kind != DUCK_LIST)
		return duckdb_create_logical_type(types[kind]);
	duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
	duckdb_logical_type list = duckdb_create_list_type(text);
	duckdb_destroy_logical_type(&text);
	return list;
}

/* Takes over the values, but not their array. */
static duckdb_value make_list(enum duck_kind kind, duckdb_value *values, size_t count)
{
	duckdb_logical_type type = type_of(kind);
	duckdb_value list = duckdb_create_list_value(type, values, count);
	duckdb_destroy_logical_type(&type);
	for (size_t i = 0; i < count; i++)
		duckdb_destroy_value(&values[i]);
	return list;
}

static duckdb_value make_value(const struct duck_value *value);

static duckdb_value make_texts(char **list)
{
	guint count = g_strv_length(list);
	g_autofree duckdb_value *values = g_new(duckdb_value, count + 1);
	for (guint i = 0; i < count; i++)
		values[i] = duckdb_create_varchar(list[i]);
	return make_list(DUCK_TEXT, values, count);
}

static duckdb_value make_array(const struct duck_value *array)
{
	g_autofree duckdb_value *values = g_new(duckdb_value, array->count + 1);
	for (size_t i = 0; i < array->count; i++)
		values[i] = make_value(&array->items[i]);
	return make_list(array->items_kind, values, array->count);
}

static duckdb_value make_value(const struct duck_value *value)
{
	if (is_null(value))
		return duckdb_create_null_value();
	switch (value->kind) {
	case DUCK_TEXT:
		return duckdb_create_varchar(value->text);
	case DUCK_INT:
		return duckdb_create_int64(value->integer);
	case DUCK_DOUBLE:
		return duckdb_create_double(value->real);
	case DUCK_BOOL:
		return duckdb_create_bool(value->boolean);
	case DUCK_TIME:
		return duckdb_create_timestamp((duckdb_timestamp){value->time});
	case DUCK_LIST:
		return make_texts(value->list);
	case DUCK_ARRAY:
		return make_array(value);
	default:
		g_error("duck: unknown kind of value %d", (int)value->kind);
	}
}

static bool is_utf8(const struct duck_value *value)
{
	if (is_null(value))
		return true;
	if (value->kind == DUCK_TEXT)
		return g_utf8_validate(value->text, -1, NULL);
	for (char *const *text = value->list; value->kind == DUCK_LIST && *text; text++) {
		if (!g_utf8_validate(*text, -1, NULL))
			return false;
	}
	for (size_t i = 0; value->kind == DUCK_ARRAY && i < value->count; i++) {
		if (!is_utf8(&value->items[i]))
			return false;
	}
	return true;
}

bool duck_bind(duckdb_prepared_statement handle, idx_t index, const struct duck_value *value,
	       GError **error)
{
	/* DuckDB makes no value of other text, and does not say why. */
	if (!is_utf8(value)) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "a text is not valid UTF-8");
		return false;
	}
	duckdb_value bound = make_value(value);
	bool done = duckdb_bind_value(handle, index, bound) == DuckDBSuccess;
	if (!done)
		duck_set_error(error, duckdb_prepare_error(handle));
	duckdb_destroy_value(&bound);
	return done;
}
