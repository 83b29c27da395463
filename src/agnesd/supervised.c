/* Starting, watching, starting again. */
#include "agnesd/supervised.h"

#include "base/error.h"
#include "base/process.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
	LONGEST_LINE = 1024,
	FIRST_PAUSE_SECONDS = 1,
	LONGEST_PAUSE_SECONDS = 60,
	STEADY_SECONDS = 60, /* who ran as long is not in trouble: the pause is short again */
};

struct supervised {
	struct supervised_options options;
	char **arguments, **environment;
	int listener;
	struct process *process;	      /* NULL: it does not run */
	int lifeline;			      /* our end of its standard input */
	guint end_watch, line_watch, restart; /* sources; 0: none */
	bool was_ready;			      /* once */
	gint64 started;
	int pause; /* seconds before the next start */
};

struct supervised *supervised_new(const struct supervised_options *options)
{
	struct supervised *service = g_new0(struct supervised, 1);
	service->options = *options;
	service->lifeline = -1;
	service->pause = FIRST_PAUSE_SECONDS;
	return service;
}

static void remove_source(guint *id)
{
	if (*id)
		g_source_remove(*id);
	*id = 0;
}

static void let_go(struct supervised *service)
{
	remove_source(&service->end_watch);
	remove_source(&service->line_watch);
	remove_source(&service->restart);
	process_free(g_steal_pointer(&service->process));
	descriptor_close(&service->lifeline);
}

void supervised_free(struct supervised *service)
{
	if (!service)
		return;
	let_go(service);
	g_strfreev(service->arguments);
	g_strfreev(service->environment);
	g_free(service);
}

static gboolean start(gpointer data);

/* However it ended. */
static void take_end(struct supervised *service, int code, const char *how)
{
	bool steady = g_get_monotonic_time() - service->started > STEADY_SECONDS * G_USEC_PER_SEC;
	let_go(service);
	if (!service->options.ended(service->options.data, code, !service->was_ready))
		return;
	if (steady)
		service->pause = FIRST_PAUSE_SECONDS;
	g_warning("agnesd %s %s; it starts again in %d s", service->options.name, how,
		  service->pause);
	service->restart = g_timeout_add_seconds((guint)service->pause, start, service);
	service->pause = MIN(2 * service->pause, LONGEST_PAUSE_SECONDS);
}

static gboolean on_end(gint fd, GIOCondition condition, gpointer data)
{
	int status = 0;
	struct supervised *service = data;
	g_autoptr(GError) how = NULL;
	service->end_watch = 0;
	process_wait(service->process, -1, &status, NULL);
	process_check_status(status, &how);
	take_end(service, WIFEXITED(status) ? WEXITSTATUS(status) : -1,
		 how ? how->message : "ended by itself");
	return G_SOURCE_REMOVE;
}

static gboolean on_line(gint fd, GIOCondition condition, gpointer data)
{
	struct supervised *service = data;
	char line[LONGEST_LINE];
	ssize_t got = recv(fd, line, sizeof line - 1, MSG_DONTWAIT);
	service->line_watch = 0;
	if (got <= 0) /* it is ending, which is told by other means */
		return G_SOURCE_REMOVE;
	line[got] = '\0';
	service->was_ready = true;
	service->options.ready(service->options.data, g_strchomp(line));
	return G_SOURCE_REMOVE;
}

static bool start_process(struct supervised *service, GError **error)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		agnes_set_errno(error, errno, "cannot make a socket");
		return false;
	}
	service->lifeline = pair[0];
	AUTO_FD input = pair[1];
	const int descriptors[] = {input, STDOUT_FILENO, STDERR_FILENO, service->listener};
	const struct process_options options = {
		.program = PROCESS_SELF,
		.argv = (const char *const *)service->arguments,
		.environment = (const char *const *)service->environment,
		.descriptors = descriptors,
		.descriptor_count = G_N_ELEMENTS(descriptors) - (service->listener < 0),
	};
	service->process = process_start(&options, error);
	return service->process != NULL;
}

static gboolean start(gpointer data)
{
	struct supervised *service = data;
	g_autoptr(GError) error = NULL;
	service->restart = 0;
	service->started = g_get_monotonic_time();
	if (!start_process(service, &error)) {
		take_end(service, -1, error->message);
		return G_SOURCE_REMOVE;
	}
	service->end_watch = g_unix_fd_add(process_end_descriptor(service->process), G_IO_IN,
					   on_end, service);
	service->line_watch = g_unix_fd_add(service->lifeline, G_IO_IN | G_IO_HUP, on_line,
					    service);
	return G_SOURCE_REMOVE;
}

void supervised_start(struct supervised *service, char **arguments, char **environment,
		      int listener)
{
	let_go(service);
	g_strfreev(service->arguments);
	g_strfreev(service->environment);
	service->arguments = arguments;
	service->environment = environment;
	service->listener = listener;
	start(service);
}

void supervised_signal(struct supervised *service, int signal)
{
	if (service->process)
		process_signal(service->process, signal);
}

bool supervised_stop(struct supervised *service, int milliseconds)
{
	int status = 0;
	if (service->process) {
		process_stop(service->process, milliseconds);
		process_wait(service->process, 0, &status, NULL);
	}
	let_go(service);
	/* A signal ends it as well while it does not listen for one yet. */
	return (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) ||
	       process_check_status(status, NULL);
}
