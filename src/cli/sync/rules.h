/* Corporate memory: .claude/rules/km_*.md, which belong to `da sync` alone. */
#pragma once

#include "cli/api.h"
#include "cli/workspace/workspace.h"

/*
 * Fetches the bundle and makes the files what it says. A server without corporate memory is fine;
 * other failures are told on standard error, and change nothing.
 */
void sync_rules(const struct workspace *workspace, struct api *api);
