/* da auth token create, list and revoke: personal access tokens. */
#include "base/error.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/output.h"

#include <string.h>

/* --- create --- */

/* Days, or null for no end. NULL: neither. */
static json_t *parse_ttl(const char *text)
{
	static const char *const forever[] = {"", "never", "none", "no-expiry"};
	for (size_t i = 0; i < G_N_ELEMENTS(forever); i++) {
		if (g_ascii_strcasecmp(text, forever[i]) == 0)
			return json_null();
	}
	guint64 days;
	size_t digits = strspn(text, "0123456789");
	g_autofree char *number = g_strndup(text, digits);
	if (strcmp(text + digits, "d") != 0 ||
	    !g_ascii_string_to_unsigned(number, 10, 0, G_MAXINT32, &days, NULL))
		return NULL;
	return json_integer((json_int_t)days);
}

static int run_create(struct invocation *invocation)
{
	g_autoptr(api_reply) reply = NULL;
	const char *ttl = invocation_text(invocation, "ttl");
	json_t *days = parse_ttl(ttl);
	if (!days)
		return command_misuse(invocation, "Invalid TTL '%s': days such as 90d, or never.",
				      ttl);
	g_autoptr(json_t) body = json_pack("{ss so}", "name", invocation_text(invocation, "name"),
					   "expires_in_days", days);
	int code = api_ask(invocation, &(struct api_call){.path = "/auth/tokens", .body = body},
			   &reply);
	if (code)
		return code;
	const char *token = json_string_value(json_object_get(reply->json, "token"));
	if (invocation_flag(invocation, "raw")) {
		output_print("%s\n", token ? token : "");
		return EXIT_CODE_OK;
	}
	g_autofree char *id = grid_text(json_object_get(reply->json, "id"));
	g_autofree char *name = grid_text(json_object_get(reply->json, "name"));
	g_autofree char *expires = grid_text(json_object_get(reply->json, "expires_at"));
	output_print("Token created. It is shown only this once:\n\n    %s\n\n"
		     "id:      %s\nname:    %s\nexpires: %s\n\n"
		     "To use it:\n    export DA_TOKEN=%s\n",
		     token ? token : "", id, name, *expires ? expires : "never",
		     token ? token : "");
	return EXIT_CODE_OK;
}

/* --- list --- */

static const struct grid_column columns[] = {
	{"ID", "id", 36},
	{"NAME", "name", 20},
	{"PREFIX", "prefix", 10},
	{"EXPIRES", "expires_at", 20, .missing = "never"},
	{"LAST USED", "last_used_at", 20, .missing = "-"},
	{"STATUS", "status", 0},
	{0},
};

static bool is_active(const json_t *token)
{
	const json_t *revoked = json_object_get(token, "revoked_at");
	return !revoked || json_is_null(revoked);
}

static int run_list(struct invocation *invocation)
{
	size_t i;
	json_t *token;
	g_autoptr(api_reply) reply = NULL;
	int code = api_ask(invocation, &(struct api_call){.path = "/auth/tokens"}, &reply);
	if (code)
		return code;
	if (invocation_flag(invocation, "json")) {
		output_json_text(reply->body, reply->size);
		return EXIT_CODE_OK;
	}
	if (json_array_size(reply->json) == 0) {
		output_print("No tokens. Create one: da auth token create --name LABEL\n");
		return EXIT_CODE_OK;
	}
	json_array_foreach(reply->json, i, token)
	{
		json_object_set_new(token, "status",
				    json_string(is_active(token) ? "active" : "revoked"));
	}
	grid_print(columns, reply->json, GRID_SINGLE_SPACED);
	return EXIT_CODE_OK;
}

/* --- revoke --- */

static bool has(const json_t *token, const char *key, const char *value)
{
	return g_strcmp0(json_string_value(json_object_get(token, key)), value) == 0;
}

/* By id, prefix or name; of several that are active, none. */
static json_t *find_token(const json_t *tokens, const char *wanted, GError **error)
{
	size_t i;
	json_t *token, *found = NULL;
	g_autoptr(GString) others = g_string_new(NULL);
	json_array_foreach(tokens, i, token)
	{
		if (has(token, "id", wanted))
			return token;
		if (!has(token, "prefix", wanted) && !has(token, "name", wanted))
			continue;
		if (found && is_active(found) && is_active(token))
			g_string_append_printf(others, "\n  %s",
					       json_string_value(json_object_get(token, "id")));
		else if (!found || is_active(token))
			found = token;
	}
	if (!found)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND, "No token matches %s",
			    wanted);
	else if (others->len > 0)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
			    "Several active tokens match %s; say which by its id:\n  %s%s", wanted,
			    json_string_value(json_object_get(found, "id")), others->str);
	return others->len > 0 ? NULL : found;
}

static int run_revoke(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(api_reply) reply = NULL;
	g_autoptr(api_reply) gone = NULL;
	int code = api_ask(invocation, &(struct api_call){.path = "/auth/tokens"}, &reply);
	if (code)
		return code;
	const json_t *token = find_token(reply->json, invocation_text(invocation, "IDENT"), &error);
	if (!token) {
		output_warn("%s\n", error->message);
		return EXIT_CODE_FAILED;
	}
	g_autofree char *id = grid_text(json_object_get(token, "id"));
	g_autofree char *name = grid_text(json_object_get(token, "name"));
	g_autofree char *path = api_path("/auth/tokens/{}", id, NULL);
	code = api_ask(invocation, &(struct api_call){.method = "DELETE", .path = path}, &gone);
	if (!code)
		output_print("Revoked token %s (%s)\n", id, name);
	return code;
}

/* --- declarations --- */

static const struct option create_options[] = {
	{"name", 0, OPTION_TEXT, "LABEL", "What it is for", .required = true},
	{"ttl", 0, OPTION_TEXT, "DAYS", "How long it is valid, such as 30d, or never",
	 .fallback = "90d"},
	{"raw", .meaning = "Print the token alone"},
	{0},
};

const struct command command_auth_token_create = {
	"auth token create",
	"Create a personal access token",
	.details = "It is shown once. This needs a session of a person: a token cannot create "
		   "another one.",
	.examples = "export DA_TOKEN=$(da auth token create --name nightly --ttl 30d --raw)",
	.options = create_options,
	.run = run_create,
};

static const struct option list_options[] = {
	OPTION_JSON,
	{0},
};

const struct command command_auth_token_list = {
	"auth token list",
	"List your personal access tokens",
	.options = list_options,
	.run = run_list,
};

static const struct argument revoke_arguments[] = {
	{"IDENT", "The id, prefix or name of a token"},
	{0},
};

const struct command command_auth_token_revoke = {
	"auth token revoke",
	"End a personal access token for good",
	.arguments = revoke_arguments,
	.run = run_revoke,
};
