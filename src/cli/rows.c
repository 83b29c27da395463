/* Writing rows. */
#include "cli/rows.h"

#include "base/json.h"
#include "cli/output.h"
#include "cli/table.h"

#include <string.h>

/* A table must be known whole to be laid out: longer ones are laid out in parts of so many rows. */
enum { ROWS_OF_TABLE = 10000 };

struct column {
	char *name;
	char *key; /* its name as JSON */
	bool is_number;
	size_t value;  /* which cell an object shows here: of equal names, the last */
	bool is_again; /* an earlier column has the same name */
};

struct rows {
	enum rows_format format;
	FILE *out;
	GArray *columns; /* of struct column */
	struct table *table;
	size_t in_table;
	size_t count;
	GString *line; /* reused */
};

enum rows_format rows_parse_format(const char *name)
{
	return strcmp(name, "csv") == 0	     ? ROWS_CSV
	       : strcmp(name, "json") == 0   ? ROWS_JSON
	       : strcmp(name, "ndjson") == 0 ? ROWS_NDJSON
					     : ROWS_TABLE;
}

static struct column *column_at(const struct rows *rows, size_t i)
{
	return &g_array_index(rows->columns, struct column, i);
}

static void clear_column(void *data)
{
	struct column *column = data;
	g_free(column->name);
	g_free(column->key);
}

static char *json_of_text(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_autoptr(json_t) string = json_string(valid);
	return json_to_text(string);
}

static void start_table(struct rows *rows)
{
	rows->table = table_new(output_width(), output_has_colour(rows->out));
	rows->in_table = 0;
	for (size_t i = 0; i < rows->columns->len; i++)
		table_add_column(rows->table, column_at(rows, i)->name,
				 column_at(rows, i)->is_number);
}

static void print_table(struct rows *rows)
{
	g_autofree char *text = table_render(rows->table);
	fputs(text, rows->out);
	g_clear_pointer(&rows->table, table_free);
}

/* Quoted only where it must be, so that plain values stay as they are. */
static void add_csv(GString *line, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		g_string_append(line, text);
		return;
	}
	g_string_append_c(line, '"');
	for (const char *at = text; *at; at++) {
		if (*at == '"')
			g_string_append_c(line, '"');
		g_string_append_c(line, *at);
	}
	g_string_append_c(line, '"');
}

static void write_line(struct rows *rows)
{
	g_string_append_c(rows->line, '\n');
	fwrite(rows->line->str, 1, rows->line->len, rows->out);
	g_string_truncate(rows->line, 0);
}

static void write_csv_header(struct rows *rows)
{
	for (size_t i = 0; i < rows->columns->len; i++) {
		if (i > 0)
			g_string_append_c(rows->line, ',');
		add_csv(rows->line, column_at(rows, i)->name);
	}
	write_line(rows);
}

/* Of columns with one name an object has the first one's place and the last one's value. */
static void resolve_equal_names(struct rows *rows)
{
	g_autoptr(GHashTable) first = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; i < rows->columns->len; i++) {
		struct column *column = column_at(rows, i);
		struct column *earlier = g_hash_table_lookup(first, column->name);
		if (earlier) {
			earlier->value = i;
			column->is_again = true;
		} else {
			g_hash_table_insert(first, column->name, column);
		}
	}
}

struct rows *rows_new(enum rows_format format, const struct rows_column *columns, size_t count,
		      FILE *out)
{
	struct rows *rows = g_new0(struct rows, 1);
	rows->format = format;
	rows->out = out;
	rows->line = g_string_new(NULL);
	rows->columns = g_array_new(FALSE, TRUE, sizeof(struct column));
	g_array_set_clear_func(rows->columns, clear_column);
	for (size_t i = 0; i < count; i++) {
		const struct column column = {.name = g_strdup(columns[i].name),
					      .key = json_of_text(columns[i].name),
					      .is_number = columns[i].is_number,
					      .value = i};
		g_array_append_val(rows->columns, column);
	}
	resolve_equal_names(rows);
	if (format == ROWS_TABLE)
		start_table(rows);
	else if (format == ROWS_CSV)
		write_csv_header(rows);
	return rows;
}

void rows_free(struct rows *rows)
{
	if (!rows)
		return;
	table_free(rows->table);
	g_array_unref(rows->columns);
	g_string_free(rows->line, TRUE);
	g_free(rows);
}

static void add_to_table(struct rows *rows, const struct rows_cell *cells)
{
	g_autofree const char **texts = g_new(const char *, rows->columns->len + 1);
	if (rows->in_table >= ROWS_OF_TABLE) {
		print_table(rows);
		start_table(rows);
	}
	for (size_t i = 0; i < rows->columns->len; i++)
		texts[i] = cells[i].text;
	table_add_row(rows->table, texts);
	rows->in_table++;
}

static void add_to_csv(struct rows *rows, const struct rows_cell *cells)
{
	for (size_t i = 0; i < rows->columns->len; i++) {
		if (i > 0)
			g_string_append_c(rows->line, ',');
		if (cells[i].text)
			add_csv(rows->line, cells[i].text);
	}
	write_line(rows);
}

static void add_json_value(GString *line, const struct rows_cell *cell, int level, bool indent)
{
	g_autofree char *quoted = NULL;
	struct json_slice value = cell->json;
	if (value.size == 0) {
		quoted = cell->text ? json_of_text(cell->text) : g_strdup("null");
		value = (struct json_slice){quoted, strlen(quoted)};
	}
	if (indent)
		json_text_indent(line, value, level);
	else
		g_string_append_len(line, value.text, (gssize)value.size);
}

static void add_object(struct rows *rows, const struct rows_cell *cells, bool indent)
{
	const char *separator = "";
	g_string_append_c(rows->line, '{');
	for (size_t i = 0; i < rows->columns->len; i++) {
		const struct column *column = column_at(rows, i);
		if (column->is_again)
			continue;
		g_string_append(rows->line, separator);
		if (indent)
			g_string_append(rows->line, "\n    ");
		json_text_indent(rows->line, (struct json_slice){column->key, strlen(column->key)},
				 0);
		g_string_append(rows->line, indent ? ": " : ":");
		add_json_value(rows->line, &cells[column->value], 2, indent);
		separator = ",";
	}
	g_string_append(rows->line, indent && *separator ? "\n  }" : "}");
}

static void add_to_json(struct rows *rows, const struct rows_cell *cells)
{
	g_string_append(rows->line, rows->count == 0 ? "[\n  " : ",\n  ");
	add_object(rows, cells, true);
	fwrite(rows->line->str, 1, rows->line->len, rows->out);
	g_string_truncate(rows->line, 0);
}

void rows_add(struct rows *rows, const struct rows_cell *cells)
{
	switch (rows->format) {
	case ROWS_TABLE:
		add_to_table(rows, cells);
		break;
	case ROWS_CSV:
		add_to_csv(rows, cells);
		break;
	case ROWS_JSON:
		add_to_json(rows, cells);
		break;
	case ROWS_NDJSON:
		add_object(rows, cells, false);
		write_line(rows);
		break;
	}
	rows->count++;
}

void rows_end(struct rows *rows)
{
	if (rows->format == ROWS_TABLE)
		print_table(rows);
	else if (rows->format == ROWS_JSON)
		fputs(rows->count == 0 ? "[]\n" : "\n]\n", rows->out);
}
