/* The threads that fetch, each with a connection that it keeps. */
#include "cli/sync/download.h"

#include "base/error.h"
#include "cli/sync/attempt.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { WATCH_MILLISECONDS = 100 };

/* Before the second, the third and every further attempt. */
static const int pauses[] = {300, 1000, 3000};

struct pool {
	struct download *downloads;
	size_t count;
	const struct download_options *options;
	struct hasher *hasher;
	GMutex lock;
	GCond ended;
	size_t next;	/* the first that nobody has taken */
	size_t running; /* threads */
	GError *hopeless;
};

void download_clear(struct download *download)
{
	g_clear_error(&download->error);
	g_clear_pointer(&download->new_etag, g_free);
}

static struct download *take(struct pool *pool)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pool->lock);
	if (pool->hopeless || pool->next == pool->count)
		return NULL;
	return &pool->downloads[pool->next++];
}

/* Whether it was cancelled meanwhile. */
static bool wait_for_next(const struct download_options *options, int attempt)
{
	struct pollfd cancel = {.fd = options->cancel > 0 ? options->cancel : -1, .events = POLLIN};
	size_t index = MIN((size_t)attempt, G_N_ELEMENTS(pauses) - 1);
	return poll(&cancel, 1, pauses[index]) > 0;
}

/* What fails for one file and would fail for every other. */
static bool is_hopeless(const GError *error)
{
	return error->domain == AGNES_ERROR &&
	       (error->code == AGNES_ERROR_CANCELLED || error->code == AGNES_ERROR_NO_SPACE ||
		error->code == AGNES_ERROR_UNAVAILABLE || error->code == AGNES_ERROR_DENIED);
}

static void end_badly(struct pool *pool, struct download *download, GError *error)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pool->lock);
	if (is_hopeless(error) && !pool->hopeless)
		pool->hopeless = g_error_copy(error);
	download->error = error;
	__atomic_store_n(&download->state, DOWNLOAD_FAILED, __ATOMIC_RELEASE);
}

static void fetch(struct pool *pool, struct download_worker *worker, struct download *download)
{
	__atomic_store_n(&download->state, DOWNLOAD_RUNNING, __ATOMIC_RELEASE);
	for (int attempt = 0;; attempt++) {
		bool again;
		GError *error = NULL;
		if (download_attempt(worker, download, &again, &error))
			return;
		if (!again || attempt == pool->options->retries) {
			end_badly(pool, download, error);
			return;
		}
		g_debug("%s: %s; trying again", download->label, error->message);
		if (wait_for_next(pool->options, attempt)) {
			end_badly(pool, download, error);
			return;
		}
		g_error_free(error);
	}
}

static gpointer pool_main(gpointer data)
{
	struct pool *pool = data;
	struct download_worker worker = {.options = pool->options, .hasher = pool->hasher};
	struct download *download;
	GError *error = NULL;
	worker.client = http_client_new(pool->options->agent, &error);
	while ((download = take(pool))) {
		if (worker.client)
			fetch(pool, &worker, download);
		else
			end_badly(pool, download, g_error_copy(error));
	}
	http_client_free(worker.client);
	g_clear_error(&error);
	g_mutex_lock(&pool->lock);
	pool->running--;
	g_cond_signal(&pool->ended);
	g_mutex_unlock(&pool->lock);
	return NULL;
}

static void watch_until_all_ended(struct pool *pool)
{
	g_mutex_lock(&pool->lock);
	while (pool->running > 0) {
		gint64 until = g_get_monotonic_time() + WATCH_MILLISECONDS * 1000;
		if (g_cond_wait_until(&pool->ended, &pool->lock, until) || !pool->options->watch)
			continue;
		g_mutex_unlock(&pool->lock);
		pool->options->watch(pool->options->data);
		g_mutex_lock(&pool->lock);
	}
	g_mutex_unlock(&pool->lock);
}

bool downloads_run(struct download *downloads, size_t count, const struct download_options *options,
		   GError **error)
{
	g_autoptr(hasher) hasher = hasher_new();
	struct pool pool = {
		.downloads = downloads, .count = count, .options = options, .hasher = hasher};
	size_t threads = MIN((size_t)CLAMP(options->parallel, 1, DOWNLOADS_MOST_PARALLEL), count);
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	g_mutex_init(&pool.lock);
	g_cond_init(&pool.ended);
	pool.running = threads;
	for (size_t i = 0; i < threads; i++)
		g_ptr_array_add(all, g_thread_new("download", pool_main, &pool));
	watch_until_all_ended(&pool);
	for (size_t i = 0; i < threads; i++)
		g_thread_join(all->pdata[i]);
	g_cond_clear(&pool.ended);
	g_mutex_clear(&pool.lock);
	if (!pool.hopeless)
		return true;
	g_propagate_error(error, pool.hopeless);
	return false;
}

void downloads_tidy(int folder, const struct download *downloads, size_t count)
{
	g_autoptr(GHashTable) wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (size_t i = 0; i < count; i++)
		g_hash_table_add(wanted, download_part_name(&downloads[i]));
	int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	if (!entries)
		return;
	rewinddir(entries);
	const struct dirent *entry;
	while ((entry = readdir(entries))) {
		if (g_str_has_suffix(entry->d_name, ".part") &&
		    !g_hash_table_contains(wanted, entry->d_name))
			unlinkat(folder, entry->d_name, 0);
	}
	closedir(entries);
}
