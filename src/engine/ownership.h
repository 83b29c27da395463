/*
 * Which source a name belongs to when several publish it: whoever had it first, and of newcomers
 * the one that sorts first. A name is free again when its owner no longer publishes it.
 */
#pragma once

#include "engine/edition.h"

#include <glib.h>

struct ownership {
	GHashTable *owners;    /* every name in lower case → the source's name */
	GHashTable *claimed;   /* names that have got an owner, or another one → its name */
	GPtrArray *released;   /* names whose owner has changed or gone */
	GPtrArray *collisions; /* messages, one for each table that another source's hides */
};
void ownership_clear(struct ownership *ownership);
DEFINE_AUTO(ownership)

/*
 * `stored` is what was decided before (names in any case → sources). `sources` are struct
 * published_source by name. Where the present extract of a source cannot be read, what it published
 * last still counts as published.
 */
void ownership_decide(struct ownership *ownership, GHashTable *stored, const GPtrArray *sources);

/* Whether the source's table of that name is the one to be seen. */
bool ownership_has(const struct ownership *ownership, const char *source, const char *name);
