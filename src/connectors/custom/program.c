/* Running a connector's program with bounds on time and output. */
#include "connectors/custom/program.h"

#include "base/error.h"
#include "base/json.h"
#include "base/process.h"
#include "base/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
	LONGEST_LINE = 64 * 1024,
	MOST_OUTPUT = 16 * 1024 * 1024, /* of all lines */
	COMPLAINT_SIZE = 2000,
	WAKE_MILLISECONDS = 500, /* how often to look whether the run was cancelled */
	/* How long it may take to end when it is told to, before the supervisor is killed, too. */
	STOP_MILLISECONDS = 8000,
	STEP = 16 * 1024, /* read at once, between two looks at the time */
};

struct listener {
	struct connector_run *run;
	struct process *child;	/* the supervisor */
	int life;		/* closed to end it */
	int output, complaints; /* what we read from; non-blocking */
	gint64 deadline;
	GByteArray *line; /* of its output, as far as it is there */
	size_t total;
	GByteArray *complaint; /* the last bytes */
	json_t *result;
};

void program_outcome_clear(struct program_outcome *outcome)
{
	g_free(outcome->failure);
	g_free(outcome->complaint);
	json_decref(outcome->result);
}

static void take_line(struct listener *listener, const char *text, size_t size)
{
	g_autoptr(json_t) value = json_parse(text, size, "the connector's output", NULL);
	if (json_is_integer(json_object_get(value, "tables_extracted")) &&
	    json_is_integer(json_object_get(value, "tables_failed")) &&
	    json_is_array(json_object_get(value, "errors"))) {
		json_decref(listener->result);
		listener->result = g_steal_pointer(&value);
	} else if (json_is_string(json_object_get(value, "event"))) {
		connector_event(listener->run, g_steal_pointer(&value));
	}
}

static bool take_output(struct listener *listener, const guint8 *bytes, size_t size, GError **error)
{
	listener->total += size;
	for (const guint8 *newline; (newline = memchr(bytes, '\n', size));) {
		size_t length = (size_t)(newline - bytes);
		g_byte_array_append(listener->line, bytes, (guint)length);
		take_line(listener, (const char *)listener->line->data, listener->line->len);
		g_byte_array_set_size(listener->line, 0);
		bytes += length + 1;
		size -= length + 1;
	}
	g_byte_array_append(listener->line, bytes, (guint)size);
	if (listener->line->len <= LONGEST_LINE && listener->total <= MOST_OUTPUT)
		return true;
	g_set_error(
		error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
		"the connector printed a line of more than %d bytes, or more than %d in all, and "
		"was stopped",
		LONGEST_LINE, MOST_OUTPUT);
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
 * A step of what is there now: whoever writes as fast as we read does not keep us from looking at
 * the time. How many bytes it was, negative on failure. The descriptor becomes negative at its end.
 */
static ssize_t take_step(struct listener *listener, int *fd, GError **error)
{
	guint8 step[STEP];
	ssize_t got = *fd >= 0 ? read(*fd, step, sizeof step) : 0;
	if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
		descriptor_close(fd);
	if (got <= 0)
		return 0;
	if (fd == &listener->complaints)
		take_complaint(listener, step, (size_t)got);
	else if (!take_output(listener, step, (size_t)got, error))
		return -1;
	return got;
}

/* What a program that has ended left in a pipe. */
static bool take_rest(struct listener *listener, int *fd, GError **error)
{
	ssize_t got;
	while ((got = take_step(listener, fd, error)) > 0)
		;
	return got == 0;
}

static bool may_go_on(struct listener *listener, GError **error)
{
	if (connector_cancelled(listener->run, error))
		return false;
	if (g_get_monotonic_time() < listener->deadline)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_TIMEOUT,
		    "the connector did not end in time and was killed; raise "
		    "connectors.%s.timeout_seconds if it needs longer",
		    listener->run->connector->name);
	return false;
}

/* Until the child itself ends; what it leaves running does not count. */
static bool listen_to(struct listener *listener, GError **error)
{
	for (;;) {
		struct pollfd watched[] = {
			{.fd = process_end_descriptor(listener->child), .events = POLLIN},
			{.fd = listener->output, .events = POLLIN},
			{.fd = listener->complaints, .events = POLLIN},
		};
		poll(watched, G_N_ELEMENTS(watched), WAKE_MILLISECONDS);
		if (watched[0].revents)
			return take_rest(listener, &listener->output, error) &&
			       take_rest(listener, &listener->complaints, error);
		if (take_step(listener, &listener->output, error) < 0 ||
		    take_step(listener, &listener->complaints, error) < 0 ||
		    !may_go_on(listener, error))
			return false;
	}
}

/* A pipe whose reading end does not block. */
static bool make_pipe(int ends[2], GError **error)
{
	if (pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
		return true;
	agnes_set_errno(error, errno, "cannot make a pipe");
	return false;
}

/* The supervisor's command line: ours, with the program's behind it. */
static char **make_argv(const struct program *program)
{
	g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
	g_strv_builder_add_many(argv, "agnesd", "supervise", NULL);
	g_strv_builder_addv(argv, (const char **)program->argv);
	return g_strv_builder_end(argv);
}

static bool start(const struct program *program, struct listener *listener, GError **error)
{
	int output[] = {-1, -1}, complaints[] = {-1, -1}, life[] = {-1, -1};
	bool made = make_pipe(output, error) && make_pipe(complaints, error) &&
		    make_pipe(life, error);
	listener->output = output[0];
	listener->complaints = complaints[0];
	listener->life = life[1];
	g_auto(GStrv) argv = make_argv(program);
	const int descriptors[] = {
		program->input, output[1], complaints[1], [SUPERVISOR_PARENT] = life[0],
		program->lock,
	};
	const struct process_options options = {
		.program = PROCESS_SELF,
		.argv = (const char *const *)argv,
		.environment = program->environment,
		.descriptors = descriptors,
		.descriptor_count = G_N_ELEMENTS(descriptors),
	};
	if (made)
		listener->child = process_start(&options, error);
	descriptor_close(&output[1]);
	descriptor_close(&complaints[1]);
	descriptor_close(&life[0]);
	return listener->child != NULL;
}

static void report(struct listener *listener, struct program_outcome *outcome)
{
	g_autoptr(GError) cause = NULL;
	int status = 0;
	outcome->result = g_steal_pointer(&listener->result);
	g_byte_array_append(listener->complaint, (const guint8 *)"", 1);
	outcome->complaint = g_utf8_make_valid((char *)listener->complaint->data, -1);
	g_strchomp(outcome->complaint);
	if (process_wait(listener->child, -1, &status, &cause) &&
	    !process_check_status(status, &cause))
		outcome->failure = g_strdup_printf("the connector %s", cause->message);
}

bool program_run(const struct program *program, struct connector_run *run,
		 struct program_outcome *outcome, GError **error)
{
	g_autoptr(GByteArray) line = g_byte_array_new();
	g_autoptr(GByteArray) complaint = g_byte_array_new();
	struct listener listener = {
		.run = run,
		.deadline = g_get_monotonic_time() + program->seconds * G_USEC_PER_SEC,
		.line = line,
		.complaint = complaint,
	};
	bool ended = start(program, &listener, error) && listen_to(&listener, error);
	if (ended)
		report(&listener, outcome);
	descriptor_close(&listener.life);
	if (listener.child)
		process_wait(listener.child, STOP_MILLISECONDS, NULL, NULL);
	process_free(listener.child);
	json_decref(listener.result);
	descriptor_close(&listener.output);
	descriptor_close(&listener.complaints);
	return ended;
}
