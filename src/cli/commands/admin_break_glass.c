/* da admin break-glass grant-admin: the way back in; the engine does it (engine/break_glass.c). */
#include "cli/commands.h"

static const struct argument arguments[] = {
	{"EMAIL", "Who becomes an administrator; created if missing"},
	{0},
};

static const struct option options[] = {
	{"yes", 'y', .meaning = "Do not ask"},
	{0},
};

const struct command command_admin_break_glass_grant_admin = {
	"admin break-glass grant-admin",
	"Make somebody an administrator while the server is stopped",
	.details = "For when nobody can sign in as one any more. It writes to the state below "
		   "$DATA_DIR (default: ./data) on the machine of the server, which must be "
		   "stopped, and leaves a note in the audit log.",
	.arguments = arguments,
	.options = options,
	.traits = COMMAND_OFFLINE,
	.run = engine_run,
};
