/* The table `table_profiles`. */
#include "state/profiles.h"

#include "base/clock.h"
#include "base/error.h"
#include "state/store.h"

#include <string.h>

static const struct record_field fields[] = {
	RECORD_FIELD(struct profile, table_id, RECORD_KEY),
	RECORD_FIELD(struct profile, profile, RECORD_PLAIN),
	RECORD_TIME(struct profile, profiled_at, RECORD_PLAIN),
};
const struct record_type profile_type = RECORD_TYPE("profile", "table_profiles", struct profile,
						    fields);

bool profiles_save(struct state *state, const char *table, const char *profile, GError **error)
{
	struct profile row = {
		.table_id = table, .profile = profile, .profiled_at = g_get_real_time()};
	return store_upsert(state, &profile_type, &row, error);
}

struct profile *profiles_find(struct state *state, const char *table, GError **error)
{
	return store_find(state, error, &profile_type, "WHERE table_id = ?", "s", table);
}

json_t *profile_to_json(const struct profile *profile, GError **error)
{
	g_autofree char *what = g_strdup_printf("profile of %s", profile->table_id);
	g_autofree char *time = clock_format(profile->profiled_at);
	g_autoptr(json_t)
		object = json_parse(profile->profile, strlen(profile->profile), what, error);
	if (!object)
		return NULL;
	if (!json_is_object(object)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CORRUPT, "the %s is not an object",
			    what);
		return NULL;
	}
	json_object_set_new(object, "profiled_at", time ? json_string(time) : json_null());
	return g_steal_pointer(&object);
}

GPtrArray *profiles_list(struct state *state, GError **error)
{
	return store_query(state, error, &profile_type, "ORDER BY table_id", NULL);
}
