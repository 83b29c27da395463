/* agnesd measure-table: looks into one published file in a sandbox. Internal; the server starts it.
 */
#include "agnesd/commands.h"
#include "engine/measure.h"

static int run(const struct command_context *context, int argc, char **argv)
{
	measure_run();
}

const struct command command_measure_table = {
	.name = "measure-table",
	.arguments = "",
	.summary = "Look into a published file in a sandbox (internal: the server starts it)",
	.child = true,
	.run = run,
};
