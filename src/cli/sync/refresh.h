/* Having da-engine bring the views in line with the files, see cli/engine/views.h. */
#pragma once

#include "base/json.h"
#include "cli/workspace/workspace.h"

#include <glib.h>

/*
 * With the workspace's lock held, which da-engine holds on to should this process be killed, and
 * the state saved: load it again, for da-engine changes it. {"broken": [file…], "hidden":
 * [table…]}; NULL on error.
 */
json_t *sync_refresh_views(const struct workspace *workspace, int lock, GError **error);
