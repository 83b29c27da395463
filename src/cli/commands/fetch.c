/* da fetch: a part of a table of the server as a snapshot, see engine/fetch.c. */
#include "cli/commands.h"

static const struct argument arguments[] = {
	{"TABLE_ID", "Which table"},
	{0},
};

static const struct option options[] = {
	{"select", 0, OPTION_TEXT, "C1,C2", "Only these columns"},
	{"where", 0, OPTION_TEXT, "SQL", "Only these rows: a condition in the table's dialect"},
	{"limit", 0, OPTION_INTEGER, "N", "At most so many rows", .least = 1},
	{"order-by", 0, OPTION_TEXT, "C1,C2 DESC", "In this order"},
	{"as", 0, OPTION_TEXT, "NAME", "What to call the snapshot, instead of TABLE_ID"},
	{"estimate", .meaning = "Only say what it would cost"},
	{"no-estimate", .meaning = "Do not ask for an estimate first"},
	{"force", .meaning = "Replace a snapshot of that name"},
	{0},
};

const struct command command_fetch = {
	"fetch",
	"Keep a part of a remote table as a local snapshot",
	.details =
		"The snapshot is a table for 'da query' until it is dropped; 'da snapshot' lists, "
		"refreshes and drops them. There is no question between the estimate and the "
		"fetch: ask with --estimate first.",
	.examples =
		"da fetch events --select id,name --where \"day = DATE '2026-01-31'\" --estimate\n"
		"da fetch events --limit 1000 --as some_events",
	.arguments = arguments,
	.options = options,
	.run = engine_run,
};
