/* da: the command line of analysts and administrators. */
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/invocation.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/start.h"
#include "cli/update.h"

#include <stdio.h>

static int print_help(const char *path, int code)
{
	g_autofree char *page = help_page(path, output_help_width());
	fputs(page, stdout);
	return output_end(code);
}

static int run(struct invocation *invocation)
{
	if (!(invocation->command->traits & (COMMAND_HIDDEN | COMMAND_OFFLINE)))
		update_check(invocation);
	return output_end(invocation->command->run(invocation));
}

int main(int argc, char **argv)
{
	start_program();
	g_auto(parsed) parsed;
	parse(&parsed, argc, argv);
	switch (parsed.outcome) {
	case PARSE_HELP:
		return print_help(parsed.path, EXIT_CODE_OK);
	case PARSE_VERSION:
		printf("da %s\n", AGNES_VERSION);
		return output_end(EXIT_CODE_OK);
	case PARSE_WRONG:
		return argc < 2 ? print_help("", EXIT_CODE_USAGE) : start_misuse(&parsed);
	case PARSE_RUN:
		break;
	}
	return run(parsed.invocation);
}
