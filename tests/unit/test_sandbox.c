/*
 * src/base/sandbox: each test gives its rights up in a child of its own, which tells by exit code
 * what it could still do. Run under each Landlock ABI that the kernel has, and without.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/sandbox.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
	char *folder, *readable, *writable, *secret;
};

static char *make_file(const char *folder, const char *name)
{
	char *path = g_build_filename(folder, name, NULL);
	assert_true(g_file_set_contents(path, name, -1, NULL));
	return path;
}

static int set_up(void **state)
{
	struct fixture *at = g_new0(struct fixture, 1);
	at->folder = g_dir_make_tmp("agnes-sandbox-XXXXXX", NULL);
	at->readable = g_build_filename(at->folder, "r", NULL);
	at->writable = g_build_filename(at->folder, "w", NULL);
	g_mkdir(at->readable, 0700);
	g_mkdir(at->writable, 0700);
	g_free(make_file(at->readable, "file"));
	g_free(make_file(at->writable, "file"));
	at->secret = make_file(at->folder, "secret");
	*state = at;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *at = *state;
	const char *left[] = {"r/file", "r/new", "w/file", "w/new", "w/moved", "secret", "r", "w"};
	for (size_t i = 0; i < G_N_ELEMENTS(left); i++) {
		g_autofree char *path = g_build_filename(at->folder, left[i], NULL);
		g_remove(path);
	}
	g_rmdir(at->folder);
	g_free(at->folder);
	g_free(at->readable);
	g_free(at->writable);
	g_free(at->secret);
	g_free(at);
	return 0;
}

/* Runs `body` in a sandboxed child; 0 from it means that all was as it should be. */
static void in_sandbox(struct fixture *at, enum sandbox_profile profile, int newest_landlock,
		       int (*body)(struct fixture *at))
{
	pid_t pid = fork();
	if (pid == 0) {
		const struct sandbox_path paths[] = {{at->readable, SANDBOX_READ},
						     {at->writable, SANDBOX_READ_WRITE}};
		struct sandbox_plan plan = {.profile = profile,
					    .paths = paths,
					    .path_count = G_N_ELEMENTS(paths),
					    .newest_landlock = newest_landlock};
		g_autoptr(GError) error = NULL;
		if (!sandbox_enter(&plan, &error)) {
			fprintf(stderr, "%s\n", error->message);
			_exit(99);
		}
		_exit(body(at));
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		fail_msg("Landlock %d: step %d failed (status %x)", newest_landlock,
			 WEXITSTATUS(status), status);
}

/* Each of the bodies returns the number of the first expectation that did not hold. */
#define EXPECT(step, condition)      \
	do {                         \
		if (!(condition))    \
			return step; \
	} while (0)

static bool opens(const char *folder, const char *name, int flags)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	AUTO_FD fd = open(path, flags | O_CLOEXEC, 0600);
	return fd >= 0;
}

static int only_given_files_open(struct fixture *at)
{
	g_autofree char *from = g_build_filename(at->writable, "new", NULL);
	g_autofree char *to = g_build_filename(at->writable, "moved", NULL);
	EXPECT(1, opens(at->readable, "file", O_RDONLY));
	EXPECT(2, !opens(at->readable, "file", O_WRONLY));
	EXPECT(3, !opens(at->readable, "new", O_WRONLY | O_CREAT));
	EXPECT(4, opens(at->writable, "new", O_RDWR | O_CREAT | O_TRUNC));
	EXPECT(5, rename(from, to) == 0);
	EXPECT(6, unlink(to) == 0);
	EXPECT(7, !opens(at->folder, "secret", O_RDONLY));
	EXPECT(8, !opens(at->folder, "r/../secret", O_RDONLY));
	EXPECT(9, !opens("/etc", "passwd", O_RDONLY));
	EXPECT(10, !opens("/proc/self", "environ", O_RDONLY));
	EXPECT(11, link(at->secret, from) < 0);
	EXPECT(12, symlink(at->secret, from) < 0);
	return 0;
}

static void files_outside_the_plan_cannot_be_opened(void **state)
{
	int abi = sandbox_landlock_abi();
	if (abi == 0)
		skip();
	for (int newest = 1; newest <= abi; newest++)
		in_sandbox(*state, SANDBOX_OFFLINE, newest, only_given_files_open);
	in_sandbox(*state, SANDBOX_OFFLINE, SANDBOX_ANY_LANDLOCK, only_given_files_open);
	in_sandbox(*state, SANDBOX_NETWORK, SANDBOX_ANY_LANDLOCK, only_given_files_open);
}

static int secret_opens(struct fixture *at)
{
	EXPECT(1, opens(at->folder, "secret", O_RDONLY));
	return 0;
}

static void without_landlock_files_stay_open(void **state)
{
	in_sandbox(*state, SANDBOX_OFFLINE, 0, secret_opens);
}

static int nothing_can_be_run_or_inspected(struct fixture *at)
{
	char *argv[] = {(char *)"true", NULL};
	EXPECT(1, execv("/bin/true", argv) < 0 && errno == EPERM);
	EXPECT(2, fork() < 0 && errno == EPERM);
	EXPECT(3, syscall(SYS_vfork) < 0 && errno == EPERM);
	EXPECT(4, ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 && errno == EPERM);
	EXPECT(5, syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == EPERM);
	EXPECT(6, syscall(SYS_unshare, 0) < 0 && errno == EPERM);
	EXPECT(7,
	       syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0) < 0 && errno == EPERM);
	EXPECT(8, kill(getppid(), 0) < 0 && errno == EPERM);
	EXPECT(9, syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM);
	EXPECT(10, syscall(SYS_memfd_create, "x", 0) < 0 && errno == EPERM);
	EXPECT(11, prlimit(getppid(), RLIMIT_CPU, NULL, NULL) < 0 && errno == EPERM);
	EXPECT(12, syscall(SYS_open_by_handle_at, 0, NULL, 0) < 0 && errno == EPERM);
	EXPECT(13, syscall(SYS_pidfd_open, getppid(), 0) < 0 && errno == EPERM);
	return 0;
}

/* Without Landlock's scopes nothing but the filter keeps a process from these. */
static int nobody_else_gets_signals(struct fixture *at)
{
	AUTO_FD file = open(at->readable, O_RDONLY | O_CLOEXEC);
	struct f_owner_ex parent = {F_OWNER_PID, getppid()};
	int owner = getppid();
	EXPECT(31, file >= 0 && fcntl(file, F_GETFL) >= 0);
	EXPECT(32, fcntl(file, F_SETOWN, owner) < 0 && errno == EPERM);
	EXPECT(33, fcntl(file, F_SETOWN_EX, &parent) < 0 && errno == EPERM);
	EXPECT(34, fcntl(file, F_SETSIG, SIGKILL) < 0 && errno == EPERM);
	EXPECT(35, fcntl(file, F_SETLEASE, F_RDLCK) < 0 && errno == EPERM);
	EXPECT(36, fcntl(file, F_NOTIFY, DN_CREATE) < 0 && errno == EPERM);
	EXPECT(37, ioctl(file, FIOSETOWN, &owner) < 0 && errno == EPERM);
	EXPECT(38, ioctl(STDERR_FILENO, TIOCSTI, "x") < 0 && errno == EPERM);
	return 0;
}

/* errno, or 0 when the socket was made. */
static int socket_error(int family, int type)
{
	AUTO_FD made = socket(family, type | SOCK_CLOEXEC, 0);
	return made >= 0 ? 0 : errno;
}

static bool can_map(size_t size, int protection)
{
	/* cppcheck-suppress invalidFunctionArg; an anonymous mapping has no descriptor */
	void *page = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page != MAP_FAILED && munmap(page, size) == 0;
}

/* Whether memory that was written can be made executable. */
static bool can_turn_executable(void)
{
	/* cppcheck-suppress invalidFunctionArg */
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page != MAP_FAILED && mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

static int no_socket_and_no_new_code(struct fixture *at)
{
	int step = nothing_can_be_run_or_inspected(at);
	EXPECT(step, step == 0);
	step = nobody_else_gets_signals(at);
	EXPECT(step, step == 0);
	EXPECT(21, socket_error(AF_INET, SOCK_STREAM) == EPERM);
	EXPECT(22, socket_error(AF_UNIX, SOCK_STREAM) == EPERM);
	EXPECT(23, can_map(4096, PROT_READ) && !can_map(4096, PROT_READ | PROT_EXEC));
	EXPECT(24, !can_turn_executable());
	return 0;
}

static int sockets_of_the_network_alone(struct fixture *at)
{
	int step = nothing_can_be_run_or_inspected(at);
	EXPECT(step, step == 0);
	step = nobody_else_gets_signals(at);
	EXPECT(step, step == 0);
	EXPECT(21, socket_error(AF_INET, SOCK_STREAM) == 0);
	EXPECT(22, socket_error(AF_INET6, SOCK_STREAM) == 0);
	EXPECT(23, socket_error(AF_UNIX, SOCK_STREAM) == EPERM);
	EXPECT(24, socket_error(AF_PACKET, SOCK_RAW) == EPERM);
	return 0;
}

static void system_calls_are_those_of_the_profile(void **state)
{
	in_sandbox(*state, SANDBOX_OFFLINE, SANDBOX_ANY_LANDLOCK, no_socket_and_no_new_code);
	in_sandbox(*state, SANDBOX_OFFLINE, 0, no_socket_and_no_new_code);
	in_sandbox(*state, SANDBOX_NETWORK, SANDBOX_ANY_LANDLOCK, sockets_of_the_network_alone);
}

/* Root could otherwise, also without Landlock. */
static int limits_cannot_be_raised(struct fixture *at)
{
	struct rlimit files, more;
	EXPECT(41, getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max != RLIM_INFINITY);
	more = (struct rlimit){files.rlim_cur, files.rlim_max + 1};
	EXPECT(42, setrlimit(RLIMIT_NOFILE, &more) < 0 && errno == EPERM);
	EXPECT(43, prlimit(0, RLIMIT_NOFILE, &more, NULL) < 0 && errno == EPERM);
	EXPECT(44, opens(at->folder, "r/file", O_RDONLY));
	return 0;
}

/* Where /proc can be read: what is left, as the bits of CAP_DAC_OVERRIDE and DAC_READ_SEARCH. */
static int capabilities_are_few(struct fixture *at)
{
	g_autofree char *status = NULL;
	EXPECT(45, g_file_get_contents("/proc/self/status", &status, NULL, NULL));
	for (const char *line = strstr(status, "Cap"); line; line = strstr(line + 1, "\nCap")) {
		const char *value = strchr(line, ':');
		bool is_bound = strstr(line, "CapBnd") == line + 1;
		EXPECT(46, is_bound || !(g_ascii_strtoull(value + 1, NULL, 16) & ~6ULL));
	}
	return limits_cannot_be_raised(at);
}

static void capabilities_are_gone(void **state)
{
	in_sandbox(*state, SANDBOX_OFFLINE, SANDBOX_ANY_LANDLOCK, limits_cannot_be_raised);
	in_sandbox(*state, SANDBOX_NETWORK, 0, capabilities_are_few);
}

static void *open_secret(void *data)
{
	struct fixture *at = data;
	return opens(at->folder, "secret", O_RDONLY) ? at : NULL;
}

static int threads_start_and_are_bound(struct fixture *at)
{
	pthread_t thread;
	void *opened;
	EXPECT(1, pthread_create(&thread, NULL, open_secret, at) == 0);
	EXPECT(2, pthread_join(thread, &opened) == 0);
	EXPECT(3, !opened);
	return 0;
}

static void later_threads_are_bound_too(void **state)
{
	if (sandbox_landlock_abi() == 0)
		skip();
	in_sandbox(*state, SANDBOX_OFFLINE, SANDBOX_ANY_LANDLOCK, threads_start_and_are_bound);
}

static void *wait_for_ever(void *data)
{
	for (;;)
		pause();
	return NULL;
}

static void a_process_with_threads_is_refused(void **state)
{
	pid_t pid = fork();
	if (pid == 0) {
		pthread_t thread;
		struct sandbox_plan plan = {.newest_landlock = SANDBOX_ANY_LANDLOCK};
		g_autoptr(GError) error = NULL;
		pthread_create(&thread, NULL, wait_for_ever, NULL);
		_exit(sandbox_enter(&plan, &error) ? 1 : 0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_missing_path_is_an_error(void **state)
{
	if (sandbox_landlock_abi() == 0)
		skip();
	pid_t pid = fork();
	if (pid == 0) {
		const struct sandbox_path path = {"/nonexistent", SANDBOX_READ};
		struct sandbox_plan plan = {
			.paths = &path, .path_count = 1, .newest_landlock = SANDBOX_ANY_LANDLOCK};
		g_autoptr(GError) error = NULL;
		bool refused = !sandbox_enter(&plan, &error) &&
			       g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND);
		_exit(refused ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void limits_hold(void **state)
{
	pid_t pid = fork();
	if (pid == 0) {
		const struct sandbox_limits limits = {.address_space = (uint64_t)4 << 30,
						      .open_files = 64};
		struct rlimit core;
		if (!sandbox_limit(&limits, NULL) || !sandbox_limit_cpu(1, NULL))
			_exit(1);
		if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_max != 0)
			_exit(2);
		if (can_map((size_t)8 << 30, PROT_READ))
			_exit(3);
		if (fcntl(0, F_DUPFD, 64) >= 0)
			_exit(4);
		for (volatile int i = 0;; i++)
			;
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGXCPU);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_outside_the_plan_cannot_be_opened, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(without_landlock_files_stay_open, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(system_calls_are_those_of_the_profile, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(later_threads_are_bound_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(capabilities_are_gone, set_up, tear_down),
		cmocka_unit_test(a_process_with_threads_is_refused),
		cmocka_unit_test(a_missing_path_is_an_error),
		cmocka_unit_test(limits_hold),
	};
	/* AddressSanitizer maps terabytes and reads /proc. */
	if (g_getenv("AGNES_SANITIZE")) {
		puts("1..1\nok 1 # SKIP sandboxes and sanitizers exclude each other");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
