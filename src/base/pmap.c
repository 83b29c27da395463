/* A table of buckets, each a small sorted array; table and buckets are shared until they change. */
#include "base/pmap.h"

#include <string.h>

/* Entries per bucket on average before the table doubles: what one change copies, at most twice. */
enum { BUCKET_LOAD = 32 };

struct entry {
	guint hash;
	const char *key;
	gpointer value;
};

struct bucket {
	gatomicrefcount references;
	size_t count;
	struct entry entries[];
};

struct pmap {
	gatomicrefcount references;
	const struct pmap_values *values;
	size_t size;
	size_t buckets; /* a power of two */
	struct bucket *table[];
};

static struct bucket *bucket_new(size_t count)
{
	struct bucket *bucket = g_malloc0(sizeof(struct bucket) + count * sizeof(struct entry));
	g_atomic_ref_count_init(&bucket->references);
	bucket->count = count;
	return bucket;
}

static void bucket_unref(struct bucket *bucket, const struct pmap_values *values)
{
	if (!bucket || !g_atomic_ref_count_dec(&bucket->references))
		return;
	for (size_t i = 0; i < bucket->count; i++)
		values->unref(bucket->entries[i].value);
	g_free(bucket);
}

static struct pmap *map_new(const struct pmap_values *values, size_t buckets)
{
	struct pmap *map = g_malloc0(sizeof(struct pmap) + buckets * sizeof(struct bucket *));
	g_atomic_ref_count_init(&map->references);
	map->values = values;
	map->buckets = buckets;
	return map;
}

struct pmap *pmap_new(const struct pmap_values *values)
{
	return map_new(values, 1);
}

struct pmap *pmap_ref(struct pmap *map)
{
	g_atomic_ref_count_inc(&map->references);
	return map;
}

void pmap_free(struct pmap *map)
{
	if (!map || !g_atomic_ref_count_dec(&map->references))
		return;
	for (size_t i = 0; i < map->buckets; i++)
		bucket_unref(map->table[i], map->values);
	g_free(map);
}

size_t pmap_size(const struct pmap *map)
{
	return map->size;
}

static int compare(const struct entry *entry, guint hash, const char *key)
{
	if (entry->hash != hash)
		return entry->hash < hash ? -1 : 1;
	return strcmp(entry->key, key);
}

/* Where the key stands in the bucket, or where it would be inserted. */
static size_t position(const struct bucket *bucket, guint hash, const char *key, bool *found)
{
	size_t low = 0, high = bucket ? bucket->count : 0;
	*found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = compare(&bucket->entries[middle], hash, key);
		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t slot_of(const struct pmap *map, guint hash)
{
	/* The low bits of g_str_hash() are poor: fold the high ones in. */
	return (hash ^ hash >> 16) & (map->buckets - 1);
}

gpointer pmap_get(const struct pmap *map, const char *key)
{
	bool found;
	guint hash = g_str_hash(key);
	const struct bucket *bucket = map->table[slot_of(map, hash)];
	size_t at = position(bucket, hash, key, &found);
	return found ? bucket->entries[at].value : NULL;
}

/* Makes *map one that nobody else holds. */
static void make_own(struct pmap **map)
{
	struct pmap *shared = *map;
	if (g_atomic_ref_count_compare(&shared->references, 1))
		return;
	struct pmap *own = map_new(shared->values, shared->buckets);
	own->size = shared->size;
	for (size_t i = 0; i < own->buckets; i++) {
		own->table[i] = shared->table[i];
		if (own->table[i])
			g_atomic_ref_count_inc(&own->table[i]->references);
	}
	pmap_free(shared);
	*map = own;
}

/* A copy of `bucket` with room for `insert` more, or without `remove`, entries at `at`. */
static struct bucket *bucket_copy(const struct bucket *bucket, const struct pmap_values *values,
				  size_t at, size_t insert, size_t remove)
{
	size_t count = bucket ? bucket->count : 0;
	struct bucket *copy = bucket_new(count + insert - remove);
	for (size_t i = 0; i < count; i++) {
		if (i >= at && i < at + remove)
			continue;
		size_t to = i < at ? i : i + insert - remove;
		copy->entries[to] = bucket->entries[i];
		values->ref(copy->entries[to].value);
	}
	return copy;
}

static void replace_bucket(struct pmap *map, size_t slot, struct bucket *bucket)
{
	bucket_unref(map->table[slot], map->values);
	map->table[slot] = bucket;
}

static void put(struct pmap *map, const char *key, guint hash, gpointer value)
{
	bool found;
	size_t slot = slot_of(map, hash);
	const struct bucket *old = map->table[slot];
	size_t at = position(old, hash, key, &found);
	struct bucket *bucket = bucket_copy(old, map->values, at, found ? 0 : 1, 0);
	if (found)
		map->values->unref(bucket->entries[at].value);
	bucket->entries[at] = (struct entry){hash, key, map->values->ref(value)};
	replace_bucket(map, slot, bucket);
	map->size += found ? 0 : 1;
}

static void grow(struct pmap **map)
{
	struct pmap *larger = map_new((*map)->values, (*map)->buckets * 2);
	for (size_t i = 0; i < (*map)->buckets; i++) {
		const struct bucket *bucket = (*map)->table[i];
		for (size_t j = 0; bucket && j < bucket->count; j++)
			put(larger, bucket->entries[j].key, bucket->entries[j].hash,
			    bucket->entries[j].value);
	}
	pmap_free(*map);
	*map = larger;
}

void pmap_set(struct pmap **map, const char *key, gpointer value)
{
	if ((*map)->size >= (*map)->buckets * BUCKET_LOAD)
		grow(map);
	make_own(map);
	put(*map, key, g_str_hash(key), value);
}

void pmap_remove(struct pmap **map, const char *key)
{
	bool found;
	guint hash = g_str_hash(key);
	size_t slot = slot_of(*map, hash);
	size_t at = position((*map)->table[slot], hash, key, &found);
	if (!found)
		return;
	make_own(map);
	replace_bucket(*map, slot, bucket_copy((*map)->table[slot], (*map)->values, at, 0, 1));
	(*map)->size--;
}

void pmap_iter_init(struct pmap_iter *iter, const struct pmap *map)
{
	*iter = (struct pmap_iter){.map = map};
}

gpointer pmap_iter_next(struct pmap_iter *iter)
{
	for (; iter->bucket < iter->map->buckets; iter->bucket++, iter->entry = 0) {
		const struct bucket *bucket = iter->map->table[iter->bucket];
		if (bucket && iter->entry < bucket->count)
			return bucket->entries[iter->entry++].value;
	}
	return NULL;
}
