/* agnesd inspect-tables: looks into published files in a sandbox. Internal; checking starts it. */
#include "agnesd/commands.h"
#include "extract/check.h"

static int run(const struct command_context *context, int argc, char **argv)
{
	inspect_run();
}

const struct command command_inspect_tables = {
	.name = "inspect-tables",
	.arguments = "",
	.summary = "Look into published files in a sandbox (internal: check starts it)",
	.child = true,
	.run = run,
};
