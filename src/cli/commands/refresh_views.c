/* da refresh-views: for `da sync`, which leaves the work with DuckDB to da-engine. */
#include "cli/commands.h"

static const struct option options[] = {
	{"workspace", .type = OPTION_TEXT, .metavar = "DIR", .meaning = "Instead of $DA_LOCAL_DIR"},
	{0},
};

const struct command command_refresh_views = {
	"refresh-views",    "Bring the views in line with the files",
	.options = options, .traits = COMMAND_HIDDEN | COMMAND_OFFLINE,
	.run = engine_run,
};
