/* What da-engine does for each command that ends in engine_run(). */
#pragma once

#include "cli/commands.h"

struct job {
	const struct command *command;
	int (*run)(struct invocation *invocation); /* returns the exit code */
};

extern const struct job jobs[]; /* ends with {0} */

/* One a line. */
int engine_break_glass(struct invocation *invocation);
int engine_explore(struct invocation *invocation);
int engine_fetch(struct invocation *invocation);
int engine_query(struct invocation *invocation);
int engine_refresh_views(struct invocation *invocation);
int engine_snapshot_drop(struct invocation *invocation);
int engine_snapshot_prune(struct invocation *invocation);
int engine_snapshot_refresh(struct invocation *invocation);
