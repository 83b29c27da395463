/* One thread that waits for two pipes, the end of the child, and a deadline. */
#include "base/listener.h"

#include "base/error.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
	COMPLAINT_SIZE = 2000,
	WAKE_MILLISECONDS = 500,
	READ_STEP = 16 * 1024,
	LAST_READS = 64, /* of what the child had said before it ended; a pipe holds no more */
};

struct listener {
	const struct listener_options *options;
	struct process *child;
	int output, complaints; /* what we read from; non-blocking */
	GByteArray *line;	/* of its output, as far as it is there */
	size_t total;
	GByteArray *complaint; /* the last bytes */
};

void listener_end_clear(struct listener_end *end)
{
	g_free(end->complaint);
}

static void take_line(struct listener *listener)
{
	/* Parsers of text may look for an end that is not counted. */
	g_byte_array_append(listener->line, (const guint8 *)"", 1);
	listener->options->line(listener->options->data, (const char *)listener->line->data,
				listener->line->len - 1);
	g_byte_array_set_size(listener->line, 0);
}

static bool take_output(struct listener *listener, const guint8 *bytes, size_t size, GError **error)
{
	const struct listener_options *options = listener->options;
	listener->total += size;
	for (const guint8 *newline; (newline = memchr(bytes, '\n', size));) {
		size_t length = (size_t)(newline - bytes);
		g_byte_array_append(listener->line, bytes, (guint)length);
		take_line(listener);
		bytes += length + 1;
		size -= length + 1;
	}
	g_byte_array_append(listener->line, bytes, (guint)size);
	if (listener->line->len <= options->longest_line && listener->total <= options->most_output)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
		    "%s printed a line of more than %zu bytes, or more than %zu in all, and was "
		    "stopped",
		    options->what, options->longest_line, options->most_output);
	return false;
}

static void take_complaint(struct listener *listener, const guint8 *bytes, size_t size)
{
	g_byte_array_append(listener->complaint, bytes, (guint)size);
	if (listener->complaint->len > COMPLAINT_SIZE)
		g_byte_array_remove_range(listener->complaint, 0,
					  listener->complaint->len - COMPLAINT_SIZE);
}

/*
 * What is there now, but not for ever: a child that never stops talking has a deadline, too. The
 * descriptor becomes negative at its end.
 */
static bool drain(struct listener *listener, int *fd, bool *more, GError **error)
{
	guint8 step[READ_STEP];
	*more = false;
	if (*fd < 0)
		return true;
	ssize_t got = read(*fd, step, sizeof step);
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (got <= 0) {
		descriptor_close(fd);
		return true;
	}
	*more = true;
	if (fd == &listener->complaints) {
		take_complaint(listener, step, (size_t)got);
		return true;
	}
	return take_output(listener, step, (size_t)got, error);
}

static bool may_go_on(const struct listener *listener, GError **error)
{
	const struct listener_options *options = listener->options;
	if (!options->go_on(options->data, error))
		return false;
	if (g_get_monotonic_time() < options->deadline)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_TIMEOUT,
		    "%s did not end in time and was killed", options->what);
	return false;
}

/* Until the child itself ends; what it leaves running does not count. */
static bool listen_to(struct listener *listener, GError **error)
{
	gint64 look = 0;
	for (int last_reads = 0; last_reads < LAST_READS;) {
		bool more_output, more_complaints;
		struct pollfd watched[] = {
			{.fd = process_end_descriptor(listener->child), .events = POLLIN},
			{.fd = listener->output, .events = POLLIN},
			{.fd = listener->complaints, .events = POLLIN},
		};
		poll(watched, G_N_ELEMENTS(watched), WAKE_MILLISECONDS);
		if (!drain(listener, &listener->output, &more_output, error) ||
		    !drain(listener, &listener->complaints, &more_complaints, error))
			return false;
		if (watched[0].revents && !more_output && !more_complaints)
			return true;
		last_reads += watched[0].revents != 0;
		gint64 now = g_get_monotonic_time();
		if (now < look)
			continue;
		look = now + WAKE_MILLISECONDS * 1000;
		if (!may_go_on(listener, error))
			return false;
	}
	return true;
}

/* A pipe whose reading end does not block. */
static bool make_pipe(int ends[2], GError **error)
{
	if (pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
		return true;
	agnes_set_errno(error, errno, "cannot make a pipe");
	return false;
}

static bool start(struct listener *listener, GError **error)
{
	const struct listener_options *options = listener->options;
	int output[] = {-1, -1}, complaints[] = {-1, -1};
	bool made = make_pipe(output, error) && make_pipe(complaints, error);
	listener->output = output[0];
	listener->complaints = complaints[0];
	const int first[] = {options->input, output[1], complaints[1]};
	g_autoptr(GArray) descriptors = g_array_new(FALSE, FALSE, sizeof(int));
	g_array_append_vals(descriptors, first, G_N_ELEMENTS(first));
	g_array_append_vals(descriptors, options->more, (guint)options->more_count);
	const struct process_options process = {
		.program = options->program,
		.argv = options->argv,
		.environment = options->environment,
		.descriptors = (const int *)descriptors->data,
		.descriptor_count = descriptors->len,
	};
	if (made)
		listener->child = process_start(&process, error);
	descriptor_close(&output[1]);
	descriptor_close(&complaints[1]);
	return listener->child != NULL;
}

static bool report(struct listener *listener, struct listener_end *end, GError **error)
{
	g_byte_array_append(listener->complaint, (const guint8 *)"", 1);
	end->complaint = g_utf8_make_valid((char *)listener->complaint->data, -1);
	g_strchomp(end->complaint);
	/* What the child left running goes while the child, not yet waited for, keeps its number.
	 */
	process_kill(listener->child);
	return process_wait(listener->child, -1, &end->status, error);
}

bool listener_run(const struct listener_options *options, struct listener_end *end, GError **error)
{
	g_autoptr(GByteArray) line = g_byte_array_new();
	g_autoptr(GByteArray) complaint = g_byte_array_new();
	AUTO_FD life = options->life;
	struct listener listener = {
		.options = options,
		.output = -1,
		.complaints = -1,
		.line = line,
		.complaint = complaint,
	};
	bool ended = start(&listener, error) && listen_to(&listener, error);
	if (ended)
		ended = report(&listener, end, error);
	descriptor_close(&life);
	if (!ended && listener.child)
		process_stop(listener.child, options->stop_milliseconds);
	process_free(listener.child);
	descriptor_close(&listener.output);
	descriptor_close(&listener.complaints);
	return ended;
}
