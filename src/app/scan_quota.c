/* Counters for each user, and the thread that writes them down. */
#include "app/scan_quota.h"

#include "state/scan_usage.h"

#include <string.h>

enum {
	WRITE_SECONDS = 1,	  /* between two writes */
	WRITE_AGAIN_SECONDS = 10, /* after one that failed */
};

struct counter {
	char *user_id;
	char *day; /* of the bytes */
	int64_t bytes;
	int64_t running;
	bool unwritten;
};

struct scan_quotas {
	struct state *state;
	GMutex lock;
	GHashTable *counters; /* user id → struct counter */
	bool unwritten, stopping;
	GCond changed;
	GThread *writer;
};

static void counter_free(gpointer data)
{
	struct counter *counter = data;
	g_free(counter->user_id);
	g_free(counter->day);
	g_free(counter);
}

static GDateTime *now(void)
{
	return g_date_time_new_now_utc();
}

static char *today(void)
{
	g_autoptr(GDateTime) time = now();
	return g_date_time_format(time, "%Y-%m-%d");
}

static int64_t seconds_left_today(void)
{
	g_autoptr(GDateTime) time = now();
	return 86400 - g_date_time_get_hour(time) * 3600 - g_date_time_get_minute(time) * 60 -
	       g_date_time_get_second(time);
}

/* Of the present day. */
static struct counter *counter_of(struct scan_quotas *quotas, const char *user_id)
{
	struct counter *counter = g_hash_table_lookup(quotas->counters, user_id);
	g_autofree char *day = today();
	if (!counter) {
		counter = g_new0(struct counter, 1);
		counter->user_id = g_strdup(user_id);
		g_hash_table_insert(quotas->counters, counter->user_id, counter);
	}
	if (g_strcmp0(counter->day, day) != 0) {
		g_free(counter->day);
		counter->day = g_steal_pointer(&day);
		counter->bytes = 0;
	}
	return counter;
}

/* --- the writer --- */

static void usage_free(gpointer data)
{
	struct scan_usage *usage = data;
	g_free((char *)usage->user_id);
	g_free((char *)usage->day);
	g_free(usage);
}

static GPtrArray *take_unwritten(struct scan_quotas *quotas)
{
	GPtrArray *usages = g_ptr_array_new_with_free_func(usage_free);
	GHashTableIter each;
	gpointer value;
	g_hash_table_iter_init(&each, quotas->counters);
	while (g_hash_table_iter_next(&each, NULL, &value)) {
		struct counter *counter = value;
		if (!counter->unwritten)
			continue;
		counter->unwritten = false;
		struct scan_usage *usage = g_new0(struct scan_usage, 1);
		usage->user_id = g_strdup(counter->user_id);
		usage->day = g_strdup(counter->day);
		usage->bytes = counter->bytes;
		g_ptr_array_add(usages, usage);
	}
	quotas->unwritten = false;
	return usages;
}

static void put_back(struct scan_quotas *quotas, const GPtrArray *usages)
{
	for (guint i = 0; i < usages->len; i++) {
		const struct scan_usage *usage = g_ptr_array_index(usages, i);
		struct counter *counter = g_hash_table_lookup(quotas->counters, usage->user_id);
		counter->unwritten = true;
	}
	quotas->unwritten = true;
}

/* With the lock held, which it lets go of meanwhile. */
static bool write_down(struct scan_quotas *quotas)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) usages = take_unwritten(quotas);
	g_mutex_unlock(&quotas->lock);
	bool written = scan_usage_save(quotas->state, usages, &error);
	if (!written)
		g_warning("cannot write down what was scanned: %s", error->message);
	g_mutex_lock(&quotas->lock);
	if (!written)
		put_back(quotas, usages);
	return written;
}

/* Whatever changes meanwhile is written together. */
static void pause_writing(struct scan_quotas *quotas, int seconds)
{
	gint64 until = g_get_monotonic_time() + seconds * G_TIME_SPAN_SECOND;
	bool early = true;
	while (early && !quotas->stopping)
		early = g_cond_wait_until(&quotas->changed, &quotas->lock, until);
}

static gpointer run_writer(gpointer data)
{
	struct scan_quotas *quotas = data;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&quotas->lock);
	for (;;) {
		while (!quotas->unwritten && !quotas->stopping)
			g_cond_wait(&quotas->changed, &quotas->lock);
		if (!quotas->unwritten)
			return NULL;
		bool written = write_down(quotas);
		pause_writing(quotas, written ? WRITE_SECONDS : WRITE_AGAIN_SECONDS);
		if (quotas->stopping && !written)
			return NULL;
	}
}

/* --- */

struct scan_quotas *scan_quotas_new(struct state *state, GError **error)
{
	g_autofree char *day = today();
	g_autoptr(GPtrArray) usages = scan_usage_list(state, day, error);
	if (!usages)
		return NULL;
	struct scan_quotas *quotas = g_new0(struct scan_quotas, 1);
	quotas->state = state;
	g_mutex_init(&quotas->lock);
	g_cond_init(&quotas->changed);
	quotas->counters = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, counter_free);
	for (guint i = 0; i < usages->len; i++) {
		const struct scan_usage *usage = g_ptr_array_index(usages, i);
		counter_of(quotas, usage->user_id)->bytes = usage->bytes;
	}
	quotas->writer = g_thread_new("scan-quotas", run_writer, quotas);
	return quotas;
}

void scan_quotas_free(struct scan_quotas *quotas)
{
	if (!quotas)
		return;
	g_mutex_lock(&quotas->lock);
	quotas->stopping = true;
	g_cond_signal(&quotas->changed);
	g_mutex_unlock(&quotas->lock);
	g_thread_join(quotas->writer);
	g_hash_table_unref(quotas->counters);
	g_cond_clear(&quotas->changed);
	g_mutex_clear(&quotas->lock);
	g_free(quotas);
}

static json_t *exceeded(const char *kind, int64_t current, int64_t limit, int64_t seconds)
{
	return json_pack("{ss ss sI sI sI}", "error", "quota_exceeded", "kind", kind, "current",
			 (json_int_t)current, "limit", (json_int_t)limit, "retry_after_seconds",
			 (json_int_t)seconds);
}

json_t *scan_quotas_begin(struct scan_quotas *quotas, const char *user_id,
			  const struct scan_limits *limits)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&quotas->lock);
	struct counter *counter = counter_of(quotas, user_id);
	if (counter->bytes >= limits->daily_bytes)
		return exceeded("daily_bytes", counter->bytes, limits->daily_bytes,
				seconds_left_today());
	if (counter->running >= limits->concurrent)
		return exceeded("concurrent_scans", counter->running, limits->concurrent, 0);
	counter->running++;
	return NULL;
}

void scan_quotas_end(struct scan_quotas *quotas, const char *user_id, uint64_t bytes)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&quotas->lock);
	struct counter *counter = counter_of(quotas, user_id);
	counter->running--;
	if (bytes == 0)
		return;
	counter->bytes += (int64_t)bytes;
	counter->unwritten = quotas->unwritten = true;
	g_cond_signal(&quotas->changed);
}
