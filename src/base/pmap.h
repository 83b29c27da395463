/*
 * A map from text to values that is copied on write: a copy costs a reference, a change to one
 * entry copies that entry's bucket and the table of buckets, not the entries. Readers of a map that
 * nobody changes any more need no lock.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct pmap;

/* How the values of a map are shared; both from any thread. */
struct pmap_values {
	gpointer (*ref)(gpointer value);
	void (*unref)(gpointer value);
};

/* An empty map; `values` must outlive it. */
struct pmap *pmap_new(const struct pmap_values *values);
struct pmap *pmap_ref(struct pmap *map);
void pmap_free(struct pmap *map); /* gives a reference back */
DEFINE_AUTOPTR(pmap)

size_t pmap_size(const struct pmap *map);
/* Borrowed, NULL if there is none. */
gpointer pmap_get(const struct pmap *map, const char *key);

/*
 * Sets or removes an entry of *map, which is replaced by a copy if others hold it too. The key is
 * not copied: it must live as long as the value, usually inside it. Takes a reference of its own to
 * the value.
 */
void pmap_set(struct pmap **map, const char *key, gpointer value);
void pmap_remove(struct pmap **map, const char *key);

/* Visits the entries, in no order that means anything; the map must not change meanwhile. */
struct pmap_iter {
	const struct pmap *map;
	size_t bucket, entry;
};
void pmap_iter_init(struct pmap_iter *iter, const struct pmap *map);
gpointer pmap_iter_next(struct pmap_iter *iter); /* NULL after the last */
