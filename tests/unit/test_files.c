/* src/base/files: removing a tree that others remove at the same time. */
#include "base/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { FOLDERS = 40, FILES = 40, REMOVERS = 4 };

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_goes_whole_though_others_remove_it_too),
		cmocka_unit_test(a_tree_that_is_not_there_is_fine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
