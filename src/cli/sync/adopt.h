/* Files that are here already, though the state does not know them. */
#pragma once

#include "cli/sync/plan.h"
#include "cli/workspace/workspace.h"

/*
 * Whether the step's table need not be downloaded: its file in `folder` has the right content, or
 * an older client has left one in the workspace that has, which then stands in `folder`, too.
 */
bool sync_adopt(const struct workspace *workspace, int folder, const struct sync_step *step,
		struct file_mark *mark);
