/* Rows that come as JSON: arrays with the names of columns beside them, or objects. */
#include "cli/output.h"
#include "cli/rows.h"

#include <string.h>

static bool is_null(struct json_slice value)
{
	return value.size == strlen("null") && strncmp(value.text, "null", value.size) == 0;
}

/* Decimals come as strings, so that they keep their digits. */
static bool is_number(struct json_slice value)
{
	const char *at = value.text, *end = at + value.size;
	if (value.size == 0 || *at != '"')
		return value.size > 0 && (*at == '-' || g_ascii_isdigit(*at));
	bool has_digit = false;
	for (at = at[1] == '-' ? at + 2 : at + 1; at < end - 1; at++) {
		if (!g_ascii_isdigit(*at) && *at != '.')
			return false;
		has_digit = true;
	}
	return has_digit;
}

char *rows_text_of_json(struct json_slice value)
{
	char *string = json_text_string(value);
	if (string)
		return string;
	if (is_null(value))
		return NULL;
	if (value.size == strlen("true") && strncmp(value.text, "true", value.size) == 0)
		return g_strdup("True");
	if (value.size == strlen("false") && strncmp(value.text, "false", value.size) == 0)
		return g_strdup("False");
	return g_strndup(value.text, value.size);
}

/* What is known of a column after all its cells were looked at. */
struct kind {
	bool has_number, has_other;
};

static void look_at_cells(struct kind *kinds, size_t count, struct json_slice arrays)
{
	struct json_slice row, cell;
	while (json_text_next(&arrays, &row)) {
		for (size_t i = 0; i < count && json_text_next(&row, &cell); i++) {
			if (is_number(cell))
				kinds[i].has_number = true;
			else if (!is_null(cell))
				kinds[i].has_other = true;
		}
	}
}

static struct rows *start(enum rows_format format, const char *const *names, size_t count,
			  struct json_slice arrays, FILE *out)
{
	g_autofree struct kind *kinds = g_new0(struct kind, count + 1);
	g_autofree struct rows_column *columns = g_new0(struct rows_column, count + 1);
	if (format == ROWS_TABLE)
		look_at_cells(kinds, count, arrays);
	for (size_t i = 0; i < count; i++)
		columns[i] = (struct rows_column){names[i],
						  kinds[i].has_number && !kinds[i].has_other};
	return rows_new(format, columns, count, out);
}

void rows_write_arrays(enum rows_format format, const char *const *names, size_t count,
		       struct json_slice arrays, FILE *out)
{
	struct json_slice row, value;
	g_autofree struct rows_cell *cells = g_new0(struct rows_cell, count + 1);
	g_autoptr(rows) rows = start(format, names, count, arrays, out);
	while (!ferror(out) && json_text_next(&arrays, &row)) {
		g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
		for (size_t i = 0; i < count; i++) {
			bool there = json_text_next(&row, &value);
			char *text = there ? rows_text_of_json(value) : NULL;
			g_ptr_array_add(texts, text);
			cells[i] = (struct rows_cell){.text = text};
			if (there)
				cells[i].json = value;
		}
		rows_add(rows, cells);
	}
	rows_end(rows);
}

/* The names of the members of the first object; to be freed with g_strfreev(). */
static char **first_names(struct json_slice objects)
{
	struct json_slice object, name, value;
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();
	if (json_text_next(&objects, &object)) {
		while (json_text_next_member(&object, &name, &value)) {
			g_autofree char *text = json_text_string(name);
			g_strv_builder_add(names, text ? text : "");
		}
	}
	return g_strv_builder_end(names);
}

/* The objects as arrays in the order of the names. */
static GString *to_arrays(struct json_slice objects, char **names)
{
	struct json_slice object, value;
	GString *arrays = g_string_new("[");
	while (json_text_next(&objects, &object)) {
		g_string_append(arrays, arrays->len > 1 ? ",[" : "[");
		for (char **name = names; *name; name++) {
			bool there = json_text_member(object, *name, &value);
			if (name != names)
				g_string_append_c(arrays, ',');
			if (there)
				g_string_append_len(arrays, value.text, (gssize)value.size);
			else
				g_string_append(arrays, "null");
		}
		g_string_append_c(arrays, ']');
	}
	g_string_append_c(arrays, ']');
	return arrays;
}

void rows_print_objects(struct json_slice objects)
{
	g_auto(GStrv) names = first_names(objects);
	size_t count = g_strv_length(names);
	if (count == 0)
		return;
	g_autoptr(GString) arrays = to_arrays(objects, names);
	rows_write_arrays(ROWS_TABLE, (const char *const *)names, count,
			  (struct json_slice){arrays->str, arrays->len}, stdout);
}
