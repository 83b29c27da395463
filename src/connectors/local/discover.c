/* Listing the roots. */
#include "connectors/local/discover.h"

#include "base/beneath.h"
#include "base/error.h"
#include "base/json.h"
#include "connectors/local/files.h"
#include "connectors/local/roots.h"
#include "connectors/run.h"
#include "extract/bounds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_NAME = 64 };

/* A strict name from that of a file: what is not a letter or digit becomes _. */
static char *table_name(const char *entry)
{
	g_autofree char *stem = g_strndup(entry, strcspn(entry, "."));
	char *name = g_strdup_printf("%s%.*s", g_ascii_isdigit(*stem) ? "_" : "", LONGEST_NAME - 1,
				     stem);
	for (char *at = name; *at; at++) {
		if (!g_ascii_isalnum(*at))
			*at = '_';
	}
	return name;
}

static bool could_be_table(const struct local_root *root, const char *entry)
{
	enum local_format format;
	enum local_compression compression;
	struct stat status;
	AUTO_FD fd = beneath_open(root->fd, entry, O_PATH, NULL);
	if (*entry == '.' || *entry == '_' || fd < 0 || fstat(fd, &status) < 0)
		return false;
	return S_ISDIR(status.st_mode) ||
	       (S_ISREG(status.st_mode) && local_file_kind(entry, &format, &compression));
}

static DIR *list_root(const struct local_root *root, GError **error)
{
	AUTO_FD fd = beneath_open(root->fd, ".", O_RDONLY | O_DIRECTORY, error);
	if (fd < 0) {
		g_prefix_error(error, "%s: ", root->name);
		return NULL;
	}
	DIR *listing = fdopendir(fd);
	if (!listing)
		agnes_set_errno(error, errno, "cannot list the folder '%s'", root->name);
	else
		descriptor_steal(&fd);
	return listing;
}

/* A folder that nobody has made yet holds no tables. */
static bool discover_root(const char *name, const json_t *path, json_t *found, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(local_root) root = local_root_open(name, path, &problem);
	if (!root) {
		bool missing = g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_NOT_FOUND);
		if (!missing)
			g_propagate_error(error, g_steal_pointer(&problem));
		return missing;
	}
	DIR *listing = list_root(root, error);
	if (!listing)
		return false;
	for (const struct dirent *entry; (entry = readdir(listing));) {
		if (!could_be_table(root, entry->d_name) ||
		    !g_utf8_validate(entry->d_name, -1, NULL))
			continue;
		g_autofree char *table = table_name(entry->d_name);
		json_array_append_new(found,
				      json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", table,
						"source_type", "local", "bucket", root->name,
						"source_table", entry->d_name, "query_mode",
						"local", "sync_strategy", "full_refresh"));
		if (json_array_size(found) >= EXTRACT_MOST_TABLES)
			break;
	}
	closedir(listing);
	return true;
}

typedef bool (*root_function)(const char *name, const json_t *path, json_t *found, GError **error);

static bool each_root(const struct connector_run *run, root_function function, json_t *found,
		      GError **error)
{
	g_autoptr(json_t) roots = local_roots(run->settings, run->data_dir, error);
	const char *name;
	json_t *path;
	json_object_foreach(roots, name, path)
	{
		if (!function(name, path, found, error))
			return false;
	}
	return roots != NULL;
}

static int compare_tables(gconstpointer a, gconstpointer b)
{
	return strcmp(json_string_value(json_object_get(*(json_t *const *)a, "source_table")),
		      json_string_value(json_object_get(*(json_t *const *)b, "source_table")));
}

/* Folders list in no order. */
static json_t *sorted(json_t *found)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	size_t index;
	json_t *table;
	json_array_foreach(found, index, table) g_ptr_array_add(all, table);
	g_ptr_array_sort(all, compare_tables);
	json_t *result = json_array();
	for (guint i = 0; i < all->len; i++)
		json_array_append(result, g_ptr_array_index(all, i));
	return result;
}

json_t *local_discover(struct connector_run *run, GError **error)
{
	g_autoptr(json_t) found = json_array();
	return each_root(run, discover_root, found, error) ? sorted(found) : NULL;
}

static bool test_root(const char *name, const json_t *path, json_t *found, GError **error)
{
	g_autoptr(local_root) root = local_root_open(name, path, error);
	DIR *listing = root ? list_root(root, error) : NULL;
	if (listing)
		closedir(listing);
	return listing != NULL;
}

bool local_test(struct connector_run *run, GError **error)
{
	return each_root(run, test_root, NULL, error);
}
