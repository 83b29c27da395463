/* data/metadata/ of a workspace: what assistants read to learn of tables and metrics. */
#pragma once

#include "cli/api.h"
#include "cli/workspace/workspace.h"

/*
 * Writes schema.json and metrics.json as the server gives them, in a workspace that has the folder;
 * one that cannot be had is told on standard error, and is empty unless there was one before.
 */
void metadata_refresh(const struct workspace *workspace, struct api *api);
