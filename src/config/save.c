/* Writes what the admin pages change. */
#include "base/error.h"
#include "base/files.h"
#include "base/yaml.h"
#include "config/check.h"
#include "config/private.h"
#include "config/problem.h"

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

bool config_save(const char *data_dir, const json_t *patch, GError **error)
{
	g_autofree char *path = config_overlay_path(data_dir);
	g_autofree char *folder = g_path_get_dirname(path);
	g_autofree char *lock_path = g_build_filename(folder, LOCK_NAME, NULL);
	if (!files_make_folder(folder, error))
		return false;
	/* Of this process's threads, too: each holds the file open for itself. */
	AUTO_FD lock = files_lock(lock_path, LOCK_MILLISECONDS, error);
	if (lock < 0)
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
