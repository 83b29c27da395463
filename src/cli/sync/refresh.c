/* Starting da-engine for the views. */
#include "cli/sync/refresh.h"

#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "cli/start.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_LIMIT = 64 * 1024 * 1024, STOP_MILLISECONDS = 1000 };

/* {"error": …} has become the error. */
static json_t *read_answer(int fd, GError **error)
{
	size_t size;
	g_autofree char *text = files_read_stream(fd, "da-engine", ANSWER_LIMIT, &size, error);
	if (!text)
		return NULL;
	g_autoptr(json_t) answer = json_parse(text, size, "da-engine", NULL);
	const char *failure = json_string_value(json_object_get(answer, "error"));
	if (answer && !failure)
		return g_steal_pointer(&answer);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED, "cannot update the views: %s",
		    failure ? failure : "da-engine ended without an answer");
	return NULL;
}

json_t *sync_refresh_views(const struct workspace *workspace, int lock, GError **error)
{
	int ends[2];
	int status;
	g_autofree char *engine = start_engine_path();
	g_auto(GStrv) environment = g_get_environ();
	const char *argv[] = {"da", "refresh-views", "--workspace", workspace_root(workspace),
			      NULL};
	if (pipe2(ends, O_CLOEXEC) < 0) {
		agnes_set_errno(error, errno, "cannot make a pipe");
		return NULL;
	}
	AUTO_FD from = ends[0];
	AUTO_FD to = ends[1];
	const int descriptors[] = {PROCESS_NO_DESCRIPTOR, to, STDERR_FILENO, lock};
	const struct process_options options = {
		.program = engine,
		.argv = argv,
		.environment = (const char *const *)environment,
		.descriptors = descriptors,
		.descriptor_count = G_N_ELEMENTS(descriptors),
	};
	g_autoptr(process) child = process_start(&options, error);
	if (!child)
		return NULL;
	descriptor_close(&to);
	json_t *answer = read_answer(from, error);
	if (!process_wait(child, -1, &status, NULL))
		process_stop(child, STOP_MILLISECONDS);
	return answer;
}
