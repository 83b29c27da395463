/* Child processes over posix_spawn and pidfd. */
#include "base/process.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WATCH_STACK = 64 * 1024 };

void process_fill_standard_descriptors(void)
{
	/* The lowest number that is free is the one that is missing. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
	}
}

struct process {
	pid_t pid;
	int pidfd;
	GMutex lock; /* held to reap and to send signals: a pid that was reaped may be another's */
	bool ended;
	int status;
};

/*
 * Copies of the descriptors above all numbers that the child will have, so that putting one in its
 * place never overwrites another.
 */
static bool lift_descriptors(const struct process_options *options, GArray *lifted, GError **error)
{
	for (size_t i = 0; i < options->descriptor_count; i++) {
		int from = options->descriptors[i];
		AUTO_FD null = from == PROCESS_NO_DESCRIPTOR ? open("/dev/null", O_RDWR | O_CLOEXEC)
							     : -1;
		int copy = fcntl(null >= 0 ? null : from, F_DUPFD_CLOEXEC,
				 (int)options->descriptor_count);
		if (copy < 0) {
			agnes_set_errno(error, errno, "cannot hand descriptor %d to %s", from,
					options->argv[0]);
			return false;
		}
		g_array_append_val(lifted, copy);
	}
	return true;
}

static void close_descriptors(GArray *descriptors)
{
	for (guint i = 0; i < descriptors->len; i++)
		close(g_array_index(descriptors, int, i));
	g_array_free(descriptors, TRUE);
}

static int spawn(const struct process_options *options, GArray *lifted, pid_t *pid)
{
	static const char *const no_environment[] = {NULL};
	const char *const *environment = options->environment ? options->environment
							      : no_environment;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	int problem = posix_spawnattr_setsigmask(&attributes, &none);
	if (!problem)
		problem = posix_spawnattr_setsigdefault(&attributes, &all);
	if (!problem)
		problem = posix_spawnattr_setpgroup(&attributes, 0);
	if (!problem)
		problem = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
									POSIX_SPAWN_SETSIGDEF |
									POSIX_SPAWN_SETPGROUP);
	for (guint i = 0; !problem && i < lifted->len; i++)
		problem = posix_spawn_file_actions_adddup2(&actions, g_array_index(lifted, int, i),
							   (int)i);
	if (!problem)
		problem = posix_spawn_file_actions_addclosefrom_np(&actions, (int)lifted->len);
	if (!problem)
		problem = posix_spawn(pid, options->program, &actions, &attributes,
				      (char *const *)options->argv, (char *const *)environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return problem;
}

struct process *process_start(const struct process_options *options, GError **error)
{
	g_autoptr(process) child = g_new0(struct process, 1);
	child->pidfd = -1;
	child->ended = true; /* nothing to kill yet */
	g_mutex_init(&child->lock);
	GArray *lifted = g_array_new(FALSE, FALSE, sizeof(int));
	if (!lift_descriptors(options, lifted, error)) {
		close_descriptors(lifted);
		return NULL;
	}
	int problem = spawn(options, lifted, &child->pid);
	close_descriptors(lifted);
	if (problem) {
		agnes_set_errno(error, problem, "cannot start %s", options->argv[0]);
		return NULL;
	}
	child->ended = false;
	child->pidfd = pidfd_open(child->pid, 0);
	if (child->pidfd < 0) {
		agnes_set_errno(error, errno, "cannot watch %s", options->argv[0]);
		return NULL;
	}
	if (options->nice != 0) {
		int own = getpriority(PRIO_PROCESS, 0);
		if (setpriority(PRIO_PROCESS, (id_t)child->pid, own + options->nice) < 0)
			g_debug("cannot change the priority of %s: %s", options->argv[0],
				g_strerror(errno));
	}
	return g_steal_pointer(&child);
}

pid_t process_id(const struct process *child)
{
	return child->pid;
}

int process_end_descriptor(const struct process *child)
{
	return child->pidfd;
}

/* poll() that goes on after a signal, up to the same deadline. */
static int poll_until(struct pollfd *what, int milliseconds)
{
	gint64 deadline = g_get_monotonic_time() + (gint64)milliseconds * 1000;
	for (;;) {
		int ready = poll(what, 1, milliseconds);
		if (ready >= 0 || errno != EINTR)
			return ready;
		if (milliseconds > 0)
			milliseconds = (int)MAX(0, (deadline - g_get_monotonic_time()) / 1000);
	}
}

static bool reap(struct process *child)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&child->lock);
	if (!child->ended)
		child->ended = waitpid(child->pid, &child->status, 0) == child->pid;
	return child->ended;
}

bool process_wait(struct process *child, int milliseconds, int *status, GError **error)
{
	struct pollfd end = {.fd = child->pidfd, .events = POLLIN};
	int ready = poll_until(&end, milliseconds);
	if (ready == 0) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_TIMEOUT,
			    "process %d still runs after %d ms", (int)child->pid, milliseconds);
		return false;
	}
	if (ready < 0 || !reap(child)) {
		agnes_set_errno(error, errno, "cannot wait for process %d", (int)child->pid);
		return false;
	}
	if (status)
		*status = child->status;
	return true;
}

bool process_check_status(int status, GError **error)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFEXITED(status))
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED, "exited with code %d",
			    WEXITSTATUS(status));
	else
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED, "was killed by signal %d (%s)",
			    WTERMSIG(status), strsignal(WTERMSIG(status)));
	return false;
}

static void signal_group(struct process *child, int signal)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&child->lock);
	if (!child->ended)
		kill(-child->pid, signal);
}

void process_signal(struct process *child, int signal)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&child->lock);
	if (!child->ended)
		kill(child->pid, signal);
}

void process_kill(struct process *child)
{
	signal_group(child, SIGKILL);
}

void process_stop(struct process *child, int milliseconds)
{
	struct pollfd end = {.fd = child->pidfd, .events = POLLIN};
	signal_group(child, SIGTERM);
	poll_until(&end, milliseconds);
	/* Even when the child itself has ended: its own children may not have. */
	signal_group(child, SIGKILL);
	process_wait(child, -1, NULL, NULL);
}

void process_free(struct process *child)
{
	if (!child)
		return;
	signal_group(child, SIGKILL);
	reap(child);
	if (child->pidfd >= 0)
		close(child->pidfd);
	g_mutex_clear(&child->lock);
	g_free(child);
}

static void *end_at_hangup(void *data)
{
	int *fd = data;
	struct pollfd parent = {.fd = *fd, .events = POLLRDHUP};
	g_free(fd);
	while (poll(&parent, 1, -1) <= 0)
		;
	_exit(PROCESS_EXIT_ORPHAN);
}

bool process_end_with_parent(int fd, GError **error)
{
	pthread_t thread;
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, WATCH_STACK);
	int *watched = g_memdup2(&fd, sizeof fd);
	int problem = pthread_create(&thread, &attributes, end_at_hangup, watched);
	pthread_attr_destroy(&attributes);
	if (problem == 0)
		return true;
	g_free(watched);
	agnes_set_errno(error, problem, "cannot watch for the end of the parent");
	return false;
}
