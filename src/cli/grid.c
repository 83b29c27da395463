/* Lists as text. */
#include "cli/grid.h"

#include "cli/output.h"
#include "cli/table.h"

#include <string.h>

static const struct {
	const char *indent, *gap;
} styles[] = {
	[GRID_PLAIN] = {"", "  "},
	[GRID_SINGLE_SPACED] = {"", " "},
	[GRID_RULED] = {"  ", "  "},
};

char *grid_text(const json_t *value)
{
	if (!value || json_is_null(value))
		return g_strdup("");
	if (json_is_boolean(value))
		return g_strdup(json_is_true(value) ? "True" : "False");
	if (json_is_string(value))
		return output_printable_line(json_string_value(value));
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	g_autofree char *copy = g_strdup(text);
	free(text);
	return output_printable_line(copy);
}

static int display_width(const char *text)
{
	int width = 0;
	for (const char *at = text; *at; at = g_utf8_next_char(at)) {
		gunichar character = g_utf8_get_char(at);
		if (!g_unichar_iszerowidth(character))
			width += g_unichar_iswide(character) ? 2 : 1;
	}
	return width;
}

void grid_pad(GString *line, const char *text, int width, enum grid_align align)
{
	int missing = MAX(width - display_width(text), 0);
	int before = align == GRID_RIGHT ? missing : align == GRID_CENTRE ? missing / 2 : 0;
	g_string_append_printf(line, "%*s%s%*s", before, "", text, missing - before, "");
}

static char *cell(const struct grid_column *column, const json_t *row)
{
	char *text = grid_text(json_object_get(row, column->key));
	if (*text || !column->missing)
		return text;
	g_free(text);
	return g_strdup(column->missing);
}

static void print_line(GString *line)
{
	while (line->len > 0 && line->str[line->len - 1] == ' ')
		g_string_truncate(line, line->len - 1);
	g_string_append_c(line, '\n');
	fputs(line->str, stdout);
}

/* `row` NULL: the header. */
static void print_row(const struct grid_column *columns, const json_t *row, enum grid_style style)
{
	g_autoptr(GString) line = g_string_new(styles[style].indent);
	for (const struct grid_column *at = columns; at->title; at++) {
		g_autofree char *text = row ? cell(at, row) : g_strdup(at->title);
		if (at != columns)
			g_string_append(line, styles[style].gap);
		grid_pad(line, text, at->width,
			 row || at->align == GRID_RIGHT ? at->align : GRID_LEFT);
	}
	print_line(line);
}

static void print_rule(const struct grid_column *columns)
{
	int width = 0;
	for (const struct grid_column *at = columns; at->title; at++)
		width += MAX(at->width, (int)strlen(at->title)) + (at != columns ? 2 : 0);
	g_autoptr(GString) line = g_string_new("  ");
	while (width-- > 0)
		g_string_append_c(line, '-');
	print_line(line);
}

static void print_fitted(const struct grid_column *columns, const json_t *rows)
{
	size_t i;
	json_t *row;
	g_autoptr(table) table = table_new(output_width(), output_has_colour(stdout));
	for (const struct grid_column *at = columns; at->title; at++)
		table_add_column(table, at->title, at->align == GRID_RIGHT);
	json_array_foreach(rows, i, row)
	{
		g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
		for (const struct grid_column *at = columns; at->title; at++)
			g_ptr_array_add(cells, cell(at, row));
		table_add_row(table, (const char *const *)cells->pdata);
	}
	g_autofree char *text = table_render(table);
	fputs(text, stdout);
}

void grid_print(const struct grid_column *columns, const json_t *rows, enum grid_style style)
{
	size_t i;
	json_t *row;
	if (output_is_terminal()) {
		print_fitted(columns, rows);
		return;
	}
	print_row(columns, NULL, style);
	if (style == GRID_RULED)
		print_rule(columns);
	json_array_foreach(rows, i, row)
	{
		print_row(columns, row, style);
	}
}
