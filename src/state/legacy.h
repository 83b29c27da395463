/*
 * The state of the first versions, which kept it in JSON files below the data directory: taken over
 * into the tables of today. It may be run again: users, tables and knowledge items that exist stay
 * as they are, and so does the state of a table that was synced since.
 */
#pragma once

#include "base/json.h"
#include "state/state.h"

#include <glib.h>

/*
 * How many entries of each kind were taken over, as an object. A file that is missing, and a file
 * or an entry that is wrong, is left out with a warning. NULL: the state cannot be written.
 */
json_t *legacy_import(struct state *state, const char *data_dir, GError **error);
