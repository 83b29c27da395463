/*
 * Registered plugin marketplaces (git repositories) and the cached catalogue of their plugins. The
 * id of a marketplace is its slug.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { MARKETPLACE_PLUGINS_MAX = 10000 }; /* of one marketplace */

struct marketplace {
	const char *id, *name, *url, *branch;
	const char *token_env; /* the name of the variable that holds the token, never the token */
	const char *description, *registered_by;
	int64_t registered_at, last_synced_at;
	const char *last_commit_sha, *last_error;
};
DEFINE_RECORD(marketplace)
extern const struct record_type marketplace_type;

struct marketplace_plugin {
	const char *marketplace_id, *name, *description, *version, *author_name, *homepage;
	const char *category;
	const char *source_type;       /* "path", what the entry's source names, or "unknown" */
	const char *source_spec, *raw; /* JSON text: the entry's source, the whole entry */
	int64_t updated_at;
};
DEFINE_RECORD(marketplace_plugin)
extern const struct record_type marketplace_plugin_type;

/* NOT_FOUND when there is none of that id. */
struct marketplace *marketplaces_find(struct state *state, const char *id, GError **error);

/* Ordered by name. */
GPtrArray *marketplaces_list(struct state *state, GError **error);

/*
 * Registers a marketplace, or overwrites name, url, branch, token_env and description of the one
 * with that id. The time of registration is set here.
 */
bool marketplaces_upsert(struct state *state, const struct marketplace *values, GError **error);

/* Removes the marketplace, its plugins and every grant on one of them. NOT_FOUND: no such id. */
bool marketplaces_delete(struct state *state, const char *id, GError **error);

/*
 * Writes down how a sync ended, now: a commit without a problem clears the last error, a problem
 * leaves the last commit as it was. With neither nothing is written. NOT_FOUND: no such id.
 */
bool marketplaces_finish_sync(struct state *state, const char *id, const char *commit_sha,
			      const char *problem, GError **error);

/*
 * Replaces the plugins of a marketplace by the entries of a catalogue, whole or not at all. Entries
 * that are no objects or have no name are left out; of two with the same name the first counts.
 * Returns how many plugins there are now, -1 on error. INVALID: not an array.
 */
int64_t marketplaces_replace_plugins(struct state *state, const char *id, const json_t *entries,
				     GError **error);

/* Ordered by marketplace and name; an id of NULL stands for all marketplaces. */
GPtrArray *marketplaces_list_plugins(struct state *state, const char *id, GError **error);

/* What record_to_json() gives, with `source_spec` and `raw` as JSON values. */
json_t *marketplaces_plugin_to_json(const struct marketplace_plugin *plugin);
