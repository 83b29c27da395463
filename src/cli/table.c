/* Tables by libsmartcols. */
#include "cli/table.h"

#include "base/cleanup.h"

#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#define GAP "  "

enum {
	LEAST_OF_TEXT = 12, /* below that a text that is wrapped cannot be read any more */
	LONGEST_WORD = 40,  /* shorter ones, such as ids, are not broken */
};

struct column {
	char *name;
	int header, widest, word; /* columns of a terminal; word: the longest without a space */
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

/* Cells that are wrapped have their line breaks already. */
static void add_lines_column(struct libscols_table *lines, const char *name, int flags)
{
	struct libscols_column *column = scols_table_new_column(lines, name, 0, flags);
	if (!column || !(flags & SCOLS_FL_WRAP))
		return;
	scols_column_set_safechars(column, "\n");
	scols_column_set_wrapfunc(column, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
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

static int character_width(gunichar character)
{
	return g_unichar_iszerowidth(character) ? 0 : g_unichar_iswide(character) ? 2 : 1;
}

/* In columns of a terminal; the sequences that colour it do not count. */
static int line_width(const char *line, const char *end)
{
	int width = 0;
	for (; line < end; line = g_utf8_next_char(line)) {
		if (*line != '\033') {
			width += character_width(g_utf8_get_char(line));
			continue;
		}
		line = memchr(line, 'm', (size_t)(end - line));
		if (!line)
			break;
	}
	return width;
}

static int text_width(const char *text)
{
	return line_width(text, text + strlen(text));
}

/* Wide characters are words by themselves. */
static int longest_word(const char *text)
{
	int longest = 0, word = 0;
	for (; *text; text = g_utf8_next_char(text)) {
		gunichar character = g_utf8_get_char(text);
		bool within = !g_unichar_isspace(character) && !g_unichar_iswide(character);
		word = within ? word + character_width(character) : 0;
		longest = MAX(longest, word);
	}
	return longest;
}

/* The end of the first line of at most `width`: after the last space, else where there is no room.
 */
static const char *end_of_line(const char *text, int width)
{
	const char *space = NULL;
	int used = 0;
	for (const char *at = text; *at; at = g_utf8_next_char(at)) {
		used += character_width(g_utf8_get_char(at));
		if (*at == ' ' && at > text)
			space = at + 1;
		if (used > width && at > text)
			return space && *at != ' ' ? space : at;
	}
	return text + strlen(text);
}

/* With line breaks so that nothing is wider than `width`. */
static char *wrap(const char *text, int width)
{
	GString *lines = g_string_new(NULL);
	while (*text) {
		const char *end = end_of_line(text, width);
		if (lines->len > 0)
			g_string_append_c(lines, '\n');
		g_string_append_len(lines, text, end - text);
		while (*end && g_str_has_suffix(lines->str, " "))
			g_string_truncate(lines, lines->len - 1);
		for (text = end; *text == ' ';)
			text++;
	}
	return g_string_free(lines, FALSE);
}

static void wrap_cell(struct libscols_line *line, size_t column, int width)
{
	const char *text = scols_cell_get_data(scols_line_get_cell(line, column));
	if (!text || text_width(text) <= width)
		return;
	g_autofree char *wrapped = wrap(text, width);
	scols_line_set_data(line, column, wrapped);
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
	const struct column column = {
		.name = shown, .header = text_width(shown), .is_number = is_number};
	add_lines_column(table->lines, shown, is_number ? SCOLS_FL_RIGHT : SCOLS_FL_WRAP);
	g_array_append_val(table->columns, column);
}

void table_add_row(struct table *table, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(table->lines, NULL);
	for (size_t i = 0; line && i < table->columns->len; i++) {
		g_autofree char *shown = cell_text(cells[i] ? cells[i] : "NULL");
		struct column *column = column_at(table, i);
		column->widest = MAX(column->widest, text_width(shown));
		column->word = MAX(column->word, longest_word(shown));
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

/* One row as a table of its own: a line a column, its name and its value. */
static void append_record(const struct table *table, struct libscols_line *row, int names,
			  GString *text)
{
	struct libscols_table *lines = new_lines(table->width, table->colour);
	scols_table_enable_noheadings(lines, 1);
	add_lines_column(lines, "name", SCOLS_FL_WRAP);
	add_lines_column(lines, "value", SCOLS_FL_WRAP);
	for (size_t i = 0; i < table->columns->len; i++) {
		struct libscols_line *line = scols_table_new_line(lines, NULL);
		struct libscols_cell *cell = scols_line_get_cell(row, i);
		if (!line || !cell)
			continue;
		scols_line_set_data(line, 0, column_at(table, i)->name);
		scols_line_set_data(line, 1, scols_cell_get_data(cell));
		wrap_cell(line, 0, names);
		wrap_cell(line, 1, table->width - names - (int)strlen(GAP));
		scols_cell_set_color(scols_line_get_cell(line, 1), scols_cell_get_color(cell));
	}
	append_lines(text, lines);
	scols_unref_table(lines);
}

static void append_as_records(const struct table *table, GString *text)
{
	struct libscols_iter *rows = scols_new_iter(SCOLS_ITER_FORWARD);
	struct libscols_line *row;
	int names = 0;
	for (size_t i = 0; i < table->columns->len; i++)
		names = MAX(names, column_at(table, i)->header);
	names = MIN(names, table->width / 2);
	while (rows && scols_table_next_line(table->lines, rows, &row) == 0) {
		if (text->len > 0)
			g_string_append_c(text, '\n');
		append_record(table, row, names, text);
	}
	scols_free_iter(rows);
}

/* That a column must have: numbers and words are not broken, nor are names of columns. */
static int least_width(const struct column *column)
{
	int word = MAX(MIN(column->word, LONGEST_WORD), LEAST_OF_TEXT);
	return MAX(column->header, column->is_number ? column->widest : MIN(column->widest, word));
}

/* That it gets where none may have more than `most` without need. */
static int width_within(const struct column *column, int most)
{
	int whole = MAX(column->header, column->widest);
	return CLAMP(most, least_width(column), whole);
}

static int total_width(const struct table *table, int most)
{
	int width = -(int)strlen(GAP);
	for (size_t i = 0; i < table->columns->len; i++)
		width += width_within(column_at(table, i), most) + (int)strlen(GAP);
	return width;
}

/* Takes from the widest columns until all have their place; false: it cannot be. */
static bool fit(struct table *table)
{
	int most = table->width;
	while (most > 0 && total_width(table, most) > table->width)
		most--;
	if (most == 0)
		return table->columns->len == 0;
	struct libscols_iter *rows = scols_new_iter(SCOLS_ITER_FORWARD);
	struct libscols_line *row;
	while (rows && scols_table_next_line(table->lines, rows, &row) == 0) {
		for (size_t i = 0; i < table->columns->len; i++)
			wrap_cell(row, i, width_within(column_at(table, i), most));
	}
	scols_free_iter(rows);
	return true;
}

char *table_render(struct table *table)
{
	GString *text = g_string_new(NULL);
	bool is_empty = scols_table_get_nlines(table->lines) == 0;
	if (is_empty)
		add_empty_row(table);
	if (fit(table))
		append_as_table(table, is_empty, text);
	else
		append_as_records(table, text);
	return g_string_free(text, FALSE);
}
