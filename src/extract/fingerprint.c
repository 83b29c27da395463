/* Walking a source's folder. */
#include "extract/fingerprint.h"

#include "base/error.h"
#include "base/order.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
	MOST_FILES = 200 * 1000,
	DEEPEST_FOLDER = 8,
};

struct file_stamp file_stamp_of(const struct stat *status)
{
	return (struct file_stamp){
		.inode = (int64_t)status->st_ino,
		.size = status->st_size,
		.mtime_ns = (int64_t)status->st_mtim.tv_sec * G_GINT64_CONSTANT(1000000000) +
			    status->st_mtim.tv_nsec,
	};
}

bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->inode == b->inode && a->size == b->size && a->mtime_ns == b->mtime_ns;
}

struct walk {
	const char *root;
	GPtrArray *lines; /* one for each file; readdir() has no order */
};

static bool add_file(struct walk *walk, const char *path, const struct stat *status, GError **error)
{
	struct file_stamp stamp = file_stamp_of(status);
	if (walk->lines->len >= MOST_FILES) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
			    "%s holds more than %d files", walk->root, MOST_FILES);
		return false;
	}
	g_ptr_array_add(walk->lines, g_strdup_printf("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
						     " %" G_GINT64_FORMAT "\n",
						     path + strlen(walk->root), stamp.inode,
						     stamp.size, stamp.mtime_ns));
	return true;
}

/* Where Landlock is missing, DuckDB would follow such a link to whatever it points at. */
static bool check_symlink(struct walk *walk, const char *path, GError **error)
{
	g_autofree char *prefix = g_strconcat(walk->root, "/", NULL);
	char *target = realpath(path, NULL);
	bool inside = !target || g_str_has_prefix(target, prefix);
	free(target);
	if (!inside)
		g_set_error(
			error, AGNES_ERROR, AGNES_ERROR_INVALID,
			"%s is a symlink that leads out of the source's folder; put a copy there",
			path);
	return inside;
}

static bool walk_folder(struct walk *walk, int parent, const char *name, const char *path,
			int depth, GError **error);

static bool visit(struct walk *walk, int folder, const char *name, const char *path, int depth,
		  GError **error)
{
	struct stat status;
	/* What vanishes meanwhile is as if it had never been there. */
	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return true;
		agnes_set_errno(error, errno, "cannot read %s", path);
		return false;
	}
	if (S_ISDIR(status.st_mode))
		return walk_folder(walk, folder, name, path, depth + 1, error);
	if (S_ISLNK(status.st_mode)) {
		if (!check_symlink(walk, path, error))
			return false;
		if (fstatat(folder, name, &status, 0) < 0)
			return true;
	}
	return add_file(walk, path, &status, error);
}

static bool walk_entries(struct walk *walk, DIR *listing, const char *path, int depth,
			 GError **error)
{
	for (const struct dirent *entry; (entry = readdir(listing));) {
		if (entry->d_name[0] == '.')
			continue;
		g_autofree char *below = g_strconcat(path, "/", entry->d_name, NULL);
		if (!visit(walk, dirfd(listing), entry->d_name, below, depth, error))
			return false;
	}
	return true;
}

static bool walk_folder(struct walk *walk, int parent, const char *name, const char *path,
			int depth, GError **error)
{
	if (depth > DEEPEST_FOLDER) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
			    "%s is nested more than %d folders deep", path, DEEPEST_FOLDER);
		return false;
	}
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && depth > 0)
		return true;
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	if (!listing) {
		agnes_set_errno(error, errno, "cannot read folder %s", path);
		descriptor_close(&fd);
		return false;
	}
	bool walked = walk_entries(walk, listing, path, depth, error);
	closedir(listing);
	return walked;
}

char *fingerprint_folder(const char *folder, GError **error)
{
	char *root = realpath(folder, NULL);
	if (!root) {
		agnes_set_errno(error, errno, "cannot find %s", folder);
		return NULL;
	}
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	struct walk walk = {.root = root, .lines = lines};
	bool walked = walk_folder(&walk, AT_FDCWD, root, root, 0, error);
	free(root);
	if (!walked)
		return NULL;
	g_ptr_array_sort(lines, order_texts);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_MD5);
	for (guint i = 0; i < lines->len; i++)
		g_checksum_update(sum, g_ptr_array_index(lines, i), -1);
	return g_strdup(g_checksum_get_string(sum));
}
