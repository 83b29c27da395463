/* The thread that hashes: whichever files have something new fill the lanes, a piece of each. */
#include "cli/sync/hasher.h"

#include "base/error.h"
#include "base/md5.h"

#include <errno.h>
#include <unistd.h>

enum {
	PIECE = 128 * 1024, /* of a file at a time */
	WORTHWHILE = PIECE, /* a file that still grows waits until it has so much */
};

struct hasher {
	GMutex lock;
	GCond work, progress; /* for the thread; for those who wait for it */
	GQueue hashings;      /* struct hashing, those that waited longest first */
	GThread *thread;
	bool stop;
	guint8 *pieces[MD5_LANES];
};

struct hashing {
	struct hasher *hasher;
	int fd;
	struct md5_stream stream; /* the thread's alone while `busy` */
	int64_t written, hashed;
	bool finishing, busy;
	int failure; /* an errno */
};

static size_t whole_blocks(const struct hashing *hashing)
{
	int64_t left = hashing->written - hashing->hashed;
	return (size_t)MIN(left, PIECE) / MD5_BLOCK;
}

static bool is_ready(const struct hashing *hashing)
{
	size_t blocks = whole_blocks(hashing);
	return !hashing->failure && blocks > 0 &&
	       (hashing->finishing || blocks * MD5_BLOCK >= WORTHWHILE);
}

/* With the lock held: up to a file a lane. Those go to the end of the queue. */
static size_t choose(struct hasher *hasher, struct hashing **chosen)
{
	size_t count = 0;
	for (GList *at = hasher->hashings.head, *next; at && count < MD5_LANES; at = next) {
		struct hashing *hashing = at->data;
		next = at->next;
		if (!is_ready(hashing))
			continue;
		hashing->busy = true;
		chosen[count++] = hashing;
	}
	for (size_t i = 0; i < count; i++) {
		g_queue_remove(&hasher->hashings, chosen[i]);
		g_queue_push_tail(&hasher->hashings, chosen[i]);
	}
	return count;
}

static bool read_piece(const struct hashing *hashing, guint8 *piece, size_t size)
{
	size_t done = 0;
	while (done < size) {
		ssize_t got = pread(hashing->fd, piece + done, size - done,
				    hashing->hashed + (off_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = EIO; /* somebody cut the file */
		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

/* Without the lock: the next `blocks` of each, which are there. */
static void hash_pieces(const struct hasher *hasher, struct hashing **chosen, size_t count,
			size_t blocks)
{
	size_t lanes = 0;
	struct md5_stream *streams[MD5_LANES];
	const guint8 *data[MD5_LANES];
	for (size_t i = 0; i < count; i++) {
		if (!read_piece(chosen[i], hasher->pieces[i], blocks * MD5_BLOCK)) {
			chosen[i]->failure = errno;
			continue;
		}
		streams[lanes] = &chosen[i]->stream;
		data[lanes++] = hasher->pieces[i];
	}
	md5_streams_update(streams, data, lanes, blocks);
}

static gpointer hasher_main(gpointer data)
{
	struct hasher *hasher = data;
	g_mutex_lock(&hasher->lock);
	while (!hasher->stop) {
		struct hashing *chosen[MD5_LANES];
		size_t count = choose(hasher, chosen), blocks = PIECE / MD5_BLOCK;
		if (count == 0) {
			g_cond_wait(&hasher->work, &hasher->lock);
			continue;
		}
		for (size_t i = 0; i < count; i++)
			blocks = MIN(blocks, whole_blocks(chosen[i]));
		g_mutex_unlock(&hasher->lock);
		hash_pieces(hasher, chosen, count, blocks);
		g_mutex_lock(&hasher->lock);
		for (size_t i = 0; i < count; i++) {
			chosen[i]->hashed = (int64_t)chosen[i]->stream.size;
			chosen[i]->busy = false;
		}
		g_cond_broadcast(&hasher->progress);
	}
	g_mutex_unlock(&hasher->lock);
	return NULL;
}

struct hasher *hasher_new(void)
{
	struct hasher *hasher = g_new0(struct hasher, 1);
	g_mutex_init(&hasher->lock);
	g_cond_init(&hasher->work);
	g_cond_init(&hasher->progress);
	g_queue_init(&hasher->hashings);
	for (size_t i = 0; i < MD5_LANES; i++)
		hasher->pieces[i] = g_malloc(PIECE);
	hasher->thread = g_thread_new("hash", hasher_main, hasher);
	return hasher;
}

void hasher_free(struct hasher *hasher)
{
	if (!hasher)
		return;
	g_mutex_lock(&hasher->lock);
	hasher->stop = true;
	g_cond_signal(&hasher->work);
	g_mutex_unlock(&hasher->lock);
	g_thread_join(hasher->thread);
	for (size_t i = 0; i < MD5_LANES; i++)
		g_free(hasher->pieces[i]);
	g_queue_clear(&hasher->hashings);
	g_cond_clear(&hasher->work);
	g_cond_clear(&hasher->progress);
	g_mutex_clear(&hasher->lock);
	g_free(hasher);
}

struct hashing *hashing_begin(struct hasher *hasher, int fd, int64_t written)
{
	struct hashing *hashing = g_new(struct hashing, 1);
	*hashing = (struct hashing){.hasher = hasher, .fd = fd, .written = written};
	md5_stream_init(&hashing->stream);
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&hasher->lock);
	g_queue_push_tail(&hasher->hashings, hashing);
	if (is_ready(hashing))
		g_cond_signal(&hasher->work);
	return hashing;
}

void hashing_advance(struct hashing *hashing, int64_t written)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&hashing->hasher->lock);
	hashing->written = written;
	if (is_ready(hashing))
		g_cond_signal(&hashing->hasher->work);
}

/* The last bytes, fewer than a block. */
static char *finish(struct hashing *hashing)
{
	guint8 rest[MD5_BLOCK];
	size_t size = (size_t)(hashing->written - hashing->hashed);
	if (size > 0 && !read_piece(hashing, rest, size)) {
		hashing->failure = errno;
		return NULL;
	}
	return md5_stream_finish(&hashing->stream, rest, size);
}

char *hashing_finish(struct hashing *hashing, GError **error)
{
	struct hasher *hasher = hashing->hasher;
	char *sum = NULL;
	g_mutex_lock(&hasher->lock);
	hashing->finishing = true;
	g_cond_signal(&hasher->work);
	while (hashing->busy || is_ready(hashing))
		g_cond_wait(&hasher->progress, &hasher->lock);
	g_mutex_unlock(&hasher->lock);
	if (!hashing->failure)
		sum = finish(hashing);
	if (!sum)
		agnes_set_errno(error, hashing->failure, "cannot read what was written");
	return sum;
}

void hashing_free(struct hashing *hashing)
{
	if (!hashing)
		return;
	struct hasher *hasher = hashing->hasher;
	g_mutex_lock(&hasher->lock);
	while (hashing->busy)
		g_cond_wait(&hasher->progress, &hasher->lock);
	g_queue_remove(&hasher->hashings, hashing);
	g_mutex_unlock(&hasher->lock);
	g_free(hashing);
}
