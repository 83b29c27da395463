/* The fixture of the configuration's tests. */
#include "config_fixture.h"

#include "base/files.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const variables[] = {"CONFIG_DIR", "DATA_DIR", "DATA_SOURCE", "DEBUG",
					"LOG_LEVEL",  "SET",	  "EMPTY",	 "API_TOKEN"};

int config_fixture_set_up(void **state)
{
	g_autofree char *folder = g_dir_make_tmp("agnes-config-XXXXXX", NULL);
	assert_int_equal(g_chdir(folder), 0);
	assert_true(files_make_folder("config", NULL));
	assert_true(files_make_folder("data/state", NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++)
		g_unsetenv(variables[i]);
	*state = g_steal_pointer(&folder);
	return 0;
}

int config_fixture_tear_down(void **state)
{
	g_autofree char *folder = *state;
	assert_int_equal(g_chdir("/"), 0);
	return files_remove_tree(folder, NULL) ? 0 : -1;
}

void config_fixture_write(const char *path, const char *text)
{
	assert_true(files_replace(path, text, strlen(text), 0600, NULL));
}

void config_fixture_static(const char *text)
{
	config_fixture_write("config/instance.yaml", text);
}

void config_fixture_overlay(const char *text)
{
	config_fixture_write("data/state/instance.yaml", text);
}

char *config_fixture_problems(const struct configuration *config)
{
	GString *all = g_string_new(NULL);
	const GPtrArray *problems = config_problems(config);
	for (guint i = 0; i < problems->len; i++) {
		const struct config_problem *problem = g_ptr_array_index(problems, i);
		g_string_append_printf(all, "%s: %s\n",
				       problem->severity == CONFIG_ERROR ? "error" : "warning",
				       problem->text);
	}
	return g_string_free(all, FALSE);
}
