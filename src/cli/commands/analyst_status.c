/* da analyst status: whether a workspace is set up, and how fresh its data are. */
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/workspace/assistant.h"

#include <dirent.h>

enum { TEXT_LIMIT = 64 * 1024, FRESH_SECONDS = 24 * 3600 };

static size_t count_tables(const struct workspace *workspace)
{
	size_t count = 0;
	const struct dirent *entry;
	int folder = workspace_folder(workspace, WORKSPACE_OLD_PARQUET, NULL);
	if (folder < 0)
		folder = workspace_folder(workspace, WORKSPACE_PARQUET, NULL);
	DIR *entries = folder < 0 ? NULL : fdopendir(folder);
	while (entries && (entry = readdir(entries)))
		count += g_str_has_suffix(entry->d_name, ".parquet");
	if (entries)
		closedir(entries);
	else
		descriptor_close(&folder);
	return count;
}

static char *last_sync(const struct workspace *workspace)
{
	size_t size;
	const char *file = WORKSPACE_METADATA "/last_sync.json";
	g_autofree char *text = workspace_read(workspace, file, TEXT_LIMIT, &size, NULL);
	g_autoptr(json_t) value = text ? json_parse(text, size, file, NULL) : NULL;
	return g_strdup(json_string_value(json_object_get(value, "synced_at")));
}

static const char *freshness(const char *time)
{
	/* Without a zone nobody knows when that was. */
	g_autoptr(GDateTime) synced = time ? g_date_time_new_from_iso8601(time, NULL) : NULL;
	if (!synced)
		return "missing";
	gint64 age = g_get_real_time() / G_USEC_PER_SEC - g_date_time_to_unix(synced);
	return age > FRESH_SECONDS ? "stale" : "fresh";
}

static int run(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	const char *given = invocation_text(invocation, "workspace");
	g_autoptr(workspace) workspace = workspace_open(given ? given : ".", &error);
	if (!workspace)
		return command_fail(error);
	bool set_up = assistant_is_set_up(workspace);
	size_t tables = count_tables(workspace);
	g_autofree char *time = last_sync(workspace);
	const char *fresh = freshness(time), *last = time ? time : "never";
	if (invocation_flag(invocation, "json")) {
		g_autoptr(json_t) answer = json_pack("{ss sb ss sI ss}", "workspace",
						     workspace_root(workspace), "initialized",
						     set_up, "freshness", fresh, "parquet_tables",
						     (json_int_t)tables, "last_sync", last);
		output_json(answer);
		return EXIT_CODE_OK;
	}
	output_print("Workspace : %s\nInitialized: %s\nData freshness: %s\nParquet tables: %zu\n"
		     "Last sync: %s\n",
		     workspace_root(workspace), set_up ? "yes" : "no", fresh, tables, last);
	if (fresh[0] != 'f')
		output_print("\nRun 'da sync' to bring the data up to date.\n");
	return EXIT_CODE_OK;
}

static const struct option options[] = {
	{"workspace", 0, OPTION_TEXT, "DIR", "Which workspace; default: the current folder"},
	OPTION_JSON,
	{0},
};

const struct command command_analyst_status = {
	"analyst status",   "Show whether a workspace is set up, and how fresh its data are",
	.options = options, .traits = COMMAND_OFFLINE,
	.run = run,
};
