/* Tables by libsmartcols. */
#include "cli/table.h"

#include "base/cleanup.h"

#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#define GAP "  "

enum { LEAST_OF_TEXT = 12 }; /* below that a text that is wrapped cannot be read any more */

struct column {
	char *name;
	int header, widest; /* columns of a terminal */
	bool is_number;
};

struct table {
	struct libscols_table *lines;
	GArray *columns; /* of struct column */
	int width;
	bool colour;
};

static struct libscols_table *new_lines(int width, bool colour)
{
	struct libscols_table *lines = scols_new_table();
	if (!lines)
		g_error("out of memory");
	scols_table_set_termforce(lines, SCOLS_TERMFORCE_ALWAYS);
	scols_table_set_termwidth(lines, (size_t)width);
	scols_table_set_column_separator(lines, GAP);
	scols_table_enable_colors(lines, colour);
	return lines;
}

static void clear_column(void *data)
{
	struct column *column = data;
	g_free(column->name);
}

struct table *table_new(int width, bool colour)
{
	struct table *table = g_new0(struct table, 1);
	table->lines = new_lines(width, colour);
	table->columns = g_array_new(FALSE, FALSE, sizeof(struct column));
	g_array_set_clear_func(table->columns, clear_column);
	table->width = width;
	table->colour = colour;
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	scols_unref_table(table->lines);
	g_array_unref(table->columns);
	g_free(table);
}

static struct column *column_at(const struct table *table, size_t i)
{
	return &g_array_index(table->columns, struct column, i);
}

/* In columns of a terminal; the sequences that colour it do not count. */
static int line_width(const char *line, const char *end)
{
	int width = 0;
	for (; line < end; line = g_utf8_next_char(line)) {
		gunichar character = g_utf8_get_char(line);
		if (character == '\033') {
			line = memchr(line, 'm', (size_t)(end - line));
			if (!line)
				break;
			continue;
		}
		if (!g_unichar_iszerowidth(character))
			width += g_unichar_iswide(character) ? 2 : 1;
	}
	return width;
}

/* Valid UTF-8 on one line: \n, \t, and \xHH for other control characters. */
static char *cell_text(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *shown = g_string_new(NULL);
	for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
		gunichar character = g_utf8_get_char(at);
		if (character == '\n')
			g_string_append(shown, "\\n");
		else if (character == '\t')
			g_string_append(shown, "\\t");
		else if (g_unichar_iscntrl(character))
			g_string_append_printf(shown, "\\x%02x", character);
		else
			g_string_append_unichar(shown, character);
	}
	return g_string_free(shown, FALSE);
}

void table_add_column(struct table *table, const char *name, bool is_number)
{
	char *shown = cell_text(name);
	const struct column column = {.name = shown,
				      .header = line_width(shown, shown + strlen(shown)),
				      .is_number = is_number};
	scols_table_new_column(table->lines, shown, 0, is_number ? SCOLS_FL_RIGHT : SCOLS_FL_WRAP);
	g_array_append_val(table->columns, column);
}

void table_add_row(struct table *table, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(table->lines, NULL);
	for (size_t i = 0; line && i < table->columns->len; i++) {
		g_autofree char *shown = cell_text(cells[i] ? cells[i] : "NULL");
		struct column *column = column_at(table, i);
		column->widest = MAX(column->widest, line_width(shown, shown + strlen(shown)));
		scols_line_set_data(line, i, shown);
		if (!cells[i] && table->colour)
			scols_cell_set_color(scols_line_get_cell(line, i), "\033[2m");
	}
}

/* A line as long as the longest, below the header. */
static void insert_rule(GString *text)
{
	int width = 0;
	const char *end;
	for (const char *line = text->str; (end = strchr(line, '\n')); line = end + 1)
		width = MAX(width, line_width(line, end));
	const char *header_end = strchr(text->str, '\n');
	g_autoptr(GString) rule = g_string_new(NULL);
	while (width-- > 0)
		g_string_append(rule, "\342\224\200"); /* ─ */
	g_string_append_c(rule, '\n');
	if (header_end)
		g_string_insert(text, header_end + 1 - text->str, rule->str);
}

/* Without rows libsmartcols would print nothing, not even the header: there is an empty one then.
 */
static void add_empty_row(struct table *table)
{
	struct libscols_line *line = scols_table_new_line(table->lines, NULL);
	for (size_t i = 0; line && i < table->columns->len; i++)
		scols_line_set_data(line, i, "");
}

static void remove_last_line(GString *text)
{
	g_string_truncate(text, text->len - 1);
	const char *last = strrchr(text->str, '\n');
	g_string_truncate(text, last ? (gsize)(last + 1 - text->str) : 0);
}

static void append_lines(GString *text, struct libscols_table *lines)
{
	char *printed = NULL;
	if (scols_print_table_to_string(lines, &printed) != 0 || !printed)
		return;
	g_string_append(text, printed);
	free(printed);
	if (text->len > 0 && text->str[text->len - 1] != '\n')
		g_string_append_c(text, '\n');
}

static void append_as_table(struct table *table, bool is_empty, GString *text)
{
	append_lines(text, table->lines);
	if (is_empty && text->len > 0)
		remove_last_line(text);
	insert_rule(text);
}

/* Names of columns are wrapped only where they leave too little for the values. */
static int flags_of_names(const struct table *table)
{
	int widest = 0;
	for (size_t i = 0; i < table->columns->len; i++)
		widest = MAX(widest, column_at(table, i)->header);
	return widest > table->width / 2 ? SCOLS_FL_WRAP : 0;
}

/* One row as a table of its own: a line a column, its name and its value. */
static void append_record(const struct table *table, struct libscols_line *row, GString *text)
{
	struct libscols_table *lines = new_lines(table->width, table->colour);
	scols_table_enable_noheadings(lines, 1);
	scols_table_new_column(lines, "name", 0, flags_of_names(table));
	scols_table_new_column(lines, "value", 0, SCOLS_FL_WRAP);
	for (size_t i = 0; i < table->columns->len; i++) {
		struct libscols_line *line = scols_table_new_line(lines, NULL);
		struct libscols_cell *cell = scols_line_get_cell(row, i);
		if (!line || !cell)
			continue;
		scols_line_set_data(line, 0, column_at(table, i)->name);
		scols_line_set_data(line, 1, scols_cell_get_data(cell));
		scols_cell_set_color(scols_line_get_cell(line, 1), scols_cell_get_color(cell));
	}
	append_lines(text, lines);
	scols_unref_table(lines);
}

static void append_as_records(const struct table *table, GString *text)
{
	struct libscols_iter *rows = scols_new_iter(SCOLS_ITER_FORWARD);
	struct libscols_line *row;
	while (rows && scols_table_next_line(table->lines, rows, &row) == 0) {
		if (text->len > 0)
			g_string_append_c(text, '\n');
		append_record(table, row, text);
	}
	scols_free_iter(rows);
}

/* Numbers and names of columns cannot be wrapped, texts only so far. */
static bool fits(const struct table *table)
{
	int width = -(int)strlen(GAP);
	for (size_t i = 0; i < table->columns->len; i++) {
		const struct column *column = column_at(table, i);
		int least = column->is_number ? column->widest : MIN(column->widest, LEAST_OF_TEXT);
		width += MAX(column->header, least) + (int)strlen(GAP);
	}
	return width <= table->width;
}

char *table_render(struct table *table)
{
	GString *text = g_string_new(NULL);
	bool is_empty = scols_table_get_nlines(table->lines) == 0;
	if (is_empty)
		add_empty_row(table);
	if (fits(table))
		append_as_table(table, is_empty, text);
	else
		append_as_records(table, text);
	return g_string_free(text, FALSE);
}
