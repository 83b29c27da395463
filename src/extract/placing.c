/* Hard links, renames and, across file systems, copies. */
#include "extract/placing.h"

#include "base/beneath.h"
#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

enum { COPY_STEP = 16 * 1024 * 1024 };

/* Opens a regular file below `folder`, by whatever names but never by way of a symlink. */
static int open_beneath(const char *folder, const char *path, struct stat *status, GError **error)
{
	AUTO_FD base = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (base < 0) {
		agnes_set_errno(error, errno, "cannot open %s", folder);
		return -1;
	}
	AUTO_FD fd = beneath_open_unlinked(base, path, O_RDONLY | O_NONBLOCK, error);
	if (fd < 0) {
		g_prefix_error(error, "in %s: ", folder);
		return -1;
	}
	if (fstat(fd, status) < 0) {
		agnes_set_errno(error, errno, "cannot look at %s/%s", folder, path);
		return -1;
	}
	if (!S_ISREG(status->st_mode)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "%s/%s is not a regular file",
			    folder, path);
		return -1;
	}
	return descriptor_steal(&fd);
}

static char *final_path(const struct published_table *table, const char *published)
{
	g_autofree char *name = g_strdup_printf("%s-%s.parquet", table->name, table->md5);
	return g_build_filename(published, name, NULL);
}

static void set_file(struct published_table *table, char *path, const struct stat *status)
{
	g_free(table->file);
	table->file = path;
	table->size_bytes = status->st_size;
}

bool placing_move(struct published_table *table, const char *work, const char *name,
		  const char *published, GError **error)
{
	struct stat status;
	AUTO_FD fd = open_beneath(work, name, &status, error);
	if (fd < 0)
		return false;
	g_autofree char *from = g_build_filename(work, name, NULL);
	g_autofree char *path = final_path(table, published);
	if (rename(from, path) < 0) {
		agnes_set_errno(error, errno, "cannot move %s to %s", from, path);
		return false;
	}
	set_file(table, g_steal_pointer(&path), &status);
	return true;
}

/* The content may have changed since it was hashed, so the copy is hashed again. */
static bool copy_checked(int from, const char *path, const char *md5, GError **error)
{
	g_autofree char *temporary = g_strconcat(path, ".tmp", NULL);
	files_remove(temporary, NULL);
	AUTO_FD to = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ssize_t copied = to < 0 ? -1 : 1;
	while (copied > 0 || (copied < 0 && errno == EINTR && to >= 0))
		copied = sendfile(to, from, NULL, COPY_STEP);
	if (copied < 0) {
		agnes_set_errno(error, errno, "cannot write %s", temporary);
		unlink(temporary);
		return false;
	}
	g_autofree char *actual = hash_descriptor(to, temporary, error);
	bool same = g_strcmp0(actual, md5) == 0;
	if (same && files_publish(temporary, path, error))
		return true;
	unlink(temporary);
	if (actual && !same)
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
				    "its file is not the one that its checksum was taken of");
	return false;
}

/* linkat() cannot say "this descriptor" without privileges, except by this name. */
static bool link_descriptor(int fd, const char *path)
{
	g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0;
}

static bool is_same_content(const char *path, const struct stat *status)
{
	struct stat present;
	return lstat(path, &present) == 0 && S_ISREG(present.st_mode) &&
	       present.st_size == status->st_size;
}

bool placing_link(struct published_table *table, const char *extract, const char *relative,
		  const struct file_stamp *stamp, const char *published, GError **error)
{
	struct stat status;
	AUTO_FD fd = open_beneath(extract, relative, &status, error);
	if (fd < 0)
		return false;
	struct file_stamp now = file_stamp_of(&status);
	if (!file_stamp_equal(&now, stamp)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
			    "%s was replaced while it was read", relative);
		return false;
	}
	g_autofree char *path = final_path(table, published);
	if (!link_descriptor(fd, path)) {
		/* The name says the content, so what has that name is as good. */
		bool present = errno == EEXIST && is_same_content(path, &status);
		if (!present && !copy_checked(fd, path, table->md5, error))
			return false;
	}
	set_file(table, g_steal_pointer(&path), &status);
	return true;
}
