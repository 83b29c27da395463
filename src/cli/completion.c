/*
 * Completion for bash and zsh. Both scripts find out in which command the cursor stands and look up
 * in generated cases what may follow: words, the values of an option, or files.
 */
#include "cli/completion.h"

#include "cli/commands.h"
#include "cli/parse.h"

#include <string.h>

/* A word that may follow, and what it means. */
typedef void (*add_word)(GString *script, const char *word, const char *meaning);

/* Arguments and values of options with these names are files or folders. */
static bool is_file(const char *metavar)
{
	static const char *const names[] = {"PATH", "FILE", "DIR", "SQL|@FILE", NULL};
	return metavar && g_strv_contains(names, metavar);
}

static bool is_visible(const struct command *command)
{
	return !(command->traits & COMMAND_HIDDEN);
}

static void add_group_words(GString *script, const char *group, add_word add)
{
	size_t skipped = *group ? strlen(group) + 1 : 0;
	for (const struct command_group *at = command_groups; at->path; at++) {
		if (parse_is_member(at->path, group))
			add(script, at->path + skipped, at->summary);
	}
	for (const struct command *const *at = commands; *at; at++) {
		if (is_visible(*at) && parse_is_member((*at)->path, group))
			add(script, (*at)->path + skipped, (*at)->summary);
	}
}

static void add_command_words(GString *script, const struct command *command, add_word add)
{
	for (const struct option *at = command->options; at && at->name; at++) {
		g_autofree char *name = g_strconcat("--", at->name, NULL);
		add(script, name, at->meaning);
	}
	add(script, "--help", "Show help");
}

/* Every group and command as a case of its own: `start`, its words, `end`. */
static void add_cases(GString *script, const char *start, add_word add, const char *end)
{
	g_string_append_printf(script, "\t'')%s", start);
	add_group_words(script, "", add);
	add(script, "--help", "Show help");
	add(script, "--version", "Show the version");
	g_string_append(script, end);
	for (const struct command_group *at = command_groups; at->path; at++) {
		g_string_append_printf(script, "\t'%s')%s", at->path, start);
		add_group_words(script, at->path, add);
		g_string_append(script, end);
	}
	for (const struct command *const *at = commands; *at; at++) {
		if (!is_visible(*at))
			continue;
		g_string_append_printf(script, "\t'%s')%s", (*at)->path, start);
		add_command_words(script, *at, add);
		g_string_append(script, end);
	}
}

static void add_value_case(GString *script, const char *path, const struct option *option)
{
	g_string_append_printf(script, "\t'%s --%s'", path, option->name);
	if (option->letter)
		g_string_append_printf(script, " | '%s -%c'", path, option->letter);
	g_string_append_printf(script, ") value='%s' ;;\n",
			       option->words		  ? option->words
			       : is_file(option->metavar) ? "@files"
							  : "@none");
}

/* What follows an option with a value: words, @files or @none. */
static void add_value_cases(GString *script)
{
	for (const struct command *const *at = commands; *at; at++) {
		const struct option *option = (*at)->options;
		for (; is_visible(*at) && option && option->name; option++) {
			if (option->type != OPTION_FLAG)
				add_value_case(script, (*at)->path, option);
		}
	}
}

/* The commands whose arguments are files. */
static void add_file_cases(GString *script)
{
	for (const struct command *const *at = commands; *at; at++) {
		const struct argument *argument = (*at)->arguments;
		for (; is_visible(*at) && argument && argument->name; argument++) {
			if (is_file(argument->name))
				g_string_append_printf(script, "\t'%s') value=@files ;;\n",
						       (*at)->path);
		}
	}
}

static void add_paths(GString *script)
{
	for (const struct command_group *at = command_groups; at->path; at++)
		g_string_append_printf(script, "\t'%s') return 0 ;;\n", at->path);
	for (const struct command *const *at = commands; *at; at++) {
		if (is_visible(*at))
			g_string_append_printf(script, "\t'%s') return 0 ;;\n", (*at)->path);
	}
}

/* What both shells read alike. */
static void add_tables(GString *script)
{
	g_string_append(script, "# Whether this is the path of a command or of a group.\n"
				"_da_knows() {\n\tcase \"$1\" in\n");
	add_paths(script);
	g_string_append(script, "\tesac\n\treturn 1\n}\n\n"
				"# What the value of an option may be.\n"
				"_da_value() {\n\tvalue=\n\tcase \"$1 $2\" in\n");
	add_value_cases(script);
	g_string_append(script, "\tesac\n}\n\n"
				"# Whether the arguments of a command are files.\n"
				"_da_argument() {\n\tvalue=\n\tcase \"$1\" in\n");
	add_file_cases(script);
	g_string_append(script, "\tesac\n}\n\n");
}

/* --- bash --- */

static void add_bash_word(GString *script, const char *word, const char *meaning)
{
	(void)meaning;
	g_string_append_printf(script, "%s ", word);
}

static const char bash_end[] =
	"_da() {\n"
	"\tlocal current=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD - 1]}\"\n"
	"\tlocal place= value= words= i next\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tnext=\"${place:+$place }${COMP_WORDS[i]}\"\n"
	"\t\t_da_knows \"$next\" && place=\"$next\"\n"
	"\tdone\n"
	"\t[[ $before == = ]] && before=\"${COMP_WORDS[COMP_CWORD - 2]}\"\n"
	"\t[[ $current == = ]] && current=\n"
	"\t_da_value \"$place\" \"$before\"\n"
	"\t[[ -z $value && $current != -* ]] && _da_argument \"$place\"\n"
	"\tcase \"$value\" in\n"
	"\t'') _da_words \"$place\" ;;\n"
	"\t@files) compopt -o filenames; words= ;;\n"
	"\t@none) return ;;\n"
	"\t*) words=\"$value\" ;;\n"
	"\tesac\n"
	"\tif [[ $value == @files ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
	"\telse\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
	"\tfi\n"
	"}\n\n"
	"complete -F _da da agnes\n";

char *completion_bash(void)
{
	GString *script = g_string_new(
		"# Completion of da for bash; made by: da completion bash\n\n");
	add_tables(script);
	g_string_append(script, "_da_words() {\n\tcase \"$1\" in\n");
	add_cases(script, " words='", add_bash_word, "' ;;\n");
	g_string_append(script, "\tesac\n}\n\n");
	g_string_append(script, bash_end);
	return g_string_free(script, FALSE);
}

/* --- zsh --- */

/* In single quotes; a colon separates the word from its meaning. */
static void add_zsh_word(GString *script, const char *word, const char *meaning)
{
	g_string_append_printf(script, "\n\t\t'%s:", word);
	for (const char *at = meaning ? meaning : ""; *at; at++) {
		if (*at == '\'')
			g_string_append(script, "'\\''");
		else if (*at == ':')
			g_string_append(script, "\\:");
		else
			g_string_append_c(script, *at);
	}
	g_string_append_c(script, '\'');
}

static const char zsh_end[] =
	"_da() {\n"
	"\tlocal place= value= i next\n"
	"\tlocal -a found\n"
	"\tfor ((i = 2; i < CURRENT; i++)); do\n"
	"\t\tnext=\"${place:+$place }${words[i]}\"\n"
	"\t\t_da_knows \"$next\" && place=\"$next\"\n"
	"\tdone\n"
	"\t_da_value \"$place\" \"${words[CURRENT - 1]}\"\n"
	"\t[[ -z $value && ${words[CURRENT]} != -* ]] && _da_argument \"$place\"\n"
	"\tcase \"$value\" in\n"
	"\t'') _da_words \"$place\"; _describe -V 'da' found ;;\n"
	"\t@files) _files ;;\n"
	"\t@none) ;;\n"
	"\t*) found=(${=value}); _describe -V 'value' found ;;\n"
	"\tesac\n"
	"}\n\n"
	"if [[ $funcstack[1] == _da ]]; then\n"
	"\t_da \"$@\"\n"
	"else\n"
	"\tcompdef _da da agnes\n"
	"fi\n";

char *completion_zsh(void)
{
	GString *script = g_string_new(
		"#compdef da agnes\n"
		"# Completion of da for zsh; made by: da completion zsh\n\n");
	add_tables(script);
	g_string_append(script, "_da_words() {\n\tcase \"$1\" in\n");
	add_cases(script, " found=(", add_zsh_word, ") ;;\n");
	g_string_append(script, "\tesac\n}\n\n");
	g_string_append(script, zsh_end);
	return g_string_free(script, FALSE);
}
