/* src/base/process: what a child gets and does not get, and how it ends. */
#include "base/error.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { LONG = 60 * 1000 };

/* Runs a shell script with standard output in a pipe. */
static struct process *start_shell(const char *script, const char *const *environment, int *output,
				   int nice)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	AUTO_FD write_end = ends[1];
	const char *argv[] = {"sh", "-c", script, NULL};
	const int descriptors[] = {PROCESS_NO_DESCRIPTOR, write_end, STDERR_FILENO};
	struct process_options options = {.program = "/bin/sh",
					  .argv = argv,
					  .environment = environment,
					  .descriptors = descriptors,
					  .descriptor_count = G_N_ELEMENTS(descriptors),
					  .nice = nice};
	g_autoptr(GError) error = NULL;
	struct process *child = process_start(&options, &error);
	assert_null(error);
	*output = ends[0];
	return child;
}

static char *read_all(int fd)
{
	GString *text = g_string_new(NULL);
	char step[256];
	ssize_t got;
	while ((got = read(fd, step, sizeof step)) > 0)
		g_string_append_len(text, step, got);
	return g_string_free(text, FALSE);
}

static char *output_of(const char *script, const char *const *environment, int nice)
{
	AUTO_FD output = -1;
	int status;
	g_autoptr(process) child = start_shell(script, environment, &output, nice);
	char *text = read_all(output);
	assert_true(process_wait(child, LONG, &status, NULL));
	assert_true(process_check_status(status, NULL));
	return g_strchomp(text);
}

static void a_child_gets_only_the_environment_given(void **state)
{
	const char *const environment[] = {"ONE=1", NULL};
	g_setenv("AGNES_TEST_SECRET", "hidden", TRUE);
	g_autofree char *given = output_of("echo $ONE-$AGNES_TEST_SECRET", environment, 0);
	assert_string_equal(given, "1-");
	/* The shell itself sets some for its children. */
	g_autofree char *rest = output_of("env | grep -vE '^(PWD|OLDPWD|SHLVL|_)=' || true", NULL,
					  0);
	assert_string_equal(rest, "");
}

static void a_child_gets_only_the_descriptors_given(void **state)
{
	/* Without O_CLOEXEC on purpose: somebody else's forgotten descriptor. */
	AUTO_FD leak = fcntl(STDERR_FILENO, F_DUPFD, 70);
	assert_true(leak >= 70);
	g_autofree char *open = output_of("cd /proc/self/fd && echo *", NULL, 0);
	/* The fourth is the folder that the shell itself lists. */
	assert_string_equal(open, "0 1 2 3");
}

/* A pipe whose ends have high numbers; its write end is also at `number`. */
static int pipe_written_at(int number)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	int read_end = fcntl(ends[0], F_DUPFD_CLOEXEC, 50);
	int write_end = fcntl(ends[1], F_DUPFD_CLOEXEC, 50);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(dup3(write_end, number, O_CLOEXEC), number);
	close(write_end);
	return read_end;
}

static void descriptors_may_be_swapped(void **state)
{
	AUTO_FD first = pipe_written_at(4);
	AUTO_FD second = pipe_written_at(3);
	const char *argv[] = {"sh", "-c", "echo three >&3; echo four >&4", NULL};
	const int descriptors[] = {PROCESS_NO_DESCRIPTOR, PROCESS_NO_DESCRIPTOR, STDERR_FILENO, 4,
				   3};
	struct process_options options = {.program = "/bin/sh",
					  .argv = argv,
					  .descriptors = descriptors,
					  .descriptor_count = G_N_ELEMENTS(descriptors)};
	g_autoptr(process) child = process_start(&options, NULL);
	close(3);
	close(4);
	g_autofree char *from_first = read_all(first);
	g_autofree char *from_second = read_all(second);
	assert_string_equal(from_first, "three\n");
	assert_string_equal(from_second, "four\n");
}

static void a_program_that_is_missing_is_an_error(void **state)
{
	const char *argv[] = {"nothing", NULL};
	const int descriptors[] = {0, 1, 2};
	struct process_options options = {.program = "/nonexistent/nothing",
					  .argv = argv,
					  .descriptors = descriptors,
					  .descriptor_count = 3};
	g_autoptr(GError) error = NULL;
	assert_null(process_start(&options, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND));
}

static void the_end_of_a_child_is_told(void **state)
{
	AUTO_FD output = -1;
	int status;
	g_autoptr(GError) error = NULL;
	g_autoptr(process) child = start_shell("exit 3", NULL, &output, 0);
	assert_true(process_wait(child, LONG, &status, NULL));
	assert_false(process_check_status(status, &error));
	assert_string_equal(error->message, "exited with code 3");
	assert_true(process_wait(child, 0, &status, NULL));
	assert_int_equal(WEXITSTATUS(status), 3);
}

static void waiting_has_a_deadline(void **state)
{
	AUTO_FD output = -1;
	int status;
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) killed = NULL;
	g_autoptr(process) child = start_shell("sleep 1000", NULL, &output, 0);
	assert_false(process_wait(child, 20, NULL, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_TIMEOUT));
	process_kill(child);
	assert_true(process_wait(child, LONG, &status, NULL));
	assert_false(process_check_status(status, &killed));
	assert_string_equal(killed->message, "was killed by signal 9 (Killed)");
}

static void stopping_kills_what_does_not_listen(void **state)
{
	AUTO_FD output = -1;
	int status;
	char ready[2];
	g_autoptr(process) child = start_shell(
		"trap '' TERM; echo r; while :; do sleep 1000 & wait; done", NULL, &output, 0);
	assert_int_equal(read(output, ready, sizeof ready), 2);
	process_stop(child, 50);
	assert_true(process_wait(child, 0, &status, NULL));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	/* The grandchild held the pipe: end of file says that the group is gone. */
	g_autofree char *rest = read_all(output);
	assert_string_equal(rest, "");
}

static void stopping_lets_a_child_end_by_itself(void **state)
{
	AUTO_FD output = -1;
	int status;
	char ready[2];
	g_autoptr(process) child = start_shell(
		"trap 'exit 7' TERM; echo r; while :; do sleep 0.01; done", NULL, &output, 0);
	assert_int_equal(read(output, ready, sizeof ready), 2);
	process_stop(child, LONG);
	assert_true(process_wait(child, 0, &status, NULL));
	assert_int_equal(WEXITSTATUS(status), 7);
}

static void a_child_can_be_nice(void **state)
{
	g_autofree char *text = output_of("sleep 0.1; nice", NULL, 5);
	g_autofree char *expected = g_strdup_printf("%d", getpriority(PRIO_PROCESS, 0) + 5);
	assert_string_equal(text, expected);
}

static void freeing_kills(void **state)
{
	AUTO_FD output = -1;
	pid_t pid;
	{
		g_autoptr(process) child = start_shell("sleep 1000", NULL, &output, 0);
		pid = process_id(child);
	}
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

/* Started by the test below as a child: lives until its descriptor 3 hangs up. */
static int live_with_parent(void)
{
	if (!process_end_with_parent(3, NULL))
		return 1;
	for (;;)
		pause();
}

static void a_child_ends_with_its_parent(void **state)
{
	int ends[2], status;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	const char *argv[] = {"test_process", "live", NULL};
	const int descriptors[] = {PROCESS_NO_DESCRIPTOR, STDERR_FILENO, STDERR_FILENO, ends[1]};
	struct process_options options = {.program = PROCESS_SELF,
					  .argv = argv,
					  .descriptors = descriptors,
					  .descriptor_count = G_N_ELEMENTS(descriptors)};
	g_autoptr(process) child = process_start(&options, NULL);
	assert_non_null(child);
	close(ends[1]);
	assert_int_equal(write(ends[0], "data", 4), 4);
	assert_false(process_wait(child, 100, NULL, NULL));
	close(ends[0]);
	assert_true(process_wait(child, LONG, &status, NULL));
	assert_int_equal(WEXITSTATUS(status), PROCESS_EXIT_ORPHAN);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "live") == 0)
		return live_with_parent();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_gets_only_the_environment_given),
		cmocka_unit_test(a_child_gets_only_the_descriptors_given),
		cmocka_unit_test(descriptors_may_be_swapped),
		cmocka_unit_test(a_program_that_is_missing_is_an_error),
		cmocka_unit_test(the_end_of_a_child_is_told),
		cmocka_unit_test(waiting_has_a_deadline),
		cmocka_unit_test(stopping_kills_what_does_not_listen),
		cmocka_unit_test(stopping_lets_a_child_end_by_itself),
		cmocka_unit_test(a_child_can_be_nice),
		cmocka_unit_test(freeing_kills),
		cmocka_unit_test(a_child_ends_with_its_parent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
