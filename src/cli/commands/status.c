/* da status: how the server is, or what this machine has of it. */
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/health.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/workspace/sync_state.h"

/* --- local --- */

/* Of the workspace, else what an older client knows of all of them together. */
static json_t *local_state(GError **error)
{
	g_autoptr(workspace) workspace = workspace_open(NULL, NULL);
	g_autoptr(sync_state) state = workspace ? sync_state_load(workspace, error) : NULL;
	if (*error || !state || !state->last_sync)
		return *error ? NULL : settings_read_json("sync_state.json", error);
	return json_pack("{so ss}", "tables", sync_state_tables(state), "last_sync",
			 state->last_sync);
}

static int show_local(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) state = local_state(&error);
	if (error)
		return command_fail(error);
	json_t *tables = json_object_get(state, "tables");
	g_autoptr(json_t) none = json_object();
	if (!json_is_object(tables))
		tables = none;
	const char *last = health_text(state, "last_sync", "never");
	if (invocation_flag(invocation, "json")) {
		g_autoptr(json_t) report = json_pack(
			"{ss sI ss sO}", "mode", "local", "tables_synced",
			(json_int_t)json_object_size(tables), "last_sync", last, "tables", tables);
		output_json(report);
		return EXIT_CODE_OK;
	}
	output_print("Mode: offline (local data)\nTables synced: %zu\nLast sync: %s\n",
		     json_object_size(tables), last);
	return EXIT_CODE_OK;
}

/* --- the server --- */

/* " [stale: orders, customers]"; an entry is a name, or an object with the member "table". */
static void append_names(GString *suffix, const char *what, const json_t *tables)
{
	size_t i;
	json_t *table;
	json_array_foreach(tables, i, table)
	{
		g_autofree char *name = grid_text(
			json_is_object(table) ? json_object_get(table, "table") : table);
		if (i > 0)
			g_string_append_printf(suffix, ", %s", name);
		else
			g_string_append_printf(suffix, " [%s: %s", what, name);
	}
	if (json_array_size(tables) > 0)
		g_string_append_c(suffix, ']');
}

/* " (9 tables, 1000 rows) [stale: orders]" and the like. */
static char *suffix_of(const json_t *service)
{
	GString *suffix = g_string_new(NULL);
	const json_t *tables = json_object_get(service, "tables");
	const json_t *count = json_object_get(service, "count");
	g_autofree char *tables_text = grid_text(tables);
	g_autofree char *rows_text = grid_text(json_object_get(service, "total_rows"));
	g_autofree char *count_text = grid_text(count);
	if (count)
		g_string_append_printf(suffix, " (%s)", count_text);
	else if (tables)
		g_string_append_printf(suffix, " (%s tables, %s rows)", tables_text,
				       *rows_text ? rows_text : "0");
	append_names(suffix, "stale", json_object_get(service, "stale_tables"));
	append_names(suffix, "failing", json_object_get(service, "failing_tables"));
	return g_string_free(suffix, FALSE);
}

static void print_health(struct invocation *invocation, const struct api_reply *reply)
{
	const char *name;
	json_t *service;
	if (invocation_flag(invocation, "json")) {
		output_json_text(reply->body, reply->size);
		return;
	}
	output_print("Status: %s\n", health_text(reply->json, "status", "unknown"));
	json_object_foreach(json_object_get(reply->json, "services"), name, service)
	{
		g_autofree char *suffix = suffix_of(service);
		output_print("  %s: %s%s\n", name, health_text(service, "status", "?"), suffix);
	}
}

static int run(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	if (invocation_flag(invocation, "local"))
		return show_local(invocation);
	g_autoptr(api_reply) health = health_ask(invocation, &error);
	if (!health) {
		output_warn("Cannot reach server: %s\n", error->message);
		if (!invocation_flag(invocation, "json"))
			output_print("Use --local for offline status.\n");
		return EXIT_CODE_FAILED;
	}
	g_autoptr(api_reply) detailed = NULL;
	if (g_strcmp0(health_text(health->json, "status", NULL), "ok") == 0)
		detailed = health_ask_detailed(invocation);
	print_health(invocation, detailed ? detailed : health);
	if (detailed && detailed->status == 401)
		output_warn("Hint: details need a token: 'da auth login', or DA_TOKEN.\n");
	return EXIT_CODE_OK;
}

static const struct option options[] = {
	{"local", .meaning = "What was synced to this machine; asks no server"},
	OPTION_JSON,
	{0},
};

const struct command command_status = {
	"status",
	"Show how the server is, or what was synced",
	.options = options,
	.run = run,
};
