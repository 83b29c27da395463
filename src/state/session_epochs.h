/*
 * From when on a user's sessions count. Sessions are not stored: signing out everywhere, a new
 * password or a reactivation moves this time, and whatever was signed before has ended.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct session_epoch {
	const char *user_id;
	int64_t not_before;
};
DEFINE_RECORD(session_epoch)
extern const struct record_type session_epoch_type;

GPtrArray *session_epochs_list(struct state *state, GError **error);
/* NOT_FOUND: the sessions of this user were never ended. */
struct session_epoch *session_epochs_find(struct state *state, const char *user_id, GError **error);
/* Ends every session of the user that was issued before now. */
bool session_epochs_end(struct state *state, const char *user_id, GError **error);
