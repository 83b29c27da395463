/* src/config: what the admin pages save is merged, loads again, and never destroys what was there.
 */
#include "base/error.h"
#include "base/files.h"
#include "config_fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OVERLAY	  "data/state/instance.yaml"
#define VARIABLES "data/state/.env_overlay"

static bool save(const char *json, GError **error)
{
	g_autoptr(json_t) patch = json_parse(json, strlen(json), "patch", NULL);
	assert_non_null(patch);
	return config_save("data", patch, error);
}

static void assert_overlay(const char *expected)
{
	g_autofree char *text = files_read(OVERLAY, 1 << 20, NULL, NULL);
	assert_string_equal(text, expected);
}

static void assert_refused(const char *json, enum agnes_error code, const char *message)
{
	g_autoptr(GError) error = NULL;
	assert_false(save(json, &error));
	assert_string_equal(error->message, message);
	assert_int_equal(error->code, code);
}

static void a_first_save_makes_the_file(void **state)
{
	g_rmdir("data/state");
	assert_true(save("{\"instance\":{\"name\":\"yes\"},\"state\":{\"backup_count\":3}}", NULL));
	assert_overlay("# Written by the admin pages, over the static instance.yaml.\n"
		       "instance:\n  name: \"yes\"\nstate:\n  backup_count: 3\n");
	struct stat status;
	assert_int_equal(stat(OVERLAY, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	g_autoptr(configuration) config = config_load("data", NULL);
	assert_string_equal(config_text(config, "instance.name"), "yes");
	assert_int_equal(config_int(config, "state.backup_count"), 3);
}

static void a_save_merges_into_the_raw_file(void **state)
{
	g_setenv("API_TOKEN", "hunter2", TRUE);
	config_fixture_overlay("jira: {api_token: '${API_TOKEN}', domain: a}\nunknown: [1]\n"
			       "corporate_memory: {confidence: {base: {a.b: 0.5}}}\n");
	assert_true(save("{\"jira\":{\"domain\":\"b\",\"cloud_id\":null},"
			 "\"corporate_memory\":{\"confidence\":{\"base\":{\"c.d\":0.1}}}}",
			 NULL));
	assert_overlay(
		"# Written by the admin pages, over the static instance.yaml.\n"
		"jira:\n  api_token: \"${API_TOKEN}\"\n  domain: b\n  cloud_id: null\n"
		"unknown:\n  - 1\n"
		"corporate_memory:\n  confidence:\n    base:\n      a.b: 0.5\n      c.d: 0.1\n");
}

static void a_corrupt_file_is_left_alone(void **state)
{
	static const char *const texts[] = {"a: [\n", "- a\n", "a: 1\na: 2\n"};
	static const char *const reasons[] = {
		OVERLAY ":2:1: while parsing a flow node: did not find expected node content",
		"not a map",
		OVERLAY ":2:1: key 'a' stands twice in its mapping",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		config_fixture_overlay(texts[i]);
		g_autofree char *message = g_strdup_printf(
			"refusing to overwrite corrupt overlay at " OVERLAY " (%s); back up and "
			"remove the file, or fix it by hand",
			reasons[i]);
		assert_refused("{\"instance\":{\"name\":\"x\"}}", AGNES_ERROR_CORRUPT, message);
		assert_overlay(texts[i]);
	}
	config_fixture_overlay("");
	assert_true(save("{\"instance\":{\"name\":\"x\"}}", NULL));
}

static void what_would_not_load_is_not_saved(void **state)
{
	config_fixture_overlay("instance: {name: good}\n");
	assert_refused("{\"state\":{\"backup_count\":\"many\"}}", AGNES_ERROR_INVALID,
		       "the new configuration: state.backup_count must be a whole number");
	assert_refused("{\"state\":5}", AGNES_ERROR_INVALID,
		       "the new configuration: state must be a section with keys");
	g_autofree char *open = g_strnfill(300, '[');
	g_autofree char *close = g_strnfill(300, ']');
	g_autofree char *deep = g_strdup_printf("{\"connectors\":%s%s}", open, close);
	g_autoptr(GError) error = NULL;
	assert_false(save(deep, &error));
	assert_int_equal(error->code, AGNES_ERROR_TOO_LARGE);
	g_autofree char *text = g_strnfill(1 << 20, 'x');
	g_autofree char *large = g_strdup_printf("{\"connectors\":{\"x\":\"%s\"}}", text);
	g_clear_error(&error);
	assert_false(save(large, &error));
	assert_int_equal(error->code, AGNES_ERROR_TOO_LARGE);
	assert_overlay("instance: {name: good}\n");
}

static void *save_many(void *name)
{
	for (int i = 0; i < 20; i++) {
		g_autoptr(json_t) patch = json_pack("{s:{s+:i}}", "connectors", name, "", i);
		if (!config_save("data", patch, NULL))
			return GINT_TO_POINTER(1);
	}
	return NULL;
}

static void saves_in_threads_lose_nothing(void **state)
{
	GThread *threads[4];
	char names[4][2] = {"a", "b", "c", "d"};
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("save", save_many, names[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		assert_null(g_thread_join(threads[i]));
	g_autoptr(configuration) config = config_inspect("data");
	const json_t *connectors = config_tree(config, "connectors");
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		assert_int_equal(json_integer_value(json_object_get(connectors, names[i])), 19);
}

static bool save_variables(const char *json, GError **error)
{
	g_autoptr(json_t) values = json_parse(json, strlen(json), "values", NULL);
	assert_non_null(values);
	return config_save_variables("data", values, error);
}

static void assert_variables(const char *expected)
{
	struct stat status;
	g_autofree char *text = files_read(VARIABLES, 1 << 20, NULL, NULL);
	assert_string_equal(text, expected);
	assert_int_equal(stat(VARIABLES, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
}

static void variables_take_the_place_of_their_lines(void **state)
{
	g_rmdir("data/state");
	assert_true(save_variables("{\"A\":\"1\"}", NULL));
	assert_variables("A=1\n");
	config_fixture_write("data/state/.env_overlay", "# A=0\n\nno variable\n A = 1\nB=2\nA=3");
	assert_true(save_variables("{\"A\":\"x = # 'y'\",\"C\":\"\"}", NULL));
	assert_variables("# A=0\n\nno variable\nB=2\nA=x = # 'y'\nC=\n");
	g_autoptr(configuration) config = config_inspect("data");
	assert_string_equal(config_env(config, "A"), "x = # 'y'");
	assert_string_equal(config_env(config, "B"), "2");
}

static void no_variable_adds_another_line(void **state)
{
	static const char *const values[] = {
		"{\"A\":\"1\\nB=2\"}", "{\"A\":\"1\\rB=2\"}", "{\"A\":\" 1\"}", "{\"A\":\"1 \"}",
		"{\"A=B\":\"1\"}",     "{\"\":\"1\"}",	      "{\"#A\":\"1\"}", "{\"A\\nB\":\"1\"}",
	};
	config_fixture_write("data/state/.env_overlay", "B=kept\n");
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
		g_autoptr(GError) error = NULL;
		assert_false(save_variables(values[i], &error));
		assert_int_equal(error->code, AGNES_ERROR_INVALID);
	}
	g_autofree char *text = g_strnfill(1 << 20, 'x');
	g_autofree char *large = g_strdup_printf("{\"A\":\"%s\"}", text);
	g_autoptr(GError) error = NULL;
	assert_false(save_variables(large, &error));
	assert_int_equal(error->code, AGNES_ERROR_TOO_LARGE);
	g_autofree char *left = files_read(VARIABLES, 1 << 20, NULL, NULL);
	assert_string_equal(left, "B=kept\n");
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, config_fixture_set_up, config_fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_first_save_makes_the_file),   TEST(a_save_merges_into_the_raw_file),
		TEST(a_corrupt_file_is_left_alone),  TEST(what_would_not_load_is_not_saved),
		TEST(saves_in_threads_lose_nothing), TEST(variables_take_the_place_of_their_lines),
		TEST(no_variable_adds_another_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
