/* Files and folders of a table: linking, measuring, syncing, moving into place. */
#include "extract/writer_files.h"

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/stat.h>

static int64_t mtime_ns(const struct stat *status)
{
	return (int64_t)status->st_mtim.tv_sec * G_GINT64_CONSTANT(1000000000) +
	       status->st_mtim.tv_nsec;
}

typedef bool (*visit_function)(const char *path, void *data, GError **error);

static bool visit_parquet_files(const char *folder, visit_function visit, void *data,
				GError **error)
{
	g_autoptr(GDir) listing = g_dir_open(folder, 0, error);
	if (!listing)
		return false;
	for (const char *name; (name = g_dir_read_name(listing));) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (g_str_has_suffix(name, ".parquet") && !visit(path, data, error))
			return false;
	}
	return true;
}

static bool link_into(const char *path, void *folder, GError **error)
{
	g_autofree char *name = g_path_get_basename(path);
	g_autofree char *target = g_build_filename(folder, name, NULL);
	if (linkat(AT_FDCWD, path, AT_FDCWD, target, 0) == 0)
		return true;
	agnes_set_errno(error, errno, "cannot link %s to %s", path, target);
	return false;
}

bool writer_link_folder(const char *from, const char *to, GError **error)
{
	if (!g_file_test(from, G_FILE_TEST_IS_DIR))
		return true;
	return visit_parquet_files(from, link_into, (void *)to, error);
}

static bool get_status(const char *path, struct stat *status, GError **error)
{
	if (lstat(path, status) < 0) {
		agnes_set_errno(error, errno, "cannot find %s", path);
		return false;
	}
	if (!S_ISREG(status->st_mode)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "%s is not a regular file",
			    path);
		return false;
	}
	return true;
}

static bool add_size(const char *path, void *total, GError **error)
{
	struct stat status;
	if (!get_status(path, &status, error))
		return false;
	*(int64_t *)total += status.st_size;
	return true;
}

static bool measure_folder(struct described_table *table, const char *path, GError **error)
{
	int64_t total = 0;
	if (!visit_parquet_files(path, add_size, &total, error))
		return false;
	if (total == 0) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "table '%s' has no parquet file in its folder %s", table->name, path);
		return false;
	}
	table->size_bytes = total;
	g_clear_pointer(&table->md5, g_free);
	return true;
}

bool writer_measure(struct described_table *table, const char *path, bool folder, GError **error)
{
	struct stat status;
	if (folder)
		return measure_folder(table, path, error);
	if (!get_status(path, &status, error))
		return false;
	if (!table->md5 && !(table->md5 = hash_file(path, error)))
		return false;
	table->size_bytes = status.st_size;
	table->inode = (int64_t)status.st_ino;
	table->mtime_ns = mtime_ns(&status);
	return true;
}

static bool sync_file(const char *path, void *data, GError **error)
{
	return files_sync(path, error);
}

bool writer_sync(const char *path, bool folder, GError **error)
{
	if (!folder)
		return files_sync(path, error);
	return visit_parquet_files(path, sync_file, NULL, error) && files_sync_folder(path, error);
}

bool writer_place(const char *staged, const char *place, bool folder, GError **error)
{
	bool exchange = folder && g_file_test(place, G_FILE_TEST_IS_DIR);
	if (renameat2(AT_FDCWD, staged, AT_FDCWD, place, exchange ? RENAME_EXCHANGE : 0) == 0)
		return true;
	if (exchange && errno == EINVAL) {
		g_set_error(
			error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
			"the file system of %s cannot swap two folders: keep the data on a local "
			"one, such as ext4, xfs or btrfs",
			place);
		return false;
	}
	agnes_set_errno(error, errno, "cannot move %s to %s", staged, place);
	return false;
}
