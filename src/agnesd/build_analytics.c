/* agnesd build-analytics: writes analytics/server.duckdb in a sandbox. Internal. */
#include "agnesd/commands.h"
#include "engine/analytics.h"

static int run(const struct command_context *context, int argc, char **argv)
{
	analytics_run();
}

const struct command command_build_analytics = {
	.name = "build-analytics",
	.arguments = "",
	.summary = "Write analytics/server.duckdb in a sandbox (internal: the server starts it)",
	.child = true,
	.run = run,
};
