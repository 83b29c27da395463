/* A subreaper: the kernel gives it every orphan below, so that it finds all that is to be killed.
 */
#include "base/supervisor.h"

#include "base/cleanup.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

enum {
	GRACE_MILLISECONDS = 2000, /* between the request to end and the end */
	EXIT_CANNOT_START = 127,
};

struct supervised {
	pid_t program;
	int status; /* once it has ended, as of waitpid() */
	bool ended;
	int signals; /* a signalfd of SIGCHLD */
};

_Noreturn static void become(char *const argv[], pid_t supervisor)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* In case somebody kills the supervisor alone. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		_exit(PROCESS_EXIT_ORPHAN);
	execve(argv[0], argv, environ);
	dprintf(STDERR_FILENO, "cannot start %s: %s\n", argv[0], g_strerror(errno));
	_exit(EXIT_CANNOT_START);
}

static void reap(struct supervised *supervised)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (pid != supervised->program)
			continue;
		supervised->ended = true;
		supervised->status = status;
	}
}

/* Until the program has ended, the parent has gone, or `milliseconds` have passed. */
static void await(struct supervised *supervised, int parent, int milliseconds)
{
	struct pollfd watched[] = {
		{.fd = supervised->signals, .events = POLLIN},
		{.fd = parent, .events = POLLRDHUP},
	};
	const gint64 start = g_get_monotonic_time();
	while (!supervised->ended && !watched[1].revents) {
		int left = -1;
		if (milliseconds >= 0)
			left = milliseconds - (int)((g_get_monotonic_time() - start) / 1000);
		if (milliseconds >= 0 && left <= 0)
			return;
		struct signalfd_siginfo ignored;
		if (poll(watched, G_N_ELEMENTS(watched), left) > 0 && watched[0].revents &&
		    read(supervised->signals, &ignored, sizeof ignored) > 0)
			reap(supervised);
	}
}

/* Kills the children that we have now; false when the kernel does not tell which they are. */
static bool kill_children(void)
{
	g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", (int)getpid());
	g_autofree char *list = NULL;
	if (!g_file_get_contents(path, &list, NULL, NULL))
		return false;
	g_auto(GStrv) pids = g_strsplit(g_strchomp(list), " ", -1);
	for (char **at = pids; *at; at++) {
		pid_t pid = (pid_t)g_ascii_strtoll(*at, NULL, 10);
		if (pid > 1)
			kill(pid, SIGKILL);
	}
	return true;
}

/* The children of those that die become ours, so the last round finds nobody. */
static void kill_all(struct supervised *supervised)
{
	for (;;) {
		reap(supervised);
		if (!kill_children())
			kill(0, SIGKILL);
		if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			return;
	}
}

_Noreturn static void end_like(int status)
{
	const struct rlimit no_core = {0};
	sigset_t none;
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	setrlimit(RLIMIT_CORE, &no_core);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	kill(getpid(), WTERMSIG(status));
	_exit(EXIT_FAILURE);
}

_Noreturn void supervise(char *const argv[])
{
	struct supervised supervised = {0};
	const pid_t self = getpid();
	sigset_t all, child;
	sigfillset(&all);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	/* The group is asked to end as a whole; we end after the others. */
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	close_range(STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC);
	supervised.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	supervised.program = fork();
	if (supervised.program == 0)
		become(argv, self);
	if (supervised.program < 0 || supervised.signals < 0) {
		dprintf(STDERR_FILENO, "cannot start %s: %s\n", argv[0], g_strerror(errno));
		kill_all(&supervised);
		_exit(EXIT_CANNOT_START);
	}
	await(&supervised, SUPERVISOR_PARENT, -1);
	bool orphan = !supervised.ended;
	if (orphan) {
		kill(0, SIGTERM);
		await(&supervised, -1, GRACE_MILLISECONDS);
	}
	kill_all(&supervised);
	if (orphan)
		_exit(PROCESS_EXIT_ORPHAN);
	end_like(supervised.status);
}
