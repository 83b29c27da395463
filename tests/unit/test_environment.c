/* src/base/environment: what a .env file sets, and what it does not. */
#include "base/environment.h"
#include "base/error.h"
#include "base/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char *folder, *path;

static int set_up(void **state)
{
	folder = g_dir_make_tmp("agnes-env-XXXXXX", NULL);
	path = g_build_filename(folder, ".env", NULL);
	for (char name[] = "T_A"; name[2] <= 'I'; name[2]++)
		g_unsetenv(name);
	return 0;
}

static int tear_down(void **state)
{
	bool removed = files_remove_tree(folder, NULL);
	g_free(folder);
	g_free(path);
	return removed ? 0 : -1;
}

/* The problems, one a line. */
static char *load(const char *text)
{
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	assert_true(files_replace(path, text, strlen(text), 0600, NULL));
	assert_true(environment_load(path, problems, &error));
	g_ptr_array_add(problems, NULL);
	return g_strjoinv("\n", (char **)problems->pdata);
}

static void assert_variable(const char *name, const char *expected)
{
	const char *value = g_getenv(name);
	assert_non_null(value);
	assert_string_equal(value, expected);
}

static void values_are_read_as_a_shell_would(void **state)
{
	g_autofree char *problems = load(
		"# a comment\n\n T_A = plain text # and a comment\r\nexport T_B=\"two words # 1\"\n"
		"T_C='it''s $HOME'\nT_D=\nT_E=a=b#c\nT_F=\"say \\\"hi\\\"\"\n");
	assert_string_equal(problems, "");
	assert_variable("T_A", "plain text");
	assert_variable("T_B", "two words # 1");
	assert_variable("T_C", "its $HOME");
	assert_variable("T_D", "");
	assert_variable("T_E", "a=b#c");
	assert_variable("T_F", "say \"hi\"");
}

static void what_the_environment_sets_goes_before(void **state)
{
	g_setenv("T_A", "set", TRUE);
	g_setenv("T_B", "", TRUE);
	g_autofree char *problems = load("T_A=file\nT_B=file\n");
	assert_string_equal(problems, "");
	assert_variable("T_A", "set");
	assert_variable("T_B", "file");
}

static void a_line_that_says_nothing_is_told_without_its_text(void **state)
{
	g_autofree char *problems = load("secret\nT A=secret\n1=secret\nT_G=\"secret\nT_H=1\n");
	for (int line = 1; line <= 4; line++) {
		g_autofree char *place = g_strdup_printf(".env:%d: ", line);
		assert_non_null(strstr(problems, place));
	}
	assert_null(strstr(problems, ".env:5"));
	assert_null(strstr(problems, "secret"));
	assert_null(g_getenv("T_G"));
	assert_variable("T_H", "1");
}

static void a_file_that_others_may_write_is_not_read(void **state)
{
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	assert_true(files_replace(path, "T_I=1\n", 6, 0600, NULL));
	assert_int_equal(chmod(path, 0620), 0);
	assert_false(environment_load(path, problems, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_DENIED));
	assert_null(g_getenv("T_I"));
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(environment_load(path, problems, NULL));
	assert_variable("T_I", "1");
	assert_true(files_remove(path, NULL));
	assert_true(environment_load(path, problems, NULL)); /* none */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(values_are_read_as_a_shell_would, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_the_environment_sets_goes_before, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_line_that_says_nothing_is_told_without_its_text,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_others_may_write_is_not_read, set_up,
						tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
