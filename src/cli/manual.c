/* The manual of every command as one page of Markdown. */
#include "cli/manual.h"

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/parse.h"

#include <string.h>

static const char introduction[] =
	"# `da`, command by command\n\n"
	"<!-- Made from the tables in src/cli by `da manual`; change those instead. -->\n\n"
	"`da` is also installed as `agnes`. Options may stand before or after arguments, as "
	"`--name value` or `--name=value`; `--` ends\nthem. What is not data goes to standard "
	"error. `da completion bash` and `da completion zsh` print scripts for the\nshells.\n\n"
	"## Exit codes\n\n"
	"| code | meaning |\n|---|---|\n"
	"| 0 | done |\n"
	"| 1 | failed |\n"
	"| 2 | wrong use; `schema`, `describe`, `fetch` and `snapshot`: the server refused the "
	"request |\n"
	"| 3 | `fetch`: a quota is used up |\n"
	"| 5 | `schema`, `describe`, `fetch`, `snapshot`: the server failed; `catalog`: any "
	"failure of the server |\n"
	"| 6 | `fetch`: the snapshot exists already |\n"
	"| 7 | `fetch`: not signed in |\n"
	"| 8 | `schema`, `describe`, `fetch`, `snapshot`: not allowed |\n"
	"| 9 | `fetch`: the server refused the request for another reason |\n"
	"| 130 | interrupted |\n\n"
	"## Files and variables\n\n"
	"| | |\n|---|---|\n"
	"| `DA_CONFIG_DIR` | the folder of the settings; default `~/.config/da` |\n"
	"| `DA_SERVER` | the address of the server, before that in `config.yaml` |\n"
	"| `DA_TOKEN` | a token, used when there is no `token.json` |\n"
	"| `DA_LOCAL_DIR` | the workspace; default: the current folder |\n"
	"| `DA_TIMEOUT` | after how many seconds of silence a call to the server is given up; "
	"default: 30, longer for what takes longer |\n"
	"| `DA_PASSWORD` | the password for `da auth login` and `da setup bootstrap` |\n"
	"| `DA_NO_UPDATE_CHECK` | `1`: do not look for a newer `da` |\n"
	"| `NO_COLOR` | any value: no colours |\n"
	"| `HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE` | as curl reads them |\n";

/* A cell of a table: a pipe would end it. */
static void add_cell(GString *page, const char *text)
{
	for (const char *at = text ? text : ""; *at; at++) {
		if (*at == '|')
			g_string_append_c(page, '\\');
		g_string_append_c(page, *at == '\n' ? ' ' : *at);
	}
}

static void add_row(GString *page, const char *name, const char *meaning)
{
	g_string_append(page, "| `");
	add_cell(page, name);
	g_string_append(page, "` | ");
	add_cell(page, meaning);
	g_string_append(page, " |\n");
}

static void add_tables(GString *page, const struct command *command)
{
	if (!command->arguments && !command->options)
		return;
	g_string_append(page, "\n| | |\n|---|---|\n");
	for (const struct argument *at = command->arguments; at && at->name; at++)
		add_row(page, at->name, at->meaning);
	for (const struct option *at = command->options; at && at->name; at++) {
		g_autofree char *name = help_option_name(at);
		g_autofree char *meaning = help_option_meaning(at);
		add_row(page, name, meaning);
	}
}

static void add_command(GString *page, const struct command *command)
{
	g_autofree char *usage = help_usage(command->path);
	g_string_append_printf(page, "\n### `da %s`\n\n%s.\n", command->path, command->summary);
	if (command->details)
		g_string_append_printf(page, "\n%s\n", command->details);
	g_string_append_printf(page, "\n    %s\n", usage + strlen("Usage: "));
	add_tables(page, command);
	if (!command->examples)
		return;
	g_auto(GStrv) lines = g_strsplit(command->examples, "\n", -1);
	g_string_append(page, "\nExamples:\n\n");
	for (char **at = lines; *at; at++)
		g_string_append_printf(page, "    %s\n", *at);
}

static void add_members(GString *page, const char *group)
{
	for (const struct command *const *at = commands; *at; at++) {
		if (!((*at)->traits & COMMAND_HIDDEN) && parse_is_member((*at)->path, group))
			add_command(page, *at);
	}
}

char *manual_page(void)
{
	GString *page = g_string_new(introduction);
	g_string_append(page, "\n## Commands\n");
	add_members(page, "");
	for (const struct command_group *at = command_groups; at->path; at++) {
		g_string_append_printf(page, "\n## `da %s`: %s\n", at->path, at->summary);
		if (at->details)
			g_string_append_printf(page, "\n%s\n", at->details);
		add_members(page, at->path);
	}
	return g_string_free(page, FALSE);
}
