/* Atomic replacement and durable copies of files. */
#include "base/files.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_STEP = 16 * 1024 * 1024 };
/* How many folders files_remove_tree() holds open; deeper trees work, slower. */
enum { DEEPEST_OPEN = 16 };
/* How often it begins anew when others remove the same tree. */
enum { MOST_WALKS = 100 };
enum { LOCK_PAUSE_MICROSECONDS = 20 * 1000 };

bool files_sync_folder(const char *path, GError **error)
{
	AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0) {
		agnes_set_errno(error, errno, "cannot sync folder %s", path);
		return false;
	}
	return true;
}

static bool rename_durably(const char *from, const char *to, GError **error)
{
	if (rename(from, to) < 0) {
		agnes_set_errno(error, errno, "cannot rename %s to %s", from, to);
		return false;
	}
	g_autofree char *folder = g_path_get_dirname(to);
	return files_sync_folder(folder, error);
}

bool files_sync(const char *path, GError **error)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fsync(fd) < 0) {
		agnes_set_errno(error, errno, "cannot sync %s", path);
		return false;
	}
	return true;
}

bool files_publish(const char *from, const char *to, GError **error)
{
	return files_sync(from, error) && rename_durably(from, to, error);
}

bool files_write_all(int fd, const void *data, size_t size)
{
	const char *at = data;
	while (size > 0) {
		ssize_t written = write(fd, at, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		at += written;
		size -= (size_t)written;
	}
	return true;
}

int files_open_regular(const char *path, struct stat *status, GError **error)
{
	struct stat found;
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &found) < 0) {
		agnes_set_errno(error, errno, "cannot open %s", path);
		return -1;
	}
	if (!S_ISREG(found.st_mode)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "%s is not a regular file",
			    path);
		return -1;
	}
	if (status)
		*status = found;
	return descriptor_steal(&fd);
}

/* A new file beside `path`, under a name that no other process uses. */
static char *temporary_beside(const char *path, mode_t mode, int *fd, GError **error)
{
	g_autofree char *name = g_strdup_printf("%s.tmp.XXXXXX", path);
	*fd = g_mkstemp_full(name, O_RDWR | O_CLOEXEC, (int)mode);
	if (*fd < 0) {
		agnes_set_errno(error, errno, "cannot create a file beside %s", path);
		return NULL;
	}
	return g_steal_pointer(&name);
}

bool files_replace(const char *path, const void *data, size_t size, mode_t mode, GError **error)
{
	AUTO_FD fd = -1;
	g_autofree char *temporary = temporary_beside(path, mode, &fd, error);
	if (!temporary)
		return false;
	if (!files_write_all(fd, data, size) || fsync(fd) < 0) {
		agnes_set_errno(error, errno, "cannot write %s", path);
		unlink(temporary);
		return false;
	}
	if (!rename_durably(temporary, path, error)) {
		unlink(temporary);
		return false;
	}
	return true;
}

static bool write_and_rename(int fd, int folder, const char *temporary, const char *name,
			     const void *data, size_t size, bool durable)
{
	return files_write_all(fd, data, size) && (!durable || fsync(fd) == 0) &&
	       renameat(folder, temporary, folder, name) == 0 && (!durable || fsync(folder) == 0);
}

bool files_replace_at(int folder, const char *name, const void *data, size_t size, mode_t mode,
		      bool durable, GError **error)
{
	g_autofree char *temporary = g_strdup_printf("%s.tmp.%08x", name, g_random_int());
	AUTO_FD fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0) {
		agnes_set_errno(error, errno, "cannot create a file beside %s", name);
		return false;
	}
	if (!write_and_rename(fd, folder, temporary, name, data, size, durable)) {
		agnes_set_errno(error, errno, "cannot write %s", name);
		unlinkat(folder, temporary, 0);
		return false;
	}
	return true;
}

static bool copy_content(int from, int to, GError **error, const char *path)
{
	off_t offset = 0;
	for (;;) {
		ssize_t copied = sendfile(to, from, &offset, COPY_STEP);
		if (copied == 0)
			return true;
		if (copied < 0 && errno != EINTR) {
			agnes_set_errno(error, errno, "cannot write the copy %s", path);
			return false;
		}
	}
}

bool files_copy_open(int from, const char *to, GError **error)
{
	struct stat status;
	if (fstat(from, &status) < 0) {
		agnes_set_errno(error, errno, "cannot read what is to be copied to %s", to);
		return false;
	}
	AUTO_FD target = -1;
	g_autofree char *temporary = temporary_beside(to, status.st_mode & 07777, &target, error);
	if (!temporary)
		return false;
	const struct timespec times[] = {status.st_atim, status.st_mtim};
	if (!copy_content(from, target, error, to)) {
		unlink(temporary);
		return false;
	}
	if (futimens(target, times) < 0 || fsync(target) < 0) {
		agnes_set_errno(error, errno, "cannot write the copy %s", to);
		unlink(temporary);
		return false;
	}
	if (!rename_durably(temporary, to, error)) {
		unlink(temporary);
		return false;
	}
	return true;
}

bool files_copy(const char *from, const char *to, GError **error)
{
	AUTO_FD source = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (source < 0) {
		agnes_set_errno(error, errno, "cannot open %s", from);
		return false;
	}
	return files_copy_open(source, to, error);
}

char *files_read_stream(int fd, const char *what, size_t limit, size_t *size, GError **error)
{
	g_autoptr(GByteArray) content = g_byte_array_new();
	for (;;) {
		guint8 step[65536];
		/* One byte more than allowed tells "at the limit" from "over it". */
		ssize_t got = read(fd, step, MIN(sizeof step, limit + 1 - content->len));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			agnes_set_errno(error, errno, "cannot read %s", what);
			return NULL;
		}
		if (got == 0)
			break;
		g_byte_array_append(content, step, (guint)got);
		if (content->len > limit) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
				    "%s is larger than the %zu bytes allowed", what, limit);
			return NULL;
		}
	}
	if (size)
		*size = content->len;
	g_byte_array_append(content, (const guint8 *)"", 1);
	return (char *)g_byte_array_free(g_steal_pointer(&content), FALSE);
}

char *files_read(const char *path, size_t limit, size_t *size, GError **error)
{
	struct stat status;
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) < 0) {
		agnes_set_errno(error, errno, "cannot open %s", path);
		return NULL;
	}
	if (!S_ISREG(status.st_mode)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "%s is not a regular file",
			    path);
		return NULL;
	}
	return files_read_stream(fd, path, limit, size, error);
}

bool files_make_folder(const char *path, GError **error)
{
	if (g_mkdir_with_parents(path, 0700) == 0)
		return true;
	agnes_set_errno(error, errno, "cannot make folder %s", path);
	return false;
}

bool files_remove(const char *path, GError **error)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return true;
	agnes_set_errno(error, errno, "cannot remove %s", path);
	return false;
}

/*
 * For nftw(), which goes through a folder after what is in it. What somebody else removed first is
 * no reason to leave the rest.
 */
static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *position)
{
	return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

bool files_remove_tree(const char *path, GError **error)
{
	for (int attempt = 0; attempt < MOST_WALKS; attempt++) {
		struct stat status;
		if (nftw(path, remove_entry, DEEPEST_OPEN, FTW_DEPTH | FTW_PHYS) == 0)
			return true;
		if (errno != ENOENT)
			break;
		/* Either there is no such tree, or a folder of it went while nftw() opened it. */
		if (lstat(path, &status) < 0 && errno == ENOENT)
			return true;
	}
	agnes_set_errno(error, errno, "cannot remove %s", path);
	return false;
}

char *files_resolve(const char *path, GError **error)
{
	char *found = realpath(path, NULL);
	if (!found)
		agnes_set_errno(error, errno, "cannot find %s", path);
	char *resolved = g_strdup(found);
	free(found);
	return resolved;
}

int files_lock(const char *path, int milliseconds, GError **error)
{
	AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		agnes_set_errno(error, errno, "cannot open %s", path);
		return -1;
	}
	gint64 deadline = g_get_monotonic_time() + (gint64)milliseconds * 1000;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK || g_get_monotonic_time() >= deadline) {
			agnes_set_errno(error, errno, "cannot lock %s", path);
			return -1;
		}
		g_usleep(LOCK_PAUSE_MICROSECONDS);
	}
	return descriptor_steal(&fd);
}

int files_in_memory(const char *name, const void *data, size_t size, GError **error)
{
	AUTO_FD fd = memfd_create(name, MFD_CLOEXEC);
	if (fd >= 0 && pwrite(fd, data, size, 0) == (ssize_t)size)
		return descriptor_steal(&fd);
	agnes_set_errno(error, errno, "cannot hold the %s in memory", name);
	return -1;
}
