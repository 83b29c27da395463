/*
 * Which source a name belongs to when several publish it: whoever had it first, and of newcomers
 * the one that sorts first. A name is free again when its owner no longer publishes it.
 */
#pragma once

#include "engine/edition.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>

struct ownership {
	GHashTable *owners;    /* every name in lower case → the source's name */
	GPtrArray *kept;       /* struct view_owner: what was decided before and still holds */
	GHashTable *claimed;   /* source → GPtrArray of the names that it has got */
	bool released;	       /* something that was decided before does not hold any more */
	GPtrArray *collisions; /* messages, one for each table that another source's hides */
};
void ownership_clear(struct ownership *ownership);
DEFINE_AUTO(ownership)

/*
 * `stored` is what was decided before (struct view_owner), `sources` are struct published_source by
 * name; both must outlive the result. Where the present extract of a source cannot be read, what it
 * published last still counts as published.
 */
void ownership_decide(struct ownership *ownership, const GPtrArray *stored,
		      const GPtrArray *sources);

/* Writes down what has changed. */
bool ownership_save(const struct ownership *ownership, struct state *state, GError **error);

/* Whether the source's table of that name is the one to be seen. */
bool ownership_has(const struct ownership *ownership, const char *source, const char *name);
