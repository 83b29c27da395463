/* Fields of a record: NULL, freeing, reading, values for SQL and for JSON. */
#include "state/record.h"

#include "base/clock.h"
#include "state/record_private.h"

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

static void *box_new(const struct record_type *type)
{
	struct box *box = g_malloc(sizeof(struct box) + type->size);
	box->type = type;
	record_init(type, box->record);
	return box->record;
}

void *record_copy(const struct record_type *type, const void *record)
{
	void *copy = box_new(type);
	memcpy(copy, record, type->size);
	for (size_t i = 0; i < type->count; i++) {
		void *to = member(copy, &type->fields[i]);
		if (type->fields[i].kind == RECORD_KIND_TEXT)
			*(char **)to = g_strdup(*(char **)to);
		else if (type->fields[i].kind == RECORD_KIND_LIST)
			*(char ***)to = g_strdupv(*(char ***)to);
	}
	return copy;
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

void *record_read_row(const struct record_type *type, struct duck_rows *rows)
{
	void *record = box_new(type);
	for (size_t i = 0; i < type->count; i++)
		read_field(member(record, &type->fields[i]), type->fields[i].kind, rows, i);
	return record;
}

struct duck_value record_value(const void *record, const struct record_field *field)
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
		struct duck_value value = record_value(record, &type->fields[i]);
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
