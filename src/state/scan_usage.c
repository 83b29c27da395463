/* The table `scan_usage`. */
#include "state/scan_usage.h"

#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct scan_usage, user_id, RECORD_KEY),
	RECORD_FIELD(struct scan_usage, day, RECORD_PLAIN),
	RECORD_FIELD(struct scan_usage, bytes, RECORD_PLAIN),
};
const struct record_type scan_usage_type = RECORD_TYPE("usage", "scan_usage", struct scan_usage,
						       fields);

GPtrArray *scan_usage_list(struct state *state, const char *day, GError **error)
{
	return store_query(state, error, &scan_usage_type, "WHERE day = ?", "s", day);
}

bool scan_usage_save(struct state *state, const GPtrArray *usages, GError **error)
{
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       record_upsert_many(session.connection, &scan_usage_type, usages, error);
}
