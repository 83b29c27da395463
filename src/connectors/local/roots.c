/* Opening the roots. */
#include "connectors/local/roots.h"

#include "base/error.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

void local_root_free(struct local_root *root)
{
	if (!root)
		return;
	descriptor_close(&root->fd);
	g_free(root->name);
	g_free(root->path);
	g_free(root);
}

json_t *local_roots(const json_t *settings, const char *data_dir, GError **error)
{
	g_autoptr(json_t) roots = json_object();
	size_t index;
	json_t *text;
	json_array_foreach(json_object_get(settings, "roots"), index, text)
	{
		const char *given = json_string_value(text);
		g_autofree char *path = g_canonicalize_filename(given ? given : "", data_dir);
		g_autofree char *name = g_path_get_basename(path);
		if (given && *given && !json_object_get(roots, name)) {
			json_object_set_new(roots, name, json_string(path));
			continue;
		}
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
			    "local.roots: '%s' is no folder, or another is also called '%s', and a "
			    "table's bucket goes by that name",
			    given ? given : "", name);
		return NULL;
	}
	return g_steal_pointer(&roots);
}

struct local_root *local_root_open(const char *name, const json_t *path, GError **error)
{
	g_autoptr(local_root) root = g_new0(struct local_root, 1);
	root->name = g_strdup(name);
	root->path = g_strdup(json_string_value(path));
	root->fd = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root->fd < 0) {
		agnes_set_errno(error, errno, "cannot open the folder '%s' of local.roots", name);
		return NULL;
	}
	return g_steal_pointer(&root);
}

static char *names_of(json_t *roots)
{
	GString *names = g_string_new(NULL);
	const char *name;
	json_t *path;
	json_object_foreach(roots, name, path)
		g_string_append_printf(names, "%s%s", names->len ? ", " : "", name);
	return g_string_free(names, FALSE);
}

struct local_root *local_root_of_bucket(const json_t *settings, const char *data_dir,
					const char *bucket, char **rest, GError **error)
{
	g_autoptr(json_t) roots = local_roots(settings, data_dir, error);
	g_autofree char *name = NULL;
	if (!roots)
		return NULL;
	if (bucket) {
		const char *slash = strchrnul(bucket, '/');
		name = g_strndup(bucket, (gsize)(slash - bucket));
		*rest = g_strdup(*slash ? slash + 1 : "");
	} else if (json_object_size(roots) == 1) {
		name = g_strdup(json_object_iter_key(json_object_iter(roots)));
		*rest = g_strdup("");
	}
	const json_t *path = name ? json_object_get(roots, name) : NULL;
	if (path)
		return local_root_open(name, path, error);
	g_autofree char *known = names_of(roots);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "%s%s%s: the bucket must be one of local.roots (%s), with or without "
		    "a folder in it",
		    name ? "no root is named '" : "there is more than one root and no bucket",
		    name ? name : "", name ? "'" : "", known);
	return NULL;
}
