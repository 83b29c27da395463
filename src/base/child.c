/* Both ends of a conversation between the program and a child of itself. */
#include "base/child.h"

#include "base/error.h"
#include "base/lines.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	LONGEST_REQUEST = 16 * 1024 * 1024,
	READ_STEP = 64 * 1024,
	END_MILLISECONDS = 250,
};

struct child {
	struct process *process;
	int control; /* the socket that is its standard input */
	int answers;
	struct lines *lines;
	char *what;
};

static bool make_pipes(struct child *child, int *input, int *output, GError **error)
{
	int pair[2], ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		agnes_set_errno(error, errno, "cannot make a socket");
		return false;
	}
	child->control = pair[0];
	*input = pair[1];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		agnes_set_errno(error, errno, "cannot make a pipe");
		return false;
	}
	child->answers = ends[0];
	*output = ends[1];
	return true;
}

static bool start(struct child *child, const struct child_options *asked, GError **error)
{
	AUTO_FD input = -1;
	AUTO_FD output = -1;
	if (!make_pipes(child, &input, &output, error))
		return false;
	const char *const argv[] = {"agnesd", asked->command, NULL};
	const int descriptors[] = {input, output, STDERR_FILENO};
	const struct process_options options = {
		.program = PROCESS_SELF,
		.argv = argv,
		.descriptors = descriptors,
		.descriptor_count = G_N_ELEMENTS(descriptors),
		.nice = asked->nice,
	};
	child->process = process_start(&options, error);
	return child->process != NULL;
}

static bool send_all(struct child *child, const char *text, GError **error)
{
	for (size_t left = strlen(text); left > 0;) {
		ssize_t sent = send(child->control, text, left, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0) {
			agnes_set_errno(error, errno, "cannot tell %s what to do", child->what);
			return false;
		}
		text += sent;
		left -= (size_t)sent;
	}
	return true;
}

struct child *child_start(const struct child_options *options, const json_t *request,
			  GError **error)
{
	const struct lines_limits limits = {
		.longest = options->longest_line,
		.total = options->longest_answer,
		.deadline = g_get_monotonic_time() + (gint64)options->seconds * G_USEC_PER_SEC,
	};
	const struct timeval patience = {.tv_sec = options->seconds};
	g_autoptr(child) child = g_new0(struct child, 1);
	child->what = g_strdup(options->what);
	child->control = child->answers = -1;
	if (!start(child, options, error))
		return NULL;
	setsockopt(child->control, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	child->lines = lines_new(child->answers, &limits, options->what);
	g_autofree char *text = json_to_text(request);
	g_autofree char *line = g_strconcat(text, "\n", NULL);
	return send_all(child, line, error) ? g_steal_pointer(&child) : NULL;
}

void child_kill(struct child *child)
{
	process_kill(child->process);
}

void child_free(struct child *child)
{
	if (!child)
		return;
	process_free(child->process);
	lines_free(child->lines);
	descriptor_close(&child->control);
	descriptor_close(&child->answers);
	g_free(child->what);
	g_free(child);
}

json_t *child_next(struct child *child, GError **error)
{
	size_t size;
	const char *line = lines_next(child->lines, &size, error);
	json_t *answer = line ? json_parse(line, size, child->what, error) : NULL;
	if (!answer || json_is_object(answer))
		return answer;
	json_decref(answer);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "%s answered something else than an "
		    "object",
		    child->what);
	return NULL;
}

char *child_end_text(struct child *child)
{
	int status;
	g_autoptr(GError) error = NULL;
	if (process_wait(child->process, END_MILLISECONDS, &status, &error))
		process_check_status(status, &error);
	return g_strdup(error ? error->message : "ended early");
}

json_t *child_read_request(GError **error)
{
	g_autoptr(GString) request = g_string_new(NULL);
	g_autofree char *step = g_malloc(READ_STEP);
	/* To the newline: the parent keeps its end open, because its closing means that it died. */
	while (request->len < LONGEST_REQUEST) {
		ssize_t got = read(STDIN_FILENO, step, READ_STEP);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		g_string_append_len(request, step, got);
		if (step[got - 1] == '\n')
			return json_parse(request->str, request->len, "request", error);
	}
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "no request on standard input: the server starts this command itself");
	return NULL;
}

void child_answer(json_t *answer)
{
	g_autofree char *text = json_to_text(answer);
	g_autofree char *line = g_strconcat(text ? text : "{}", "\n", NULL);
	json_decref(answer);
	size_t left = strlen(line);
	for (const char *at = line; left > 0;) {
		ssize_t written = write(STDOUT_FILENO, at, left);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			_exit(PROCESS_EXIT_ORPHAN);
		at += written;
		left -= (size_t)written;
	}
}

char *child_error_text(const GError *error)
{
	g_autofree char *valid = g_utf8_make_valid(error->message, -1);
	return g_strndup(valid, strcspn(valid, "\n"));
}
