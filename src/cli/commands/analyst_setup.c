/* da analyst setup: makes a folder a workspace, signs in, and brings the first data. */
#include "base/error.h"
#include "base/files.h"
#include "base/prompt.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/metadata.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/sync/download.h"
#include "cli/sync/rules.h"
#include "cli/sync/run.h"
#include "cli/workspace/assistant.h"
#include "cli/workspace/sync_state.h"

#include <string.h>
#include <unistd.h>

static const char *const folders[] = {
	WORKSPACE_PARQUET, "user/duckdb",      WORKSPACE_METADATA,
	"user/artifacts",  WORKSPACE_SESSIONS, ".claude",
};

/* The names under which older clients look for the same. */
static const struct {
	const char *name, *target;
} links[] = {
	{"parquet", "../server/parquet"},
	{"duckdb", "../user/duckdb"},
};

struct setup {
	struct invocation *invocation;
	struct workspace *workspace;
	char *server;
	char *instance; /* its name */
};

static void setup_clear(struct setup *setup)
{
	workspace_free(setup->workspace);
	g_free(setup->server);
	g_free(setup->instance);
}
DEFINE_AUTO(setup)

/* --- the server --- */

/* The server's own name, else its host's. */
static char *name_of(const json_t *health, const char *server)
{
	static const char *const members[] = {"instance_name", "name"};
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
		const char *name = json_string_value(json_object_get(health, members[i]));
		if (name && *name)
			return g_strdup(name);
	}
	g_autoptr(GUri) uri = g_uri_parse(server, G_URI_FLAGS_NONE, NULL);
	return g_strdup(uri && g_uri_get_host(uri) ? g_uri_get_host(uri) : ASSISTANT_MARKER);
}

static bool connect_to(struct setup *setup, struct api *api)
{
	g_autoptr(GError) error = NULL;
	const struct api_call call = {.path = "/api/health", .seconds = API_SECONDS_CONNECT};
	g_autoptr(api_reply) reply = api_send(api, &call, &error);
	if (reply && http_reply_is_fine(reply->reply) && reply->json) {
		setup->instance = name_of(reply->json, setup->server);
		output_print("Connected to %s\n", setup->server);
		return true;
	}
	g_autofree char *detail = reply ? api_detail(reply) : g_strdup(error->message);
	output_warn("Cannot reach %s: %s\n", setup->server, detail);
	return false;
}

/* --- signing in --- */

static bool fail_sign_in(const char *reason)
{
	output_warn("Authentication failed: %s\n", reason);
	return false;
}

static bool take_token(struct setup *setup, const struct api_reply *reply, const char *email)
{
	g_autoptr(GError) error = NULL;
	const char *token = json_string_value(json_object_get(reply->json, "access_token"));
	if (reply->status == 401)
		return fail_sign_in("invalid credentials");
	if (reply->status == 403)
		return fail_sign_in("account disabled or forbidden");
	if (!http_reply_is_fine(reply->reply)) {
		g_autofree char *status = g_strdup_printf("HTTP %d", reply->status);
		return fail_sign_in(status);
	}
	if (!token)
		return fail_sign_in("the answer has no access_token");
	if (!settings_save_token(token, email, &error))
		return fail_sign_in(error->message);
	settings_use_token(invocation_settings(setup->invocation, NULL), token);
	output_print("Authenticated as %s\n", email);
	return true;
}

static bool sign_in(struct setup *setup, struct api *api)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *email = prompt_line("Email: ", false, &error);
	char *password = email ? prompt_line("Password: ", true, &error) : NULL;
	if (!password)
		return fail_sign_in(error->message);
	g_autoptr(json_t)
		body = json_pack("{ss ss}", "email", g_strstrip(email), "password", password);
	prompt_forget(password);
	const struct api_call call = {
		.path = "/auth/token", .body = body, .seconds = API_SECONDS_VERIFY};
	g_autoptr(api_reply) reply = api_send(api, &call, &error);
	return reply ? take_token(setup, reply, email) : fail_sign_in(error->message);
}

/* A token of this server that is here already, and still taken, saves the questions. */
static bool has_token(const struct settings *settings, const struct setup *setup, bool same_server)
{
	bool from_environment = g_getenv("DA_TOKEN") != NULL;
	const struct api_call call = {.path = "/api/catalog/tables", .seconds = API_SECONDS_VERIFY};
	if (!settings->token || !(same_server || from_environment))
		return false;
	g_autoptr(api) api = api_new(setup->server, settings->token, NULL);
	g_autoptr(api_reply) reply = api ? api_send(api, &call, NULL) : NULL;
	return reply && http_reply_is_fine(reply->reply);
}

static bool authenticate(struct setup *setup, struct api *api, GError **error)
{
	struct settings *settings = invocation_settings(setup->invocation, error);
	if (!settings)
		return false;
	bool same = strcmp(settings->server, setup->server) == 0;
	settings_use_server(settings, setup->server);
	if (has_token(settings, setup, same)) {
		output_print("Authenticated by the token that is there\n");
	} else {
		settings_use_token(settings, NULL);
		if (!sign_in(setup, api)) {
			g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_DENIED, "");
			return false;
		}
	}
	return settings_save_server(setup->server, error);
}

/* --- the folder --- */

static bool make_folders(const struct setup *setup, GError **error)
{
	output_print("Creating workspace directories...\n");
	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		AUTO_FD fd = workspace_make_folder(setup->workspace, folders[i], error);
		if (fd < 0)
			return false;
	}
	AUTO_FD data = workspace_folder(setup->workspace, "data", error);
	for (size_t i = 0; data >= 0 && i < G_N_ELEMENTS(links); i++) {
		/* One that an older client made stays, and is used, see cli/sync/adopt.h. */
		if (symlinkat(links[i].target, data, links[i].name) < 0)
			g_debug("data/%s is there already", links[i].name);
	}
	return data >= 0;
}

/* --- the data --- */

static void warn_of(const struct sync_report *report)
{
	size_t i;
	const json_t *entry;
	json_array_foreach(report->errors, i, entry)
		output_warn("  Warning: could not download %s: %s\n",
			    json_string_value(json_object_get(entry, "table")),
			    json_string_value(json_object_get(entry, "error")));
	json_array_foreach(report->downloaded, i, entry)
		output_print("  Downloaded %s\n", json_string_value(entry));
	if (report->views_error)
		output_warn("  Warning: %s\n", report->views_error->message);
}

/* What could not be had is told; `da sync` gets it later. */
static int bring_data(const struct setup *setup, struct api *api, size_t *downloaded)
{
	g_auto(sync_report) report = {0};
	g_autoptr(GError) error = NULL;
	const struct sync_options wanted = {.shows_progress = output_shows_progress(),
					    .waits_aloud = true,
					    .parallel = DOWNLOADS_PARALLEL};
	output_print("Downloading metadata...\n");
	metadata_refresh(setup->workspace, api);
	output_print("Downloading data...\n");
	if (sync_run(setup->workspace, api, &wanted, &report, &error) != SYNC_FINE)
		output_warn("  Warning: %s\n", error->message);
	warn_of(&report);
	*downloaded = json_array_size(report.downloaded);
	if (report.interrupted)
		return EXIT_CODE_INTERRUPTED;
	sync_rules(setup->workspace, api);
	return EXIT_CODE_OK;
}

static int64_t count_rows(const struct workspace *workspace)
{
	int64_t rows = 0;
	void *table;
	GHashTableIter iter;
	g_autoptr(sync_state) state = sync_state_load(workspace, NULL);
	if (!state)
		return 0;
	g_hash_table_iter_init(&iter, state->tables);
	while (g_hash_table_iter_next(&iter, NULL, &table))
		rows += ((const struct synced_table *)table)->rows;
	return rows;
}

static bool write_texts(const struct setup *setup, bool *has_hooks, GError **error)
{
	g_autoptr(GError) problem = NULL;
	const struct assistant_facts facts = {
		.instance_name = setup->instance,
		.server_url = invocation_text(setup->invocation, "server-url"),
		.sync_interval = invocation_text(setup->invocation, "sync-interval")};
	output_print("Generating CLAUDE.md...\n");
	if (!assistant_write(setup->workspace, &facts, error))
		return false;
	*has_hooks = assistant_install_hooks(setup->workspace, &problem);
	if (problem)
		output_warn("Warning: %s\n", problem->message);
	return true;
}

static void print_summary(const struct setup *setup, size_t downloaded, bool has_hooks)
{
	g_autofree char *rows = output_thousands(count_rows(setup->workspace));
	output_print(
		"\nSetup complete!\n  Instance : %s\n  Server   : %s\n"
		"  Tables   : %zu downloaded, %s total rows\n  Workspace: %s\n"
		"  Hooks    : %s\n\nNext: da catalog, da query \"SELECT ...\", da skills list\n",
		setup->instance, setup->server, downloaded, rows, workspace_root(setup->workspace),
		has_hooks ? "SessionStart and SessionEnd sync by themselves" : "not installed");
}

static int bring_all(struct setup *setup, GError **error)
{
	size_t downloaded;
	bool has_hooks;
	struct api *api = invocation_api(setup->invocation, error);
	if (!api || !make_folders(setup, error))
		return EXIT_CODE_FAILED;
	int code = bring_data(setup, api, &downloaded);
	if (code)
		return code;
	if (!write_texts(setup, &has_hooks, error))
		return EXIT_CODE_FAILED;
	print_summary(setup, downloaded, has_hooks);
	return EXIT_CODE_OK;
}

static bool open_workspace(struct setup *setup, GError **error)
{
	const char *given = invocation_text(setup->invocation, "workspace");
	setup->server = settings_check_server(invocation_text(setup->invocation, "server-url"),
					      error);
	if (!setup->server || (given && !files_make_folder(given, error)))
		return false;
	setup->workspace = workspace_open(given ? given : ".", error);
	return setup->workspace != NULL;
}

static int run(struct invocation *invocation)
{
	g_auto(setup) setup = {.invocation = invocation};
	g_autoptr(GError) error = NULL;
	if (!open_workspace(&setup, &error))
		return command_fail(error);
	if (assistant_is_set_up(setup.workspace) && !invocation_flag(invocation, "force")) {
		output_warn("%s is a workspace already; use --force to set it up again.\n",
			    workspace_root(setup.workspace));
		return EXIT_CODE_FAILED;
	}
	output_print("Setting up analyst workspace in: %s\n", workspace_root(setup.workspace));
	g_autoptr(api) anonymous = api_new(setup.server, NULL, &error);
	if (!anonymous)
		return command_fail(error);
	if (!connect_to(&setup, anonymous))
		return EXIT_CODE_FAILED;
	int code = EXIT_CODE_FAILED;
	if (authenticate(&setup, anonymous, &error))
		code = bring_all(&setup, &error);
	if (error && *error->message)
		return command_fail(error);
	return code;
}

static const struct option options[] = {
	{"server-url", 0, OPTION_TEXT, "URL", "The server", .required = true},
	{"workspace", 0, OPTION_TEXT, "DIR", "Which folder; default: the current one"},
	{"sync-interval", 0, OPTION_TEXT, "TEXT", "How often the server refreshes, for CLAUDE.md",
	 .fallback = "1 hour"},
	{"force", .meaning = "Set a workspace up again; notes and data stay"},
	{0},
};

const struct command command_analyst_setup = {
	"analyst setup",
	"Make a folder the workspace of an analyst",
	.details = "Signs in (unless a token for the server is there), downloads the tables, and "
		   "writes CLAUDE.md, hooks and metadata for an AI assistant.",
	.examples = "da analyst setup --server-url https://data.example.com --workspace ~/data",
	.options = options,
	.run = run,
};
