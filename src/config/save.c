/* Writes what the admin pages change. */
#include "base/environment.h"
#include "base/error.h"
#include "base/files.h"
#include "base/yaml.h"
#include "config/check.h"
#include "config/private.h"
#include "config/problem.h"
#include "config/variables.h"

#include <string.h>

/* Beside the overlay, which each save replaces: a lock on the old file would say nothing. */
#define LOCK_NAME ".instance.yaml.lock"

enum { LOCK_MILLISECONDS = 10 * 1000 };

static const char heading[] = "# Written by the admin pages, over the static instance.yaml.\n";

/* The overlay as it stands in the file; an empty one if there is no file. */
static json_t *read_raw(const char *path, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(yaml_document) document = yaml_read(path, &problem);
	if (document && json_is_object(document->root))
		return json_incref(document->root);
	if (document ? json_is_null(document->root)
		     : g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
		return json_object();
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CORRUPT,
		    "refusing to overwrite corrupt overlay at %s (%s); back up and remove the "
		    "file, or fix it by hand",
		    path, problem ? problem->message : "not a map");
	return NULL;
}

/* A file that would keep the server from starting must not come to be. */
static bool check_loads(const char *data_dir, const char *text, GError **error)
{
	g_autoptr(yaml_document)
		document = yaml_parse(text, strlen(text), "the new configuration", error);
	if (!document)
		return false;
	g_autoptr(GPtrArray) elsewhere = config_problems_new();
	g_autoptr(GPtrArray) problems = config_problems_new();
	g_autoptr(variables) environment = variables_new(data_dir, elsewhere);
	g_autoptr(GHashTable)
		secret_paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct config_check check = {
		.file = "the new configuration",
		.environment = environment,
		.problems = problems,
		.secret_paths = secret_paths,
	};
	config_check_tree(&check, document->root, NULL, NULL);
	const struct config_problem *first = config_problems_error(problems);
	if (first)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "%s", first->text);
	return !first;
}

/* Held until it is closed; of this process's threads, too: each holds the file open for itself. */
static int lock(const char *data_dir, GError **error)
{
	g_autofree char *folder = g_build_filename(data_dir, "state", NULL);
	g_autofree char *path = g_build_filename(folder, LOCK_NAME, NULL);
	return files_make_folder(folder, error) ? files_lock(path, LOCK_MILLISECONDS, error) : -1;
}

bool config_save(const char *data_dir, const json_t *patch, GError **error)
{
	g_autofree char *path = config_overlay_path(data_dir);
	AUTO_FD held = lock(data_dir, error);
	if (held < 0)
		return false;
	g_autoptr(json_t) overlay = read_raw(path, error);
	if (!overlay)
		return false;
	g_autoptr(json_t) own = json_deep_copy(patch);
	json_object_update_recursive(overlay, own);
	g_autofree char *body = yaml_write(overlay);
	g_autofree char *text = g_strconcat(heading, body, NULL);
	return check_loads(data_dir, text, error) &&
	       files_replace(path, text, strlen(text), 0600, error);
}

/* --- variables --- */

/* A line NAME=value that is read back as just that. */
static char *make_line(const char *name, const char *value, GError **error)
{
	g_autofree char *line = g_strdup_printf("%s=%s", name, value);
	g_autofree char *copy = g_strdup(line);
	const char *name_back = NULL;
	char *value_back = NULL;
	if (!strpbrk(line, "\r\n") && environment_split_line(copy, &name_back, &value_back) &&
	    g_strcmp0(name_back, name) == 0 && strcmp(value_back, value) == 0)
		return g_steal_pointer(&line);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "the value of %s cannot stand on one line", name);
	return NULL;
}

/* Whether the line sets one of these. */
static bool sets_any(const json_t *values, const char *line)
{
	const char *name;
	char *value;
	g_autofree char *copy = g_strdup(line);
	environment_split_line(copy, &name, &value);
	return name && json_object_get(values, name);
}

/* The lines that are there, without those that are to be replaced. */
static bool keep_lines(const char *path, const json_t *values, GString *text, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autofree char *before = files_read(path, VARIABLES_LONGEST, NULL, &problem);
	if (!before && !g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	g_auto(GStrv) lines = g_strsplit(before ? before : "", "\n", -1);
	for (char **line = lines; *line; line++) {
		bool last = !line[1] && !**line;
		if (!last && !sets_any(values, *line))
			g_string_append_printf(text, "%s\n", *line);
	}
	return true;
}

bool config_save_variables(const char *data_dir, const json_t *values, GError **error)
{
	const char *name;
	json_t *value;
	g_autofree char *path = variables_path(data_dir);
	g_autoptr(GString) text = g_string_new(NULL);
	AUTO_FD held = lock(data_dir, error);
	if (held < 0 || !keep_lines(path, values, text, error))
		return false;
	json_object_foreach((json_t *)values, name, value)
	{
		g_autofree char *line = make_line(name, json_string_value(value), error);
		if (!line)
			return false;
		g_string_append_printf(text, "%s\n", line);
	}
	if (text->len <= VARIABLES_LONGEST)
		return files_replace(path, text->str, text->len, 0600, error);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
		    "%s would become larger than %d bytes", path, VARIABLES_LONGEST);
	return false;
}
