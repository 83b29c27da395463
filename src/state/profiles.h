/* The statistics of tables (`table_profiles`), kept by the table's name, as JSON. */
#pragma once

#include "base/json.h"
#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct profile {
	const char *table_id; /* the name of the table */
	const char *profile;
	int64_t profiled_at;
};
DEFINE_RECORD(profile)
extern const struct record_type profile_type;

/* Stores a profile (the text of a JSON object) in place of the last one. INVALID: no JSON. */
bool profiles_save(struct state *state, const char *table, const char *profile, GError **error);

/* NOT_FOUND when the table has no profile. */
struct profile *profiles_find(struct state *state, const char *table, GError **error);

/* The profile as an object, with the key "profiled_at" added. */
json_t *profile_to_json(const struct profile *profile, GError **error);

/* Ordered by table. */
GPtrArray *profiles_list(struct state *state, GError **error);
