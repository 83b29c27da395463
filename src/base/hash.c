/* MD5 of files. GLib's is within a tenth of OpenSSL's and Nettle's: all three wait for the CPU. */
#include "base/hash.h"

#include "base/error.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum {
	READ_STEP = 256 * 1024,
	/* The follower stays this far behind the writer, who may still be at his last block. */
	FOLLOW_LAG = 1024 * 1024,
	FOLLOW_PAUSE_MICROSECONDS = 10 * 1000,
};

/* Hashes from *offset to `end`, or to the end of the file when that is nearer. */
static bool hash_range(GChecksum *sum, int fd, off_t *offset, off_t end)
{
	g_autofree guint8 *step = g_malloc(READ_STEP);
	while (*offset < end) {
		ssize_t got = pread(fd, step, (size_t)MIN(READ_STEP, end - *offset), *offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0)
			break;
		g_checksum_update(sum, step, got);
		*offset += got;
	}
	return true;
}

static char *hash_rest(GChecksum *sum, int fd, off_t offset, const char *what, GError **error)
{
	if (!hash_range(sum, fd, &offset, G_MAXINT64)) {
		agnes_set_errno(error, errno, "cannot read %s", what);
		return NULL;
	}
	return g_strdup(g_checksum_get_string(sum));
}

char *hash_descriptor(int fd, const char *what, GError **error)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_MD5);
	return hash_rest(sum, fd, 0, what, error);
}

char *hash_file(const char *path, GError **error)
{
	AUTO_FD fd = files_open_regular(path, NULL, error);
	return fd < 0 ? NULL : hash_descriptor(fd, path, error);
}

struct hash_follower {
	char *path;
	int fd; /* -1 until the file is there */
	GChecksum *sum;
	off_t hashed;
	GThread *thread;
	GMutex lock;
	GCond wake;
	bool stop; /* under the lock */
};

static void follow(struct hash_follower *follower)
{
	struct stat status;
	if (follower->fd < 0)
		follower->fd = files_open_regular(follower->path, NULL, NULL);
	/* What fails here fails again, and is reported, when the follower is finished. */
	if (follower->fd >= 0 && fstat(follower->fd, &status) == 0)
		hash_range(follower->sum, follower->fd, &follower->hashed,
			   status.st_size - FOLLOW_LAG);
}

static gpointer follower_main(gpointer data)
{
	struct hash_follower *follower = data;
	g_mutex_lock(&follower->lock);
	while (!follower->stop) {
		g_mutex_unlock(&follower->lock);
		follow(follower);
		g_mutex_lock(&follower->lock);
		gint64 until = g_get_monotonic_time() + FOLLOW_PAUSE_MICROSECONDS;
		/* A wake-up without cause only makes it look at the file earlier. */
		if (!follower->stop)
			g_cond_wait_until(&follower->wake, &follower->lock, until);
	}
	g_mutex_unlock(&follower->lock);
	return NULL;
}

struct hash_follower *hash_follower_new(const char *path)
{
	struct hash_follower *follower = g_new0(struct hash_follower, 1);
	follower->path = g_strdup(path);
	follower->fd = -1;
	follower->sum = g_checksum_new(G_CHECKSUM_MD5);
	g_mutex_init(&follower->lock);
	g_cond_init(&follower->wake);
	follower->thread = g_thread_new("hash", follower_main, follower);
	return follower;
}

static void follower_stop(struct hash_follower *follower)
{
	if (!follower->thread)
		return;
	g_mutex_lock(&follower->lock);
	follower->stop = true;
	g_cond_signal(&follower->wake);
	g_mutex_unlock(&follower->lock);
	g_thread_join(g_steal_pointer(&follower->thread));
}

char *hash_follower_finish(struct hash_follower *follower, GError **error)
{
	follower_stop(follower);
	/* Opened anew: the writer may have replaced the file since. */
	AUTO_FD fd = files_open_regular(follower->path, NULL, error);
	if (fd < 0)
		return NULL;
	struct stat now, followed;
	if (follower->fd >= 0 && (fstat(fd, &now) < 0 || fstat(follower->fd, &followed) < 0 ||
				  now.st_ino != followed.st_ino || now.st_dev != followed.st_dev))
		return hash_descriptor(fd, follower->path, error);
	return hash_rest(follower->sum, fd, follower->hashed, follower->path, error);
}

void hash_follower_free(struct hash_follower *follower)
{
	if (!follower)
		return;
	follower_stop(follower);
	descriptor_close(&follower->fd);
	g_checksum_free(follower->sum);
	g_mutex_clear(&follower->lock);
	g_cond_clear(&follower->wake);
	g_free(follower->path);
	g_free(follower);
}
