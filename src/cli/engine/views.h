/*
 * The views of analytics.duckdb, brought in line with the files of the workspace: one over each
 * table of server/parquet and each snapshot. Tables and views that somebody made by hand stay.
 */
#pragma once

#include "cli/workspace/sync_state.h"
#include "cli/workspace/workspace.h"
#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>

struct views_report {
	GPtrArray *broken; /* "NAME.parquet": DuckDB cannot read it */
	/* Tables whose name a table or view of the user's has, or, but for case, another table. */
	GPtrArray *hidden;
};

void views_report_clear(struct views_report *report);
DEFINE_AUTO(views_report)

/*
 * Makes the views that are missing, or of which the state says that their file is another by now,
 * and drops those whose file is gone, all in one transaction. With the workspace's lock held. Sets
 * `has_view` of the state's tables. BUSY: somebody keeps the database open.
 */
bool views_refresh(const struct workspace *workspace, struct sync_state *state,
		   struct views_report *report, GError **error);

/* Opens the workspace's database for writing; waits for others that have it open. */
struct duck_database *views_open(const struct workspace *workspace, GError **error);

/* Whether a snapshot may have the name. CONFLICT: something else has it. */
bool views_check_snapshot(struct duck_connection *connection, const char *name, GError **error);

/* The view of a snapshot, whose file must be in its place; CONFLICT as above. */
bool views_add_snapshot(struct duck_connection *connection, const struct workspace *workspace,
			const char *name, GError **error);

/* Drops it, if it is a snapshot's; none is fine. */
bool views_drop_snapshot(struct duck_connection *connection, const char *name, GError **error);
