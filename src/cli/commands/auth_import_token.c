/* da auth import-token: keeps a token that was made elsewhere, after the server accepted it. */
#include "base/error.h"
#include "base/files.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/jwt.h"
#include "cli/output.h"
#include "cli/settings.h"

#include <string.h>
#include <unistd.h>

enum { LONGEST_TOKEN = 64 * 1024 };

/* "-" reads it from standard input, which no list of processes shows. */
static char *read_token(const struct invocation *invocation, GError **error)
{
	size_t size;
	const char *given = invocation_text(invocation, "token");
	char *token = strcmp(given, "-") == 0 ? files_read_stream(STDIN_FILENO, "standard input",
								  LONGEST_TOKEN, &size, error)
					      : g_strdup(given);
	return token ? g_strstrip(token) : NULL;
}

static bool choose_server(struct invocation *invocation, GError **error)
{
	const char *given = invocation_text(invocation, "server");
	struct settings *settings = invocation_settings(invocation, error);
	if (!settings)
		return false;
	if (!given && settings->server_is_set)
		return true;
	if (!given) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "No server configured. Name it with --server URL.");
		return false;
	}
	g_autofree char *server = settings_check_server(given, error);
	if (server)
		settings_use_server(settings, server);
	return server != NULL;
}

/* Whether the server takes the token; an answer that is no refusal will do. */
static bool verify(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	struct api *api = invocation_api(invocation, &error);
	const struct api_call call = {.path = "/api/catalog/tables", .seconds = API_SECONDS_VERIFY};
	g_autoptr(api_reply) reply = api ? api_send(api, &call, &error) : NULL;
	const char *server = invocation_settings(invocation, NULL)->server;
	if (!reply) {
		output_warn("Could not reach server %s: %s\n", server, error->message);
		return false;
	}
	g_autofree char *detail = api_detail(reply);
	if (reply->status == 401)
		output_warn("Token rejected by server (%s): %s\n", server, detail);
	else if (reply->status >= 500)
		output_warn("Server error from %s (HTTP %d): %s; --skip-verify keeps the token "
			    "without asking.\n",
			    server, reply->status, detail);
	return reply->status != 401 && reply->status < 500;
}

static int keep(struct invocation *invocation, const char *token, const char *email)
{
	g_autoptr(GError) error = NULL;
	if (!settings_save_token(token, email, &error))
		return command_fail(error);
	if (invocation_given(invocation, "server") &&
	    !settings_save_server(invocation_settings(invocation, NULL)->server, &error))
		return command_fail(error);
	output_print("Imported token for %s.\n", email);
	return EXIT_CODE_OK;
}

static int run(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	if (!choose_server(invocation, &error)) {
		output_warn("%s\n", error->message);
		return EXIT_CODE_FAILED;
	}
	g_autofree char *token = read_token(invocation, &error);
	if (!token)
		return command_fail(error);
	g_autoptr(json_t) claims = jwt_claims(token, &error);
	if (!claims) {
		output_warn("Could not decode token as JWT: %s\n", error->message);
		return EXIT_CODE_FAILED;
	}
	settings_use_token(invocation_settings(invocation, NULL), token);
	if (!invocation_flag(invocation, "skip-verify") && !verify(invocation))
		return EXIT_CODE_FAILED;
	const char *email = invocation_text(invocation, "email");
	if (!email || !*email)
		email = json_string_value(json_object_get(claims, "email"));
	if (!email || !*email) {
		output_warn("The token is missing the 'email' claim; name it with --email.\n");
		return EXIT_CODE_FAILED;
	}
	return keep(invocation, token, email);
}

static const struct option options[] = {
	{"token", 0, OPTION_TEXT, "JWT", "The token; '-' reads it from standard input",
	 .required = true},
	{"server", 0, OPTION_TEXT, "URL", "Whose token it is; the address is remembered"},
	{"email", 0, OPTION_TEXT, "ADDRESS", "Whose account; default: what the token says"},
	{"skip-verify", .meaning = "Do not ask the server whether it takes the token"},
	{0},
};

const struct command command_auth_import_token = {
	"auth import-token",
	"Keep a token that was made elsewhere",
	.details = "Nothing is changed unless the server accepts the token.",
	.examples = "da auth import-token --token - --server https://data.example.com < token.txt",
	.options = options,
	.run = run,
};
