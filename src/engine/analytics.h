/*
 * analytics/server.duckdb: one view for each table of an edition, directly over its published file,
 * so that any DuckDB opens it alone. It is for people and other tools; nothing of ours reads it.
 */
#pragma once

#include "engine/orchestrator.h"
#include "extract/publish.h"

#include <glib.h>
#include <stdbool.h>

/*
 * Writes the file whole, from the edition in force when its turn has come, in a sandboxed child,
 * and swaps it in; who has the old one open keeps it. A table whose view cannot be made is left out
 * with a warning, and so are remote tables when their database cannot be attached.
 */
bool analytics_write(const char *data_dir, struct orchestrator *orchestrator,
		     const struct publish_limits *limits, GError **error);

/* Whether the file is there and was written from this edition, by this process or an earlier one.
 */
bool analytics_is_current(const char *data_dir, const struct edition *edition);

/*
 * Opens the file and binds every view in it, in a sandboxed child: adds a line to `problems` (of
 * char *) for each thing that is broken. False only when the examination was not possible.
 */
bool analytics_check(const char *data_dir, const struct publish_limits *limits, GPtrArray *problems,
		     char **summary, GError **error);

/* The child's side: the whole life of `agnesd build-analytics`. */
void analytics_run(void) G_GNUC_NORETURN;
