/* da manual: prints docs/CLI.md. */
#include "cli/manual.h"

#include "cli/commands.h"

#include <stdio.h>

static int run(struct invocation *invocation)
{
	(void)invocation;
	g_autofree char *page = manual_page();
	fputs(page, stdout);
	return EXIT_CODE_OK;
}

const struct command command_manual = {
	"manual",
	"Print the manual in Markdown",
	.traits = COMMAND_HIDDEN,
	.run = run,
};
