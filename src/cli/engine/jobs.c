/* The table of jobs. A command that needs DuckDB is a new row here. */
#include "cli/engine/jobs.h"

/* One a line. */
/* clang-format off */
const struct job jobs[] = {
	{&command_admin_break_glass_grant_admin, engine_break_glass},
	{&command_explore, engine_explore},
	{&command_query, engine_query},
	{&command_refresh_views, engine_refresh_views},
	{0},
};
/* clang-format on */
