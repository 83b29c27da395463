/* Pages of help. */
#include "cli/help.h"

#include "cli/commands.h"
#include "cli/parse.h"

#include <string.h>

enum { INDENT = 2, GAP = 2, WIDEST_TERM = 30 };

static const char about[] =
	"AI Data Analyst CLI: brings the tables that you may read to your machine, and asks the "
	"server what is better asked there.";

/* Words of `text` up to the width, continued lines indented; `column` is where it starts. */
static void add_wrapped(GString *page, const char *text, int indent, int column, int width)
{
	g_auto(GStrv) words = g_strsplit_set(text, " \n", -1);
	bool first = true;
	for (char **at = words; *at; at++) {
		if (!**at)
			continue;
		int size = (int)g_utf8_strlen(*at, -1);
		if (!first && column + 1 + size > width) {
			g_string_append_printf(page, "\n%*s", indent, "");
			column = indent;
			first = true;
		}
		if (!first) {
			g_string_append_c(page, ' ');
			column++;
		}
		g_string_append(page, *at);
		column += size;
		first = false;
	}
	g_string_append_c(page, '\n');
}

/* Paragraphs; one that starts with a space is kept as it is. */
static void add_paragraphs(GString *page, const char *text, int width)
{
	g_auto(GStrv) paragraphs = g_strsplit(text, "\n\n", -1);
	for (char **at = paragraphs; *at; at++) {
		g_string_append_c(page, '\n');
		if (**at == ' ')
			g_string_append_printf(page, "%s\n", *at);
		else
			add_wrapped(page, *at, 0, 0, width);
	}
}

/* One entry of a list: a term and what it means, beside it or below. */
static void add_entry(GString *page, const char *term, const char *meaning, int terms, int width)
{
	int size = (int)g_utf8_strlen(term, -1);
	int indent = INDENT + terms + GAP;
	g_string_append_printf(page, "%*s%s", INDENT, "", term);
	if (size > terms)
		g_string_append_printf(page, "\n%*s", indent, "");
	else
		g_string_append_printf(page, "%*s", terms - size + GAP, "");
	add_wrapped(page, meaning ? meaning : "", indent, indent, width);
}

struct entry {
	char *term, *meaning;
};

static void clear_entry(void *data)
{
	struct entry *entry = data;
	g_free(entry->term);
	g_free(entry->meaning);
}

static GArray *entries_new(void)
{
	GArray *entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
	g_array_set_clear_func(entries, clear_entry);
	return entries;
}

/* Takes the texts. */
static void entries_add(GArray *entries, struct entry entry)
{
	g_array_append_val(entries, entry);
}

static void add_list(GString *page, const char *title, const GArray *entries, int width)
{
	int terms = 0;
	int widest = MIN(WIDEST_TERM, width / 2);
	if (entries->len == 0)
		return;
	for (guint i = 0; i < entries->len; i++) {
		int size = (int)g_utf8_strlen(g_array_index(entries, struct entry, i).term, -1);
		if (size <= widest)
			terms = MAX(terms, size);
	}
	g_string_append_printf(page, "\n%s:\n", title);
	for (guint i = 0; i < entries->len; i++) {
		const struct entry *entry = &g_array_index(entries, struct entry, i);
		add_entry(page, entry->term, entry->meaning, terms, width);
	}
}

/* --- commands --- */

char *help_option_name(const struct option *option)
{
	GString *name = g_string_new(NULL);
	if (option->letter)
		g_string_append_printf(name, "-%c, ", option->letter);
	g_string_append_printf(name, "--%s", option->name);
	if (option->type != OPTION_FLAG)
		g_string_append_printf(name, " %s", option->metavar);
	return g_string_free(name, FALSE);
}

char *help_option_meaning(const struct option *option)
{
	g_autoptr(GPtrArray) facts = g_ptr_array_new_with_free_func(g_free);
	if (option->required)
		g_ptr_array_add(facts, g_strdup("required"));
	if (option->words) {
		g_auto(GStrv) words = g_strsplit(option->words, " ", -1);
		g_ptr_array_add(facts, g_strjoinv(", ", words));
	}
	if (option->variable && option->fallback)
		g_ptr_array_add(facts, g_strdup_printf("default: $%s, else %s", option->variable,
						       option->fallback));
	else if (option->variable || option->fallback)
		g_ptr_array_add(facts, g_strdup_printf("default: %s%s", option->variable ? "$" : "",
						       option->variable ? option->variable
									: option->fallback));
	g_ptr_array_add(facts, NULL);
	g_autofree char *joined = g_strjoinv("; ", (char **)facts->pdata);
	return *joined ? g_strdup_printf("%s [%s]", option->meaning, joined)
		       : g_strdup(option->meaning);
}

char *help_usage(const char *path)
{
	const struct command *command = parse_find_command(path);
	GString *usage = g_string_new("Usage: da ");
	if (*path)
		g_string_append_printf(usage, "%s ", path);
	if (!command) {
		g_string_append(usage, "COMMAND ...");
		return g_string_free(usage, FALSE);
	}
	if (command->options)
		g_string_append(usage, "[OPTIONS] ");
	for (const struct argument *at = command->arguments; at && at->name; at++)
		g_string_append_printf(usage, at->optional ? "[%s] " : "%s ", at->name);
	g_string_truncate(usage, usage->len - 1);
	return g_string_free(usage, FALSE);
}

static void add_command(GString *page, const struct command *command, int width)
{
	g_autoptr(GArray) arguments = entries_new();
	g_autoptr(GArray) options = entries_new();
	for (const struct argument *at = command->arguments; at && at->name; at++)
		entries_add(arguments, (struct entry){g_strdup(at->name), g_strdup(at->meaning)});
	for (const struct option *at = command->options; at && at->name; at++)
		entries_add(options, (struct entry){help_option_name(at), help_option_meaning(at)});
	entries_add(options, (struct entry){g_strdup("--help"), g_strdup("Show this page")});
	add_paragraphs(page, command->summary, width);
	if (command->details)
		add_paragraphs(page, command->details, width);
	add_list(page, "Arguments", arguments, width);
	add_list(page, "Options", options, width);
	if (!command->examples)
		return;
	g_string_append(page, "\nExamples:\n");
	g_auto(GStrv) lines = g_strsplit(command->examples, "\n", -1);
	for (char **at = lines; *at; at++)
		g_string_append_printf(page, "%*s%s\n", INDENT, "", *at);
}

/* --- groups --- */

static void add_members(GString *page, const char *group, int width)
{
	g_autoptr(GArray) entries = entries_new();
	size_t skipped = *group ? strlen(group) + 1 : 0;
	for (const struct command *const *at = commands; *at; at++) {
		if (!((*at)->traits & COMMAND_HIDDEN) && parse_is_member((*at)->path, group))
			entries_add(entries, (struct entry){g_strdup((*at)->path + skipped),
							    g_strdup((*at)->summary)});
	}
	for (const struct command_group *at = command_groups; at->path; at++) {
		if (parse_is_member(at->path, group))
			entries_add(entries,
				    (struct entry){g_strdup_printf("%s ...", at->path + skipped),
						   g_strdup(at->summary)});
	}
	add_list(page, "Commands", entries, width);
}

static void add_root(GString *page, int width)
{
	g_autoptr(GArray) options = entries_new();
	add_paragraphs(page, about, width);
	add_members(page, "", width);
	entries_add(options,
		    (struct entry){g_strdup("-V, --version"), g_strdup("Show the version")});
	entries_add(options, (struct entry){g_strdup("--help"),
					    g_strdup("Show this page, or that of a command")});
	add_list(page, "Options", options, width);
}

char *help_page(const char *path, int width)
{
	const struct command *command = parse_find_command(path);
	const struct command_group *group = command_group_find(path);
	g_autofree char *usage = help_usage(path);
	GString *page = g_string_new(usage);
	g_string_append_c(page, '\n');
	if (command) {
		add_command(page, command, width);
	} else if (group) {
		add_paragraphs(page, group->summary, width);
		if (group->details)
			add_paragraphs(page, group->details, width);
		add_members(page, path, width);
	} else {
		add_root(page, width);
	}
	return g_string_free(page, FALSE);
}
