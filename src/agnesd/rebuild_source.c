/* agnesd rebuild-source: reads one extract in a sandbox. Internal; publishing starts it. */
#include "agnesd/commands.h"
#include "extract/reader.h"

static int run(const struct command_context *context, int argc, char **argv)
{
	reader_run();
}

const struct command command_rebuild_source = {
	.name = "rebuild-source",
	.arguments = "",
	.summary = "Read one extract in a sandbox (internal: the server starts it)",
	.child = true,
	.run = run,
};
