/* agnesd extract: runs one connector, in a process of its own. */
#include "agnesd/commands.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "connectors/custom/custom.h"
#include "connectors/registry.h"
#include "connectors/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LARGEST_INPUT = 64 * 1024 * 1024,
	NICENESS = 10,
	/* How long a cancelled run may take to clean up. */
	CANCEL_SECONDS = 10,
};

static gboolean discover, test, materialize;

static const GOptionEntry options[] = {
	{"discover", 0, 0, G_OPTION_ARG_NONE, &discover,
	 "Print the tables that the source has as registry rows, and extract nothing", NULL},
	{"test", 0, 0, G_OPTION_ARG_NONE, &test, "Only see whether the source lets us in", NULL},
	{"materialize", 0, 0, G_OPTION_ARG_NONE, &materialize,
	 "Run the rows of mode materialized instead of the others", NULL},
	G_OPTION_ENTRY_NULL,
};

/* What came on standard input. */
struct extract_request {
	json_t *rows;
	json_t *config; /* or NULL */
};

static void extract_request_clear(struct extract_request *request)
{
	json_decref(request->rows);
	json_decref(request->config);
}
DEFINE_AUTO(extract_request)

/* Either the rows alone, or {"rows": [...], "config": {...}}. */
static bool read_request(struct extract_request *request, GError **error)
{
	size_t size;
	g_autofree char *input = files_read_stream(STDIN_FILENO, "standard input", LARGEST_INPUT,
						   &size, error);
	if (!input)
		return false;
	if (size == 0) {
		request->rows = json_array();
		return true;
	}
	g_autoptr(json_t) whole = json_parse(input, size, "standard input", error);
	if (!whole)
		return false;
	bool alone = json_is_array(whole);
	request->rows = alone ? json_incref(whole) : json_incref(json_object_get(whole, "rows"));
	request->config = json_incref(json_object_get(whole, "config"));
	if (!request->rows && json_is_object(whole))
		request->rows = json_array();
	return true;
}

/* The thread that hears when the run is to end. */
struct watcher {
	struct connector_run *run;
	int over; /* an eventfd: the run has ended by itself */
	GThread *thread;
};

/*
 * Waits for somebody to ask for an end, or for nobody to read what we say any more: the death of
 * whoever started us closes its end of our standard output.
 */
static void *watch(void *data)
{
	const struct watcher *watcher = data;
	struct stat status;
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	AUTO_FD asked = signalfd(-1, &signals, SFD_CLOEXEC);
	bool piped = fstat(STDOUT_FILENO, &status) == 0 &&
		     (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
	struct pollfd watched[] = {
		{.fd = watcher->over, .events = POLLIN},
		{.fd = asked, .events = POLLIN},
		{.fd = piped ? STDOUT_FILENO : -1, .events = 0},
	};
	while (poll(watched, G_N_ELEMENTS(watched), -1) < 0 && errno == EINTR)
		;
	if (watched[0].revents)
		return NULL;
	connector_cancel(watcher->run);
	if (poll(watched, 1, CANCEL_SECONDS * 1000) == 0)
		_exit(EXIT_CODE_FAILED);
	return NULL;
}

static void watcher_start(struct watcher *watcher, struct connector_run *run)
{
	watcher->run = run;
	watcher->over = eventfd(0, EFD_CLOEXEC);
	watcher->thread = g_thread_new("watch", watch, watcher);
}

static void watcher_stop(struct watcher *watcher)
{
	eventfd_write(watcher->over, 1);
	g_thread_join(watcher->thread);
	descriptor_close(&watcher->over);
}

/* The rest of the process takes no signal that watch() waits for, and survives a closed pipe. */
static void prepare_process(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigaction(SIGPIPE, &ignore, NULL);
	if (getpriority(PRIO_PROCESS, 0) < NICENESS)
		setpriority(PRIO_PROCESS, 0, NICENESS);
	/* A table may have as many files as the administrator lets us open. */
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static void print_line(const json_t *value)
{
	g_autofree char *text = json_to_text(value);
	g_print("%s\n", text);
}

static bool print_discovered(struct connector_run *run, GError **error)
{
	if (!run->connector->discover) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
			    "the source '%s' cannot list its tables", run->connector->name);
		return false;
	}
	g_autoptr(json_t) found = run->connector->discover(run, error);
	if (found)
		print_line(found);
	return found != NULL;
}

static int extract(struct connector_run *run, GError **error)
{
	g_autoptr(json_t) result = connector_run_extract(run, error);
	if (!result) {
		g_autoptr(json_t) refusal = connector_run_refusal(run, *error);
		print_line(refusal);
		return command_fail(&command_extract, g_steal_pointer(error));
	}
	print_line(result);
	return connector_run_exit_code(run, result);
}

static int run_connector(struct connector_run *run)
{
	g_autoptr(GError) error = NULL;
	bool done = true;
	if (discover)
		done = print_discovered(run, &error);
	else if (test)
		done = !run->connector->test || run->connector->test(run, &error);
	else
		return extract(run, &error);
	return done ? EXIT_CODE_OK : command_fail(&command_extract, g_steal_pointer(&error));
}

static int run(const struct command_context *context, int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_auto(extract_request) request = {0};
	prepare_process();
	if (!read_request(&request, &error))
		return command_fail(&command_extract, g_steal_pointer(&error));
	g_autoptr(configuration) config = config_load(context->data_dir, &error);
	if (!config)
		return command_fail(&command_extract, g_steal_pointer(&error));
	const struct connector *connector = connector_find(argv[0]);
	g_autoptr(custom_connector) custom = NULL;
	if (!connector) {
		custom = custom_connector_new(config_text(config, "CONNECTORS_DIR"), argv[0],
					      &error);
		if (!custom)
			return command_fail(&command_extract, g_steal_pointer(&error));
		connector = &custom->connector;
	}
	enum connector_purpose purpose = materialize ? CONNECTOR_MATERIALIZE : CONNECTOR_EXTRACT;
	g_autoptr(connector_run)
		run = connector_run_new(connector, context->data_dir, purpose, request.rows, config,
					request.config, STDOUT_FILENO, &error);
	if (!run)
		return command_fail(&command_extract, g_steal_pointer(&error));
	struct watcher watcher;
	watcher_start(&watcher, run);
	int code = run_connector(run);
	watcher_stop(&watcher);
	return code;
}

const struct command command_extract = {
	.name = "extract",
	.arguments = "SOURCE",
	.summary = "Extract tables of a source into extracts/SOURCE",
	.details =
		"Reads the registry rows of the tables as a JSON array from standard input, or\n"
		"{\"rows\": [...], \"config\": {...}} with the configuration of the source.\n"
		"Prints its progress as JSON lines, and last\n"
		"{\"tables_extracted\": N, \"tables_failed\": N, \"errors\": [...]}.\n\n"
		"Exit codes: 0 no table failed, 1 all failed or nothing could be done, 2 some failed.",
	.options = options,
	.least = 1,
	.most = 1,
	.run = run,
};
