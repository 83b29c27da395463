/* The child's end of the socket that is its standard input. */
#include "agnesd/lifeline.h"

#include "base/process.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool held;

bool lifeline_hold(GError **error)
{
	held = process_end_with_parent(STDIN_FILENO, error);
	return held;
}

void lifeline_tell_ready(const char *where)
{
	if (!held)
		return;
	g_autofree char *line = g_strconcat(where, "\n", NULL);
	/* A few bytes into an empty socket are taken whole. */
	if (send(STDIN_FILENO, line, strlen(line), MSG_NOSIGNAL) < 0)
		g_warning("cannot tell who started this that it is ready: %s", g_strerror(errno));
}
