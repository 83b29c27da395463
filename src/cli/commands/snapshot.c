/* da snapshot: list; and refresh, drop and prune, which engine/snapshot.c does. */
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/workspace/snapshots.h"

#include <string.h>

enum { SHOWN_WHERE = 40, HOUR = 3600, DAY = 24 * HOUR };

static const char *text_of(const json_t *sidecar, const char *member)
{
	const char *text = json_string_value(json_object_get(sidecar, member));
	return text ? text : "";
}

static char *format_age(const json_t *sidecar)
{
	gint64 time;
	if (!snapshot_time(sidecar, &time))
		return g_strdup("?");
	gint64 age = MAX(g_get_real_time() / G_USEC_PER_SEC - time, 0);
	return age >= DAY ? g_strdup_printf("%dd", (int)(age / DAY))
			  : g_strdup_printf("%dh", (int)(age / HOUR));
}

static void print_snapshot(const json_t *sidecar)
{
	g_autofree char *rows = output_thousands(
		json_integer_value(json_object_get(sidecar, "rows")));
	g_autofree char *size = output_size(
		json_integer_value(json_object_get(sidecar, "bytes_local")));
	g_autofree char *age = format_age(sidecar);
	const char *full = text_of(sidecar, "where");
	g_autofree char *where = g_utf8_strlen(full, -1) > SHOWN_WHERE
					 ? g_utf8_substring(full, 0, SHOWN_WHERE)
					 : g_strdup(full);
	output_print("%-30s  %10s  %10s  %10s  %-30s  %s\n", text_of(sidecar, "name"), rows, size,
		     age, text_of(sidecar, "table_id"), where);
}

static int run_list(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(workspace) workspace = workspace_open(NULL, &error);
	if (!workspace)
		return command_fail(error);
	g_autoptr(GPtrArray) list = snapshots_list(workspace);
	if (invocation_flag(invocation, "json")) {
		g_autoptr(json_t) all = json_array();
		for (guint i = 0; i < list->len; i++)
			json_array_append(all, list->pdata[i]);
		output_json(all);
		return EXIT_CODE_OK;
	}
	if (list->len == 0) {
		output_print("(no snapshots)\n");
		return EXIT_CODE_OK;
	}
	output_print("%-30s  %10s  %10s  %10s  %-30s  %s\n", "NAME", "ROWS", "SIZE", "AGE", "TABLE",
		     "WHERE");
	for (guint i = 0; i < list->len; i++)
		print_snapshot(list->pdata[i]);
	return EXIT_CODE_OK;
}

static const struct argument name_argument[] = {
	{"NAME", "Which snapshot"},
	{0},
};

static const struct option list_options[] = {
	OPTION_JSON,
	{0},
};

const struct command command_snapshot_list = {
	"snapshot list",	   "List the snapshots", .options = list_options,
	.traits = COMMAND_OFFLINE, .run = run_list,
};

const struct command command_snapshot_drop = {
	"snapshot drop",	   "Remove a snapshot", .arguments = name_argument,
	.traits = COMMAND_OFFLINE, .run = engine_run,
};

static const struct option refresh_options[] = {
	{"where", 0, OPTION_TEXT, "SQL", "Another condition from now on"},
	{0},
};

const struct command command_snapshot_refresh = {
	"snapshot refresh",	    "Fetch a snapshot again, in the same way",
	.arguments = name_argument, .options = refresh_options,
	.run = engine_run,
};

static const struct option prune_options[] = {
	{"older-than", 0, OPTION_TEXT, "AGE", "Only those fetched so long ago: 7d, 12h, 30m"},
	{"larger-than", 0, OPTION_TEXT, "SIZE", "Only those of that size: 500m, 1.5g"},
	{"dry-run", .meaning = "Say which, and remove none"},
	{0},
};

const struct command command_snapshot_prune = {
	"snapshot prune",
	"Remove snapshots by age and size",
	.details = "Without an option all snapshots are removed.",
	.examples = "da snapshot prune --older-than 30d --dry-run",
	.options = prune_options,
	.traits = COMMAND_OFFLINE,
	.run = engine_run,
};
