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

/* In columns of a terminal, without the sequences that colour it. */
static int line_width(const char *line, const char *end)
{
	int width = 0;
	for (; line < end; line = g_utf8_next_char(line)) {
		gunichar character = g_utf8_get_char(line);
		if (!g_unichar_iszerowidth(character))
			width += g_unichar_iswide(character) ? 2 : 1;
	}
	return width;
}

char *table_render(struct table *table)
{
	char *text = NULL;
	if (table->columns == 0 || scols_table_get_nlines(table->lines) == 0)
		scols_table_enable_noheadings(table->lines, false);
	if (scols_print_table_to_string(table->lines, &text) != 0 || !text)
		return g_strdup("");
	GString *whole = g_string_new(text);
	free(text);
	if (whole->len > 0 && whole->str[whole->len - 1] != '\n')
		g_string_append_c(whole, '\n');
	const char *header_end = strchr(whole->str, '\n');
	if (!header_end)
		return g_string_free(whole, FALSE);
	g_autoptr(GString) rule = g_string_new(NULL);
	for (int i = line_width(whole->str, header_end); i > 0; i--)
		g_string_append(rule, "\342\224\200"); /* ─ */
	g_string_append_c(rule, '\n');
	g_string_insert(whole, header_end + 1 - whole->str, rule->str);
	return g_string_free(whole, FALSE);
}
