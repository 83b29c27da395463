/* da auth login: exchanges e-mail and password for a token, which is kept. */
#include "base/error.h"
#include "base/prompt.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/settings.h"

#include <string.h>

static char *ask_email(const struct invocation *invocation, GError **error)
{
	const char *given = invocation_text(invocation, "email");
	if (given && *given)
		return g_strdup(given);
	for (;;) {
		g_autofree char *answer = prompt_line("Email: ", false, error);
		if (!answer || *g_strstrip(answer))
			return g_steal_pointer(&answer);
	}
}

static char *ask_password(const struct invocation *invocation, GError **error)
{
	const char *given = invocation_text(invocation, "password");
	return given ? g_strdup(given) : prompt_line("Password: ", true, error);
}

/* --server holds for this process; config.yaml gets it once it has proved right. */
static bool choose_server(struct invocation *invocation, GError **error)
{
	const char *given = invocation_text(invocation, "server");
	struct settings *settings = invocation_settings(invocation, error);
	if (!settings || !given)
		return settings != NULL;
	g_autofree char *server = settings_check_server(given, error);
	if (server)
		settings_use_server(settings, server);
	return server != NULL;
}

static int refuse(const struct api_reply *reply)
{
	g_autofree char *detail = api_detail(reply);
	g_autofree char *folded = g_utf8_casefold(detail, -1);
	if (reply->status == 401 && strstr(folded, "external authentication"))
		output_warn("This account signs in elsewhere. Create a personal access token at "
			    "/tokens in the\nweb interface, then: export DA_TOKEN=<the token>\n");
	else
		output_warn("Login failed: %s\n", detail);
	return EXIT_CODE_FAILED;
}

static bool keep(struct invocation *invocation, const struct api_reply *reply, GError **error)
{
	const char *token = json_string_value(json_object_get(reply->json, "access_token"));
	const char *email = json_string_value(json_object_get(reply->json, "email"));
	if (!token || !email) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "the server's answer has no access_token and email");
		return false;
	}
	if (!settings_save_token(token, email, error))
		return false;
	if (invocation_given(invocation, "server") &&
	    !settings_save_server(invocation_settings(invocation, NULL)->server, error))
		return false;
	output_print("Logged in as %s\n", email);
	return true;
}

static int run(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(api_reply) reply = NULL;
	if (!choose_server(invocation, &error))
		return command_fail(error);
	g_autofree char *email = ask_email(invocation, &error);
	char *password = email ? ask_password(invocation, &error) : NULL;
	if (!password)
		return command_fail(error);
	g_autoptr(json_t) body = json_pack("{ss}", "email", email);
	if (*password)
		json_object_set_new(body, "password", json_string(password));
	prompt_forget(password);
	/* Without the token that is there, which may be stale. */
	settings_use_token(invocation_settings(invocation, NULL), NULL);
	struct api *api = invocation_api(invocation, &error);
	const struct api_call call = {.path = "/auth/token", .body = body};
	reply = api ? api_send(api, &call, &error) : NULL;
	if (!reply) {
		output_warn("Connection error: %s\n", error->message);
		return EXIT_CODE_FAILED;
	}
	if (reply->status != 200)
		return refuse(reply);
	return keep(invocation, reply, &error) ? EXIT_CODE_OK : command_fail(error);
}

static const struct option options[] = {
	{"email", 0, OPTION_TEXT, "ADDRESS", "Whose account; asked for if missing"},
	{"password", 0, OPTION_TEXT, "TEXT",
	 "Its password; asked for if missing, which keeps it out of the list of processes",
	 .variable = "DA_PASSWORD"},
	{"server", 0, OPTION_TEXT, "URL", "Sign in there, and remember the address"},
	{0},
};

const struct command command_auth_login = {
	"auth login",
	"Sign in with e-mail and password",
	.details = "The token that the server gives is kept in token.json of the settings. The "
		   "password is read from standard input, without showing it on a terminal.",
	.examples = "da auth login --server https://data.example.com --email anna@example.com",
	.options = options,
	.alias = "login",
	.run = run,
};
