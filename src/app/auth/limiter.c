/* Token buckets in a hash table that is swept when it grows large. */
#include "app/auth/limiter.h"

#include <math.h>

/* Keys that are remembered; beyond that those that are full again go, then all. */
enum { MOST_KEYS = 50 * 1000 };

struct bucket {
	double tokens;
	gint64 updated; /* monotonic */
};

struct limiter {
	GMutex lock;
	GHashTable *buckets;
	double burst, per_microsecond;
};

struct limiter *limiter_new(int burst, double seconds)
{
	struct limiter *limiter = g_new0(struct limiter, 1);
	g_mutex_init(&limiter->lock);
	limiter->buckets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	limiter->burst = burst;
	limiter->per_microsecond = 1.0 / (seconds * G_TIME_SPAN_SECOND);
	return limiter;
}

void limiter_free(struct limiter *limiter)
{
	if (!limiter)
		return;
	g_hash_table_unref(limiter->buckets);
	g_mutex_clear(&limiter->lock);
	g_free(limiter);
}

static void refill(const struct limiter *limiter, struct bucket *bucket, gint64 now)
{
	double earned = (double)(now - bucket->updated) * limiter->per_microsecond;
	bucket->tokens = MIN(limiter->burst, bucket->tokens + earned);
	bucket->updated = now;
}

static gboolean is_full(gpointer key, gpointer value, gpointer data)
{
	struct limiter *limiter = data;
	refill(limiter, value, g_get_monotonic_time());
	return ((struct bucket *)value)->tokens >= limiter->burst;
}

static struct bucket *bucket_of(struct limiter *limiter, const char *key, gint64 now)
{
	struct bucket *bucket = g_hash_table_lookup(limiter->buckets, key);
	if (bucket)
		return bucket;
	if (g_hash_table_size(limiter->buckets) >= MOST_KEYS)
		g_hash_table_foreach_remove(limiter->buckets, is_full, limiter);
	if (g_hash_table_size(limiter->buckets) >= MOST_KEYS)
		g_hash_table_remove_all(limiter->buckets);
	bucket = g_new(struct bucket, 1);
	*bucket = (struct bucket){limiter->burst, now};
	g_hash_table_insert(limiter->buckets, g_strdup(key), bucket);
	return bucket;
}

int limiter_try(struct limiter *limiter, const char *key)
{
	int wait = 0;
	gint64 now = g_get_monotonic_time();
	g_mutex_lock(&limiter->lock);
	struct bucket *bucket = bucket_of(limiter, key, now);
	refill(limiter, bucket, now);
	if (bucket->tokens >= 1)
		bucket->tokens -= 1;
	else
		wait = (int)ceil((1 - bucket->tokens) / limiter->per_microsecond /
				 G_TIME_SPAN_SECOND);
	g_mutex_unlock(&limiter->lock);
	return wait;
}

void limiter_forget(struct limiter *limiter, const char *key)
{
	g_mutex_lock(&limiter->lock);
	g_hash_table_remove(limiter->buckets, key);
	g_mutex_unlock(&limiter->lock);
}
