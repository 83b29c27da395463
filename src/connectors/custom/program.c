/* Running a connector's program with bounds on time and output. */
#include "connectors/custom/program.h"

#include "base/error.h"
#include "base/json.h"
#include "base/listener.h"
#include "base/process.h"
#include "base/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LONGEST_LINE = 64 * 1024,
	MOST_OUTPUT = 16 * 1024 * 1024, /* of all lines */
	/* How long it may take to end when it is told to, before the supervisor is killed, too. */
	STOP_MILLISECONDS = 8000,
	FIRST_MORE = 3, /* of the descriptors behind the three standard ones */
};

struct listener {
	struct connector_run *run;
	json_t *result;
};

void program_outcome_clear(struct program_outcome *outcome)
{
	g_free(outcome->failure);
	g_free(outcome->complaint);
	json_decref(outcome->result);
}

static void take_line(void *data, const char *text, size_t size)
{
	struct listener *listener = data;
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

static bool go_on(void *data, GError **error)
{
	const struct listener *listener = data;
	return !connector_cancelled(listener->run, error);
}

/* The supervisor's command line: ours, with the program's behind it. */
static char **make_argv(const struct program *program)
{
	g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
	g_strv_builder_add_many(argv, "agnesd", "supervise", NULL);
	g_strv_builder_addv(argv, (const char **)program->argv);
	return g_strv_builder_end(argv);
}

static bool run_supervisor(const struct program *program, struct listener *listener,
			   struct listener_end *end, GError **error)
{
	int life[2];
	if (pipe2(life, O_CLOEXEC) < 0) {
		agnes_set_errno(error, errno, "cannot make a pipe");
		return false;
	}
	AUTO_FD watched = life[0];
	g_auto(GStrv) argv = make_argv(program);
	const int more[] = {[SUPERVISOR_PARENT - FIRST_MORE] = watched, program->lock};
	const struct listener_options options = {
		.what = "the connector",
		.program = PROCESS_SELF,
		.argv = (const char *const *)argv,
		.environment = program->environment,
		.input = program->input,
		.more = more,
		.more_count = G_N_ELEMENTS(more),
		.life = life[1],
		.longest_line = LONGEST_LINE,
		.most_output = MOST_OUTPUT,
		.deadline = g_get_monotonic_time() + program->seconds * G_USEC_PER_SEC,
		.stop_milliseconds = STOP_MILLISECONDS,
		.line = take_line,
		.go_on = go_on,
		.data = listener,
	};
	return listener_run(&options, end, error);
}

bool program_run(const struct program *program, struct connector_run *run,
		 struct program_outcome *outcome, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_auto(listener_end) end = {0};
	struct listener listener = {.run = run};
	bool ended = run_supervisor(program, &listener, &end, &cause);
	if (g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_TIMEOUT)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_TIMEOUT,
			    "%s; raise connectors.%s.timeout_seconds if it needs longer",
			    cause->message, run->connector->name);
	} else if (!ended) {
		g_propagate_error(error, g_steal_pointer(&cause));
	} else {
		outcome->result = g_steal_pointer(&listener.result);
		outcome->complaint = g_steal_pointer(&end.complaint);
		outcome->crashed = WIFSIGNALED(end.status);
		if (!process_check_status(end.status, &cause))
			outcome->failure = g_strdup_printf("the connector %s", cause->message);
	}
	json_decref(listener.result);
	return ended;
}
