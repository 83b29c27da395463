/* Finding the command and taking its arguments apart. */
#include "cli/parse.h"

#include "base/nearest.h"
#include "cli/commands.h"
#include "cli/invocation.h"

#include <string.h>

/* What is to be parsed, and how far it is. */
struct parser {
	struct parsed *parsed;
	int argc;
	char **argv;
	int next;
	const struct command *command;
	struct invocation *invocation;
	GPtrArray *positionals; /* borrowed */
};

const struct command *parse_find_command(const char *path)
{
	for (const struct command *const *at = commands; *at; at++) {
		if (strcmp((*at)->path, path) == 0 || g_strcmp0((*at)->alias, path) == 0)
			return *at;
	}
	return NULL;
}

bool parse_is_member(const char *path, const char *group)
{
	size_t length = strlen(group);
	if (length == 0)
		return !strchr(path, ' ');
	return strncmp(path, group, length) == 0 && path[length] == ' ' &&
	       !strchr(path + length + 1, ' ');
}

/* Always false. Takes the problem; the first one stays. */
static bool wrong(struct parser *parser, char *problem)
{
	parser->parsed->outcome = PARSE_WRONG;
	parser->parsed->problem = problem;
	return false;
}

/* The problem, and the word that was probably meant; frees `problem`. */
static char *with_suggestion(char *problem, const char *word, const GPtrArray *known,
			     const char *dashes)
{
	const char *near = nearest_word(word, (const char *const *)known->pdata, known->len);
	if (!near)
		return problem;
	char *whole = g_strdup_printf("%s Did you mean '%s%s'?", problem, dashes, near);
	g_free(problem);
	return whole;
}

/* The last words of what stands directly in a group, borrowed. */
static GPtrArray *members(const char *group)
{
	GPtrArray *names = g_ptr_array_new();
	size_t skipped = *group ? strlen(group) + 1 : 0;
	for (const struct command_group *at = command_groups; at->path; at++) {
		if (parse_is_member(at->path, group))
			g_ptr_array_add(names, (char *)at->path + skipped);
	}
	for (const struct command *const *at = commands; *at; at++) {
		if (!((*at)->traits & COMMAND_HIDDEN) && parse_is_member((*at)->path, group))
			g_ptr_array_add(names, (char *)(*at)->path + skipped);
	}
	return names;
}

/* --- options --- */

static const struct option *find_option(const struct command *command, const char *name,
					size_t size)
{
	for (const struct option *at = command->options; at && at->name; at++) {
		if (strlen(at->name) == size && strncmp(at->name, name, size) == 0)
			return at;
	}
	return NULL;
}

static const struct option *find_letter(const struct command *command, char letter)
{
	for (const struct option *at = command->options; at && at->name; at++) {
		if (at->letter == letter)
			return at;
	}
	return NULL;
}

static bool check_value(struct parser *parser, const struct option *option, const char *value)
{
	int64_t number;
	if (!g_utf8_validate(value, -1, NULL))
		return wrong(parser, g_strdup_printf("Invalid value for '--%s': it is not UTF-8.",
						     option->name));
	if (option->type != OPTION_INTEGER)
		return true;
	if (!invocation_parse_integer(value, &number))
		return wrong(
			parser,
			g_strdup_printf("Invalid value for '--%s': '%s' is not a valid integer.",
					option->name, value));
	if (option->least && number < option->least)
		return wrong(parser, g_strdup_printf("Invalid value for '--%s': %s is less than "
						     "%" G_GINT64_FORMAT ".",
						     option->name, value, option->least));
	return true;
}

/* `value` is what came with the option itself, else the next word is taken. */
static bool take_option(struct parser *parser, const struct option *option, const char *value)
{
	if (option->type == OPTION_FLAG) {
		if (value)
			return wrong(parser, g_strdup_printf("Option '--%s' does not take a value.",
							     option->name));
		invocation_set(parser->invocation, option->name, "");
		return true;
	}
	if (!value && parser->next >= parser->argc)
		return wrong(parser,
			     g_strdup_printf("Option '--%s' requires an argument.", option->name));
	if (!value)
		value = parser->argv[parser->next++];
	if (!check_value(parser, option, value))
		return false;
	invocation_set(parser->invocation, option->name, value);
	return true;
}

static bool take_long(struct parser *parser, const char *word)
{
	const char *name = word + strlen("--");
	const char *equals = strchr(name, '=');
	size_t size = equals ? (size_t)(equals - name) : strlen(name);
	const struct option *option = find_option(parser->command, name, size);
	if (option)
		return take_option(parser, option, equals ? equals + 1 : NULL);
	if (strcmp(name, "help") == 0) {
		parser->parsed->outcome = PARSE_HELP;
		return false;
	}
	g_autoptr(GPtrArray) known = g_ptr_array_new();
	for (const struct option *at = parser->command->options; at && at->name; at++)
		g_ptr_array_add(known, (char *)at->name);
	g_autofree char *bare = g_strndup(name, size);
	return wrong(parser, with_suggestion(g_strdup_printf("No such option: --%s.", bare), bare,
					     known, "--"));
}

static bool take_short(struct parser *parser, const char *word)
{
	const struct option *option = find_letter(parser->command, word[1]);
	if (!option)
		return wrong(parser, g_strdup_printf("No such option: -%c.", word[1]));
	return take_option(parser, option, word[2] ? word + 2 : NULL);
}

/* SQL may begin with a comment, a number with its sign. */
static bool is_option(const char *word)
{
	return word[0] == '-' && (g_ascii_isalpha(word[1]) ||
				  (word[1] == '-' && (!word[2] || g_ascii_isalnum(word[2]))));
}

static bool take_words(struct parser *parser)
{
	bool options_end = false;
	while (parser->next < parser->argc) {
		const char *word = parser->argv[parser->next++];
		bool fine = true;
		if (options_end || !is_option(word))
			g_ptr_array_add(parser->positionals, (char *)word);
		else if (strcmp(word, "--") == 0)
			options_end = true;
		else
			fine = word[1] == '-' ? take_long(parser, word) : take_short(parser, word);
		if (!fine)
			return false;
	}
	return true;
}

/* --- what the command wants --- */

static bool place_positionals(struct parser *parser)
{
	guint i = 0;
	for (const struct argument *at = parser->command->arguments; at && at->name; at++, i++) {
		if (i >= parser->positionals->len) {
			if (at->optional)
				return true;
			return wrong(parser, g_strdup_printf("Missing argument '%s'.", at->name));
		}
		const char *value = parser->positionals->pdata[i];
		if (!g_utf8_validate(value, -1, NULL))
			return wrong(parser, g_strdup_printf("Invalid value for '%s': it is not "
							     "UTF-8.",
							     at->name));
		invocation_set(parser->invocation, at->name, value);
	}
	if (i < parser->positionals->len)
		return wrong(parser, g_strdup_printf("Got unexpected extra argument (%s).",
						     (char *)parser->positionals->pdata[i]));
	return true;
}

/* What comes from variables is checked as well; what is required must be there. */
static bool check_options(struct parser *parser)
{
	for (const struct option *at = parser->command->options; at && at->name; at++) {
		if (at->type == OPTION_FLAG || invocation_given(parser->invocation, at->name))
			continue;
		const char *value = invocation_text(parser->invocation, at->name);
		if (value && !check_value(parser, at, value))
			return false;
		if (!value && at->required)
			return wrong(parser, g_strdup_printf("Missing option '--%s'.", at->name));
	}
	return true;
}

static void parse_command(struct parser *parser)
{
	g_autoptr(GPtrArray) positionals = g_ptr_array_new();
	g_autoptr(invocation) invocation = invocation_new(parser->command, parser->argv);
	parser->invocation = invocation;
	parser->positionals = positionals;
	if (!take_words(parser) || !place_positionals(parser) || !check_options(parser))
		return;
	parser->parsed->outcome = PARSE_RUN;
	parser->parsed->invocation = g_steal_pointer(&invocation);
}

/* An option before the command's name is complete: the root and the groups have but these. */
static void parse_early_option(struct parser *parser, const char *word)
{
	bool at_root = !*parser->parsed->path;
	if (strcmp(word, "--help") == 0)
		parser->parsed->outcome = PARSE_HELP;
	else if (at_root && (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0))
		parser->parsed->outcome = PARSE_VERSION;
	else
		wrong(parser, g_strdup_printf("No such option: %s.", word));
}

/* Adds a word to the path; false if nothing has that name. */
static bool extend_path(struct parser *parser, const char *word)
{
	g_autofree char *group = g_steal_pointer(&parser->parsed->path);
	char *path = *group ? g_strconcat(group, " ", word, NULL) : g_strdup(word);
	parser->command = parse_find_command(path);
	if (parser->command || command_group_find(path)) {
		parser->parsed->path = parser->command ? g_strdup(parser->command->path)
						       : g_strdup(path);
		g_free(path);
		return true;
	}
	g_free(path);
	g_autoptr(GPtrArray) known = members(group);
	wrong(parser,
	      with_suggestion(g_strdup_printf("No such command '%s'.", word), word, known, ""));
	parser->parsed->path = g_steal_pointer(&group);
	return false;
}

void parse(struct parsed *parsed, int argc, char **argv)
{
	*parsed = (struct parsed){.path = g_strdup("")};
	struct parser parser = {.parsed = parsed, .argc = argc, .argv = argv, .next = 1};
	while (!parser.command) {
		if (parser.next >= argc) {
			wrong(&parser, g_strdup("Missing command."));
			return;
		}
		const char *word = argv[parser.next++];
		if (word[0] == '-') {
			parse_early_option(&parser, word);
			return;
		}
		if (!extend_path(&parser, word))
			return;
	}
	parse_command(&parser);
}

void parsed_clear(struct parsed *parsed)
{
	g_clear_pointer(&parsed->path, g_free);
	g_clear_pointer(&parsed->problem, g_free);
	g_clear_pointer(&parsed->invocation, invocation_free);
}
