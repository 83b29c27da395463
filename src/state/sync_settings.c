/* The table `user_sync_settings`; its columns table_mode and tables are not in use. */
#include "state/sync_settings.h"

#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct sync_setting, user_id, RECORD_KEY),
	RECORD_FIELD(struct sync_setting, dataset, RECORD_KEY),
	RECORD_FIELD(struct sync_setting, enabled, RECORD_PLAIN),
	RECORD_TIME(struct sync_setting, updated_at, RECORD_PLAIN),
};
const struct record_type sync_setting_type = RECORD_TYPE("sync setting", "user_sync_settings",
							 struct sync_setting, fields);

bool sync_settings_set(struct state *state, const char *user_id, const char *dataset, bool enabled,
		       GError **error)
{
	struct sync_setting setting = {.user_id = user_id,
				       .dataset = dataset,
				       .enabled = enabled,
				       .updated_at = g_get_real_time()};
	return store_upsert(state, &sync_setting_type, &setting, error);
}

bool sync_settings_set_all(struct state *state, const GPtrArray *settings, GError **error)
{
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       record_upsert_many(session.connection, &sync_setting_type, settings, error);
}

GPtrArray *sync_settings_list(struct state *state, const char *user_id, GError **error)
{
	return store_query(state, error, &sync_setting_type, "WHERE user_id = ? ORDER BY dataset",
			   "s", user_id);
}
