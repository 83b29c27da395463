/* The environment with its overlay file. */
#include "config/variables.h"

#include "base/environment.h"
#include "base/error.h"
#include "base/files.h"
#include "config/problem.h"

#include <string.h>

struct variables {
	GHashTable *overlay; /* name -> value */
};

char *variables_path(const char *data_dir)
{
	return g_build_filename(data_dir, "state", ".env_overlay", NULL);
}

static void read_line(struct variables *environment, const char *path, int number, char *line,
		      GPtrArray *problems)
{
	const char *name;
	char *value;
	if (!environment_split_line(line, &name, &value))
		config_problems_add(problems, CONFIG_WARNING,
				    "%s:%d: the line is left out: it is not NAME=value", path,
				    number);
	if (!name)
		return;
	const char *set = g_getenv(name);
	if (set && *set && strcmp(set, value) != 0)
		config_problems_add(problems, CONFIG_WARNING,
				    "%s:%d: %s is left out: the environment sets it to something "
				    "else, which wins",
				    path, number, name);
	g_hash_table_replace(environment->overlay, g_strdup(name), g_strdup(value));
}

static void read_overlay(struct variables *environment, const char *path, GPtrArray *problems)
{
	size_t size;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = files_read(path, VARIABLES_LONGEST, &size, &error);
	if (!text) {
		if (!g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
			config_problems_add(problems, CONFIG_ERROR, "%s", error->message);
		return;
	}
	if (!g_utf8_validate_len(text, size, NULL)) {
		config_problems_add(problems, CONFIG_ERROR, "%s is not UTF-8 text", path);
		return;
	}
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (int i = 0; lines[i]; i++)
		read_line(environment, path, i + 1, lines[i], problems);
}

struct variables *variables_new(const char *data_dir, GPtrArray *problems)
{
	struct variables *environment = g_new0(struct variables, 1);
	environment->overlay = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autofree char *path = variables_path(data_dir);
	read_overlay(environment, path, problems);
	return environment;
}

void variables_free(struct variables *environment)
{
	if (!environment)
		return;
	g_hash_table_unref(environment->overlay);
	g_free(environment);
}

const char *variables_get(const struct variables *environment, const char *name)
{
	const char *value = g_getenv(name);
	if (value && *value)
		return value;
	const char *saved = g_hash_table_lookup(environment->overlay, name);
	return saved ? saved : value;
}
