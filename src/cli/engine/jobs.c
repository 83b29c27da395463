/* The table of jobs. A command that needs DuckDB is a new row here. */
#include "cli/engine/jobs.h"

/* One a line. */
/* clang-format off */
const struct job jobs[] = {
	{&command_admin_break_glass_grant_admin, engine_break_glass},
	{&command_explore, engine_explore},
	{&command_fetch, engine_fetch},
	{&command_query, engine_query},
	{&command_refresh_views, engine_refresh_views},
	{&command_snapshot_drop, engine_snapshot_drop},
	{&command_snapshot_prune, engine_snapshot_prune},
	{&command_snapshot_refresh, engine_snapshot_refresh},
	{0},
};
/* clang-format on */
