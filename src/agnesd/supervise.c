/* agnesd supervise: started by the extraction of a connector in another language, never by hand. */
#include "agnesd/commands.h"
#include "base/supervisor.h"

#include <sys/stat.h>

static int run(const struct command_context *context, int argc, char **argv)
{
	struct stat status;
	if (fstat(SUPERVISOR_PARENT, &status) < 0 || !S_ISFIFO(status.st_mode)) {
		g_printerr("agnesd supervise: agnesd extract starts this, with a pipe at %d\n",
			   SUPERVISOR_PARENT);
		return EXIT_CODE_USAGE;
	}
	supervise(argv);
}

const struct command command_supervise = {
	.name = "supervise",
	.arguments = "PROGRAM [ARGUMENT...]",
	.summary = "Run a connector's program for an extraction, which starts this",
	.least = 1,
	.most = -1,
	.child = true,
	.run = run,
};
