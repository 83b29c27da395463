/* da setup init, bootstrap and first-sync: the first steps with a new server. */
#include "base/prompt.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/output.h"
#include "cli/settings.h"

#include <string.h>

/* --- init --- */

static int run_init(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *server = settings_check_server(invocation_text(invocation, "server"),
							&error);
	if (!server || !settings_save_server(server, &error))
		return command_fail(error);
	g_autofree char *path = settings_path("config.yaml");
	output_print("Server: %s\nConfig saved to %s\n\n"
		     "Next: da setup bootstrap EMAIL creates the first administrator.\n",
		     server, path);
	return EXIT_CODE_OK;
}

/* --- bootstrap --- */

static bool choose_server(struct invocation *invocation, GError **error)
{
	const char *given = invocation_text(invocation, "server");
	struct settings *settings = invocation_settings(invocation, error);
	g_autofree char *server = settings && given ? settings_check_server(given, error) : NULL;
	if (server)
		settings_use_server(settings, server);
	return settings && (!given || server);
}

static json_t *describe_admin(const struct invocation *invocation, GError **error)
{
	const char *email = invocation_text(invocation, "EMAIL");
	const char *name = invocation_text(invocation, "name");
	const char *given = invocation_text(invocation, "password");
	const char *code = invocation_text(invocation, "code");
	g_autofree char *local_part = g_strndup(email, strcspn(email, "@"));
	char *password = given ? g_strdup(given) : prompt_line("Password: ", true, error);
	if (!password)
		return NULL;
	json_t *body = json_pack("{ss ss ss ss*}", "email", email, "name", name ? name : local_part,
				 "password", password, "code", code);
	prompt_forget(password);
	return body;
}

static bool keep(struct invocation *invocation, const struct api_reply *reply, GError **error)
{
	const char *email = json_string_value(json_object_get(reply->json, "email"));
	const char *token = json_string_value(json_object_get(reply->json, "access_token"));
	if (!email)
		email = invocation_text(invocation, "EMAIL");
	if (!settings_save_token(token ? token : "", email, error))
		return false;
	if (invocation_given(invocation, "server") &&
	    !settings_save_server(invocation_settings(invocation, NULL)->server, error))
		return false;
	output_print("Admin user created: %s\n\nNext: da setup test-connection, then register "
		     "tables: da admin register-table --help\n",
		     email);
	return true;
}

static int run_bootstrap(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(api_reply) reply = NULL;
	g_autoptr(json_t) body = choose_server(invocation, &error)
					 ? describe_admin(invocation, &error)
					 : NULL;
	if (!body)
		return command_fail(error);
	settings_use_token(invocation_settings(invocation, NULL), NULL);
	struct api *api = invocation_api(invocation, &error);
	const struct api_call call = {.path = "/auth/bootstrap", .body = body};
	reply = api ? api_send(api, &call, &error) : NULL;
	if (!reply) {
		output_warn("Connection error: %s\n", error->message);
		output_print("Is the server running? Start it, then try again.\n");
		return EXIT_CODE_FAILED;
	}
	g_autofree char *detail = api_detail(reply);
	if (reply->status == 403) {
		output_print("Bootstrap disabled: %s\nWhere there is an administrator already: "
			     "da auth login\n",
			     detail);
		return EXIT_CODE_OK;
	}
	if (reply->status != 200) {
		output_warn("Failed: %s\n", detail);
		return EXIT_CODE_FAILED;
	}
	return keep(invocation, reply, &error) ? EXIT_CODE_OK : command_fail(error);
}

/* --- first-sync --- */

static int run_first_sync(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(api_reply) reply = NULL;
	struct api *api = invocation_api(invocation, &error);
	const struct api_call call = {.method = "POST", .path = "/api/sync/trigger"};
	reply = api ? api_send(api, &call, &error) : NULL;
	if (!reply) {
		output_warn("  Error: %s\n", error->message);
		return EXIT_CODE_FAILED;
	}
	if (reply->status == 403) {
		output_print("  Only administrators may start a sync.\n"
			     "  Sign in as one: da auth login\n");
		return EXIT_CODE_FAILED;
	}
	if (reply->status < 200 || reply->status >= 300) {
		g_autofree char *detail = api_detail(reply);
		output_warn("  Failed: %s\n", detail);
		return EXIT_CODE_FAILED;
	}
	g_autofree char *status = grid_text(json_object_get(reply->json, "status"));
	g_autofree char *message = grid_text(json_object_get(reply->json, "message"));
	output_print("  Status: %s\n", status);
	if (*message)
		output_print("  %s\n", message);
	return EXIT_CODE_OK;
}

/* --- declarations --- */

static const struct option init_options[] = {
	{"server", 0, OPTION_TEXT, "URL", "The address of the server",
	 .fallback = "http://localhost:8000"},
	{0},
};

const struct command command_setup_init = {
	"setup init",
	"Remember the address of the server",
	.examples = "da setup init --server https://data.example.com",
	.options = init_options,
	.traits = COMMAND_OFFLINE,
	.run = run_init,
};

static const struct argument bootstrap_arguments[] = {
	{"EMAIL", "Of the first administrator"},
	{0},
};

static const struct option bootstrap_options[] = {
	{"name", 0, OPTION_TEXT, "NAME", "Of the first administrator; default: from the e-mail"},
	{"password", 0, OPTION_TEXT, "TEXT",
	 "Of the new account; asked for if missing, which keeps it out of the list of processes",
	 .variable = "DA_PASSWORD"},
	{"server", 0, OPTION_TEXT, "URL", "The address of the server, which is remembered"},
	{"code", 0, OPTION_TEXT, "CODE",
	 "What the server printed at its start; needed on another machine than its own"},
	{0},
};

const struct command command_setup_bootstrap = {
	"setup bootstrap",
	"Create the first administrator of a new server, and sign in",
	.details = "The server allows it as long as it has no user with a password, from its own "
		   "machine or by the code that it printed when it started.",
	.examples = "da setup bootstrap anna@example.com --server http://localhost:8000",
	.arguments = bootstrap_arguments,
	.options = bootstrap_options,
	.run = run_bootstrap,
};

const struct command command_setup_first_sync = {
	"setup first-sync",
	"Start the first sync of the server's tables with their sources",
	.run = run_first_sync,
};
