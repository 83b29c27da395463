/* Which datasets a user wants to be synced to their machine (`user_sync_settings`). */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct sync_setting {
	const char *user_id, *dataset;
	bool enabled;
	int64_t updated_at;
};
DEFINE_RECORD(sync_setting)
extern const struct record_type sync_setting_type;

bool sync_settings_set(struct state *state, const char *user_id, const char *dataset, bool enabled,
		       GError **error);
/* The same for several, none of which is for the same user and dataset as another: all or none. */
bool sync_settings_set_all(struct state *state, const GPtrArray *settings, GError **error);

/* What a user has said, ordered by dataset. */
GPtrArray *sync_settings_list(struct state *state, const char *user_id, GError **error);
