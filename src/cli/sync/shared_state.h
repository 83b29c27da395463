/*
 * sync_state.json in the folder of the settings: what older clients know of tables, whatever the
 * workspace. Read for what they have downloaded, written so that they can go on from here.
 */
#pragma once

#include "cli/workspace/sync_state.h"

#include <glib.h>

/* name -> hash, of what it says. A file that makes no sense is moved aside, with a warning. */
GHashTable *shared_state_tokens(void);

/* Writes the tables of `state` into it, less those of `removed` ([name]), and the time. */
bool shared_state_update(const struct sync_state *state, const json_t *removed, GError **error);
