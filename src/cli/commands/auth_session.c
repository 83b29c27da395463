/* da auth logout and da auth whoami: what this machine knows of the person, without the server. */
#include "cli/commands.h"
#include "cli/jwt.h"
#include "cli/output.h"
#include "cli/settings.h"

static int run_logout(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	(void)invocation;
	if (!settings_remove_token(&error))
		return command_fail(error);
	output_print("Logged out.\n");
	return EXIT_CODE_OK;
}

static int run_whoami(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	const struct settings *settings = invocation_settings(invocation, &error);
	if (!settings)
		return command_fail(error);
	if (!settings->token || !*settings->token) {
		output_print("Not logged in. Run: da auth login\n");
		return EXIT_CODE_FAILED;
	}
	g_autoptr(json_t) claims = jwt_claims(settings->token, NULL);
	if (!claims) {
		output_print("Invalid token. Run: da auth login\n");
		return EXIT_CODE_FAILED;
	}
	const char *email = json_string_value(json_object_get(claims, "email"));
	output_print("Email: %s\nServer: %s\n", email ? email : "unknown", settings->server);
	return EXIT_CODE_OK;
}

const struct command command_auth_logout = {
	"auth logout",
	"Forget the token of this machine",
	.details = "The token itself stays valid; 'da auth token revoke' ends one for good.",
	.alias = "logout",
	.run = run_logout,
};

const struct command command_auth_whoami = {
	"auth whoami",
	"Show who is signed in, and where",
	.alias = "whoami",
	.run = run_whoami,
};
