/*
 * An edition: every table that is in force at one moment, over all sources, each name owned by one
 * of them. Immutable and shared by reference, so that readers on any thread see one picture.
 */
#pragma once

#include "base/cleanup.h"
#include "extract/publication.h"

#include <glib.h>
#include <stdint.h>

struct edition_table {
	const struct published_table *table;
	const struct published_source *source;
};

struct edition {
	uint64_t number;    /* grows with each edition of this process */
	GPtrArray *sources; /* struct published_source, by name */
	GPtrArray *tables;  /* struct edition_table, by source, then in the order of _meta */
	GHashTable *names;  /* names in lower case → struct edition_table */
	gint references;
};

/* An edition without tables; takes a reference to each source. Add tables before sharing it. */
struct edition *edition_new(uint64_t number, const GPtrArray *sources);
void edition_add(struct edition *edition, const struct published_source *source,
		 const struct published_table *table);

struct edition *edition_ref(struct edition *edition);
void edition_free(struct edition *edition); /* drops one reference */
DEFINE_AUTOPTR(edition)

/* The table of that name, in any case; NULL. */
const struct edition_table *edition_find(const struct edition *edition, const char *name);
