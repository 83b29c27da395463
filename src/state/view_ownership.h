/*
 * Which source a published view belongs to, so that two sources cannot fight over a name. Names are
 * compared without regard to case, as DuckDB compares those of views.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct view_owner {
	const char *view_name, *source_name;
	int64_t registered_at;
};
DEFINE_RECORD(view_owner)
extern const struct record_type view_owner_type;

/*
 * Claims names (NULL-terminated) for a source; those that nobody owns become its own. Returns the
 * names that the source owns now, in the given order; of names that differ only in case the first.
 */
char **view_ownership_claim(struct state *state, const char *source, char **names, GError **error);

/* Gives a name free, if the source owns it: NOT_FOUND otherwise. */
bool view_ownership_release(struct state *state, const char *name, const char *source,
			    GError **error);

/*
 * Gives every name free that is not published any more: `live` holds struct view_owner. Returns the
 * ones that were, as struct view_owner too.
 */
GPtrArray *view_ownership_reconcile(struct state *state, const GPtrArray *live, GError **error);

/* Ordered by name; of one source unless that is NULL. */
GPtrArray *view_ownership_list(struct state *state, const char *source, GError **error);
