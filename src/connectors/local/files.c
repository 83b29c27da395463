/* Finding and opening the files of a table. */
#include "connectors/local/files.h"

#include "base/beneath.h"
#include "base/error.h"
#include "base/order.h"
#include "connectors/local/roots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

enum {
	DEEPEST_FOLDER = 16,
	MOST_ENTRIES = 1000000, /* of folders that are searched for one table */
};

/* The search for one table's files. */
struct search {
	const struct local_root *root;
	const enum local_format *format;
	int64_t most_files;
	int entries;
	GPtrArray *files;
};

void local_file_free(struct local_file *file)
{
	if (!file)
		return;
	descriptor_close(&file->fd);
	descriptor_close(&file->copy);
	g_free(file->name);
	g_free(file->path);
	g_free(file);
}

static bool add_file(struct search *search, const char *name, GError **error)
{
	enum local_format format = LOCAL_CSV;
	enum local_compression compression = LOCAL_PLAIN;
	if (!local_file_kind(name, &format, &compression) && !search->format) {
		g_set_error(
			error, AGNES_ERROR, AGNES_ERROR_INVALID,
			"%s: the suffix is none of .csv .tsv .txt .json .ndjson .jsonl .parquet "
			"(.gz or .zst after it); name the format of the table",
			name);
		return false;
	}
	if ((int64_t)search->files->len >= search->most_files) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
			    "the table has more than %" G_GINT64_FORMAT
			    " files; narrow its pattern or raise local.max_files",
			    (gint64)search->most_files);
		return false;
	}
	struct local_file *file = g_new0(struct local_file, 1);
	file->name = g_strdup(name);
	file->format = search->format ? *search->format : format;
	file->compression = compression;
	file->copy = -1;
	file->fd = beneath_open(search->root->fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, error);
	g_ptr_array_add(search->files, file);
	if (file->fd < 0)
		return false;
	file->path = g_strdup_printf("/proc/self/fd/%d", file->fd);
	if (fstat(file->fd, &file->status) == 0 && S_ISREG(file->status.st_mode))
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "%s is not a regular file", name);
	return false;
}

/* The visible names in a folder, sorted; NULL on error. */
static GPtrArray *list_folder(struct search *search, const char *folder, GError **error)
{
	int fd = beneath_open(search->root->fd, *folder ? folder : ".", O_RDONLY | O_DIRECTORY,
			      error);
	if (fd < 0)
		return NULL;
	DIR *listing = fdopendir(fd);
	if (!listing) {
		agnes_set_errno(error, errno, "cannot list %s", folder);
		close(fd);
		return NULL;
	}
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	for (const struct dirent *entry; (entry = readdir(listing));) {
		if (entry->d_name[0] != '.' && ++search->entries <= MOST_ENTRIES)
			g_ptr_array_add(names, g_strdup(entry->d_name));
	}
	closedir(listing);
	if (search->entries > MOST_ENTRIES) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
			    "more than %d files would have to be looked at", MOST_ENTRIES);
		return NULL;
	}
	g_ptr_array_sort(names, order_texts);
	return g_steal_pointer(&names);
}

static bool is_folder(struct search *search, const char *path)
{
	int fd = beneath_open(search->root->fd, path, O_PATH | O_DIRECTORY, NULL);
	bool there = fd >= 0;
	descriptor_close(&fd);
	return there;
}

static char *join(const char *folder, const char *name)
{
	return *folder ? g_strconcat(folder, "/", name, NULL) : g_strdup(name);
}

/* Everything of ours in a folder. */
static bool add_folder(struct search *search, const char *folder, int depth, GError **error)
{
	enum local_format format;
	enum local_compression compression;
	if (depth > DEEPEST_FOLDER) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
			    "%s: folders are nested more than %d deep", folder, DEEPEST_FOLDER);
		return false;
	}
	g_autoptr(GPtrArray) names = list_folder(search, folder, error);
	for (guint i = 0; names && i < names->len; i++) {
		g_autofree char *path = join(folder, g_ptr_array_index(names, i));
		bool good = is_folder(search, path) ? add_folder(search, path, depth + 1, error)
			    : local_file_kind(path, &format, &compression)
				    ? add_file(search, path, error)
				    : true;
		if (!good)
			return false;
	}
	return names != NULL;
}

static bool add_path(struct search *search, const char *path, GError **error)
{
	return is_folder(search, path) ? add_folder(search, path, 0, error)
				       : add_file(search, path, error);
}

/* Follows the parts of a pattern, `folder` being what they resolved to so far. */
static bool add_matches(struct search *search, const char *folder, char **parts, GError **error)
{
	if (!*parts)
		return add_path(search, folder, error);
	if (strcspn(*parts, "*?[") == strlen(*parts)) {
		g_autofree char *path = join(folder, *parts);
		return add_matches(search, path, parts + 1, error);
	}
	g_autoptr(GPtrArray) names = list_folder(search, folder, error);
	for (guint i = 0; names && i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		if (fnmatch(*parts, name, FNM_PERIOD) != 0)
			continue;
		g_autofree char *path = join(folder, name);
		/* Only folders can have further parts below them. */
		if (parts[1] && !is_folder(search, path))
			continue;
		if (!add_matches(search, path, parts + 1, error))
			return false;
	}
	return names != NULL;
}

/* "orders", "orders.csv" and "orders.csv.gz" are named as orders; "orders.old.csv" is not. */
static bool is_named_as(const char *entry, const char *table)
{
	enum local_format format;
	enum local_compression compression;
	size_t length = strlen(table);
	if (strncmp(entry, table, length) != 0)
		return false;
	const char *suffix = entry + length;
	if (!*suffix)
		return true;
	if (*suffix != '.' || !local_file_kind(suffix, &format, &compression))
		return false;
	const char *second = strchr(suffix + 1, '.');
	return compression == LOCAL_PLAIN ? !second : second && !strchr(second + 1, '.');
}

/* The one file or folder that is named as the table. */
static bool add_namesake(struct search *search, const char *folder, const char *table,
			 GError **error)
{
	g_autoptr(GPtrArray) names = list_folder(search, folder, error);
	const char *found = NULL;
	for (guint i = 0; names && i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		if (!is_named_as(name, table))
			continue;
		if (found) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
				    "both %s and %s could be the table; name one as source_table",
				    found, name);
			return false;
		}
		found = name;
	}
	g_autofree char *path = found ? join(folder, found) : NULL;
	return names && (!path || add_path(search, path, error));
}

/* NULL when a part would lead out, which the kernel would refuse, but here it has a reason. */
static char **split_path(const char *folder, const char *path, GError **error)
{
	g_autofree char *whole = g_strconcat(folder, "/", path, NULL);
	g_auto(GStrv) parts = g_strsplit(whole, "/", -1);
	g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func(g_free);
	for (char **part = parts; *part; part++) {
		if (strcmp(*part, "..") == 0) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_DENIED,
				    "'%s' leads out of its root: .. is not allowed", path);
			return NULL;
		}
		if (**part && strcmp(*part, ".") != 0)
			g_ptr_array_add(kept, g_strdup(*part));
	}
	g_ptr_array_add(kept, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&kept), FALSE);
}

static bool search_table(struct search *search, const char *folder,
			 const struct connector_table *table, GError **error)
{
	g_auto(GStrv)
		parts = split_path(folder, table->source_table ? table->source_table : "", error);
	if (!parts)
		return false;
	if (table->source_table)
		return add_matches(search, "", parts, error);
	g_autofree char *path = g_strjoinv("/", parts);
	return add_namesake(search, path, table->name, error);
}

static gint compare_files(gconstpointer a, gconstpointer b)
{
	const struct local_file *first = *(struct local_file *const *)a;
	const struct local_file *second = *(struct local_file *const *)b;
	return strcmp(first->name, second->name);
}

GPtrArray *local_files_open(const json_t *settings, const char *data_dir,
			    const struct connector_table *table, const enum local_format *format,
			    GError **error)
{
	g_autofree char *folder = NULL;
	g_autoptr(local_root)
		root = local_root_of_bucket(settings, data_dir, table->bucket, &folder, error);
	if (!root)
		return NULL;
	g_autoptr(GPtrArray)
		files = g_ptr_array_new_with_free_func((GDestroyNotify)local_file_free);
	struct search search = {
		.root = root,
		.format = format,
		.most_files = json_integer_value(json_object_get(settings, "max_files")),
		.files = files,
	};
	if (!search_table(&search, folder, table, error)) {
		g_prefix_error(error, "%s: ", root->path);
		return NULL;
	}
	if (files->len == 0) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND,
			    "no file in %s matches %s: is the source late, or misspelt?",
			    root->path, table->source_table ? table->source_table : table->name);
		return NULL;
	}
	g_ptr_array_sort(files, compare_files);
	return g_steal_pointer(&files);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool local_files_unchanged(const GPtrArray *files, GError **error)
{
	for (guint i = 0; i < files->len; i++) {
		const struct local_file *file = g_ptr_array_index(files, i);
		struct stat now;
		if (fstat(file->fd, &now) == 0 && now.st_size == file->status.st_size &&
		    same_time(now.st_mtim, file->status.st_mtim))
			continue;
		g_set_error(
			error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
			"%s changed while it was read; the last version of the table stays. Put "
			"files in place by renaming them, then sync again",
			file->name);
		return false;
	}
	return true;
}
