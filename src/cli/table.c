/* Tables by libsmartcols. */
#include "cli/table.h"

#include "base/cleanup.h"

#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

struct table {
	struct libscols_table *lines;
	size_t columns;
	bool colour;
};

struct table *table_new(int width, bool colour)
{
	struct table *table = g_new0(struct table, 1);
	table->lines = scols_new_table();
	if (!table->lines)
		g_error("out of memory");
	table->colour = colour;
	scols_table_set_termforce(table->lines, SCOLS_TERMFORCE_ALWAYS);
	scols_table_set_termwidth(table->lines, (size_t)width);
	scols_table_set_column_separator(table->lines, "  ");
	scols_table_enable_colors(table->lines, colour);
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	scols_unref_table(table->lines);
	g_free(table);
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
	g_autofree char *shown = cell_text(name);
	scols_table_new_column(table->lines, shown, 0, is_number ? SCOLS_FL_RIGHT : SCOLS_FL_WRAP);
	table->columns++;
}

void table_add_row(struct table *table, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(table->lines, NULL);
	for (size_t i = 0; line && i < table->columns; i++) {
		g_autofree char *shown = cell_text(cells[i] ? cells[i] : "NULL");
		scols_line_set_data(line, i, shown);
		if (!cells[i] && table->colour)
			scols_cell_set_color(scols_line_get_cell(line, i), "\033[2m");
	}
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
	for (size_t i = 0; line && i < table->columns; i++)
		scols_line_set_data(line, i, "");
}

static void remove_last_line(GString *text)
{
	g_string_truncate(text, text->len - 1);
	const char *last = strrchr(text->str, '\n');
	g_string_truncate(text, last ? (gsize)(last + 1 - text->str) : 0);
}

char *table_render(struct table *table)
{
	char *text = NULL;
	bool is_empty = scols_table_get_nlines(table->lines) == 0;
	if (is_empty)
		add_empty_row(table);
	if (scols_print_table_to_string(table->lines, &text) != 0 || !text)
		return g_strdup("");
	GString *whole = g_string_new(text);
	free(text);
	if (whole->len > 0 && whole->str[whole->len - 1] != '\n')
		g_string_append_c(whole, '\n');
	if (is_empty && whole->len > 0)
		remove_last_line(whole);
	insert_rule(whole);
	return g_string_free(whole, FALSE);
}
