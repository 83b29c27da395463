/* agnesd query-worker: started by the server, never by hand. */
#include "agnesd/commands.h"
#include "query/worker.h"

#include <sys/socket.h>
#include <sys/stat.h>

static int run(const struct command_context *context, int argc, char **argv)
{
	struct stat status;
	if (fstat(QUERY_WORKER_SOCKET, &status) < 0 || !S_ISSOCK(status.st_mode)) {
		g_printerr("agnesd query-worker: the server starts this, with a socket at %d\n",
			   QUERY_WORKER_SOCKET);
		return EXIT_CODE_USAGE;
	}
	return query_worker_run(query_execute);
}

const struct command command_query_worker = {
	.name = "query-worker",
	.arguments = "",
	.summary = "Run queries for the server, which starts it",
	.least = 0,
	.most = 0,
	.child = true,
	.run = run,
};
