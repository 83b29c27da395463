/* The table `session_epochs`. */
#include "state/session_epochs.h"

#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct session_epoch, user_id, RECORD_KEY),
	RECORD_TIME(struct session_epoch, not_before, RECORD_PLAIN),
};
const struct record_type session_epoch_type = RECORD_TYPE("ended session", "session_epochs",
							  struct session_epoch, fields);

GPtrArray *session_epochs_list(struct state *state, GError **error)
{
	return store_query(state, error, &session_epoch_type, "", NULL);
}

struct session_epoch *session_epochs_find(struct state *state, const char *user_id, GError **error)
{
	return store_find(state, error, &session_epoch_type, "WHERE user_id = ?", "s", user_id);
}

bool session_epochs_end(struct state *state, const char *user_id, GError **error)
{
	struct session_epoch epoch = {user_id, g_get_real_time()};
	return store_upsert(state, &session_epoch_type, &epoch, error);
}
