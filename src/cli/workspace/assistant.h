/* What tells an AI assistant about a workspace: CLAUDE.md, personal notes, hooks. */
#pragma once

#include "cli/workspace/workspace.h"

#include <glib.h>
#include <stdbool.h>

/* What CLAUDE.md of a workspace contains, whoever wrote it. */
#define ASSISTANT_MARKER "AI Data Analyst"

/* Whether the workspace has been set up: it has a CLAUDE.md with the marker. */
bool assistant_is_set_up(const struct workspace *workspace);

struct assistant_facts {
	const char *instance_name, *server_url, *sync_interval;
};

/* Writes CLAUDE.md from the template, and .claude/CLAUDE.local.md unless there is one. */
bool assistant_write(const struct workspace *workspace, const struct assistant_facts *facts,
		     GError **error);

/*
 * Puts the hooks that sync into .claude/settings.json, in the place of older ones of ours; all else
 * in the file stays. INVALID: the file is not what it should be, and was left alone.
 */
bool assistant_install_hooks(const struct workspace *workspace, GError **error);
