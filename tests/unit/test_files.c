/* src/base/files: removing a tree that others remove at the same time; writing to pipes. */
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { FOLDERS = 40, FILES = 40, REMOVERS = 4 };
enum { WRITTEN = 3 * 1024 * 1024 + 7 }; /* more than a pipe holds */

static char *make_tree(void)
{
	char *root = g_dir_make_tmp("agnes-files-XXXXXX", NULL);
	assert_non_null(root);
	for (int i = 0; i < FOLDERS; i++) {
		g_autofree char *folder = g_strdup_printf("%s/%d", root, i);
		assert_true(files_make_folder(folder, NULL));
		for (int j = 0; j < FILES; j++) {
			g_autofree char *file = g_strdup_printf("%s/%d", folder, j);
			assert_true(g_file_set_contents(file, "", 0, NULL));
		}
	}
	return root;
}

/* Success means that nothing is left, whoever removed it. */
static gpointer remove_it(gpointer path)
{
	bool removed = files_remove_tree(path, NULL);
	return GINT_TO_POINTER(removed && !g_file_test(path, G_FILE_TEST_EXISTS));
}

static void a_tree_goes_whole_though_others_remove_it_too(void **state)
{
	g_autofree char *root = make_tree();
	GThread *removers[REMOVERS];
	int succeeded = 0;
	for (int i = 0; i < REMOVERS; i++)
		removers[i] = g_thread_new("remover", remove_it, root);
	for (int i = 0; i < REMOVERS; i++)
		succeeded += GPOINTER_TO_INT(g_thread_join(removers[i]));
	assert_int_equal(succeeded, REMOVERS);
}

static void a_tree_that_is_not_there_is_fine(void **state)
{
	assert_true(files_remove_tree("/nonexistent/agnes", NULL));
}

/* Reads in odd pieces, and gives back the sum of what came. */
static gpointer sum_up(gpointer data)
{
	int fd = GPOINTER_TO_INT(data);
	guint8 piece[1013];
	gsize sum = 0;
	ssize_t got;
	while ((got = read(fd, piece, sizeof piece)) > 0) {
		for (ssize_t i = 0; i < got; i++)
			sum += piece[i];
	}
	close(fd);
	return GSIZE_TO_POINTER(sum);
}

static void all_is_written_to_a_pipe_that_is_read_slowly(void **state)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	GThread *reader = g_thread_new("reader", sum_up, GINT_TO_POINTER(ends[0]));
	g_autofree guint8 *bytes = g_malloc(WRITTEN);
	memset(bytes, 1, WRITTEN);
	assert_true(files_write_all(ends[1], bytes, WRITTEN));
	assert_true(files_write_all(ends[1], NULL, 0));
	close(ends[1]);
	assert_int_equal(GPOINTER_TO_SIZE(g_thread_join(reader)), WRITTEN);
}

static void a_pipe_that_nobody_reads_is_told_by_errno(void **state)
{
	int ends[2];
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	assert_false(files_write_all(ends[1], "x", 1));
	assert_int_equal(errno, EPIPE);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_goes_whole_though_others_remove_it_too),
		cmocka_unit_test(a_tree_that_is_not_there_is_fine),
		cmocka_unit_test(all_is_written_to_a_pipe_that_is_read_slowly),
		cmocka_unit_test(a_pipe_that_nobody_reads_is_told_by_errno),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
