/* da admin: users, from their creation to their removal. */
#include "base/prompt.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/lookup.h"
#include "cli/output.h"

#include <string.h>

enum { SHOWN_OF_ID = 8 };

/* POST /api/users/<id>/<action> for the REF of the command line. */
static int act_on_user(struct invocation *invocation, const char *action, json_t *body,
		       struct api_reply **reply)
{
	g_autofree char *id = NULL;
	int code = lookup_user(invocation, invocation_text(invocation, "REF"), &id);
	if (code)
		return code;
	g_autofree char *path = api_path("/api/users/{}/{}", id, action, NULL);
	const struct api_call call = {.method = "POST", .path = path, .body = body};
	return api_ask(invocation, &call, reply);
}

static int run_add(struct invocation *invocation)
{
	g_autoptr(api_reply) reply = NULL;
	const char *email = invocation_text(invocation, "EMAIL");
	const char *name = invocation_text(invocation, "name");
	g_autofree char *local_part = g_strndup(email, strcspn(email, "@"));
	g_autoptr(json_t)
		body = json_pack("{ss ss}", "email", email, "name", name ? name : local_part);
	int code = api_ask(invocation, &(struct api_call){.path = "/api/users", .body = body},
			   &reply);
	if (code)
		return code;
	g_autofree char *made = grid_text(json_object_get(reply->json, "email"));
	g_autofree char *id = grid_text(json_object_get(reply->json, "id"));
	output_print("Created user: %s (id: %s)\n", made, id);
	return EXIT_CODE_OK;
}

static void print_user(const json_t *user)
{
	const json_t *active = json_object_get(user, "active");
	g_autofree char *email = grid_text(json_object_get(user, "email"));
	g_autofree char *id = grid_text(json_object_get(user, "id"));
	g_autoptr(GString) line = g_string_new("  ");
	grid_pad(line, email, 30, GRID_LEFT);
	g_string_append_c(line, ' ');
	grid_pad(line, json_is_true(json_object_get(user, "is_admin")) ? "admin" : "user", 6,
		 GRID_LEFT);
	g_string_append_c(line, ' ');
	grid_pad(line, json_is_false(active) ? "DEACTIVATED" : "active", 12, GRID_LEFT);
	output_print("%s id=%.*s\n", line->str, SHOWN_OF_ID, id);
}

static int run_list(struct invocation *invocation)
{
	size_t i;
	json_t *user;
	g_autoptr(api_reply) reply = NULL;
	int code = api_ask(invocation, &(struct api_call){.path = "/api/users"}, &reply);
	if (code)
		return code;
	if (invocation_flag(invocation, "json")) {
		output_json_text(reply->body, reply->size);
		return EXIT_CODE_OK;
	}
	json_array_foreach(reply->json, i, user)
	{
		print_user(user);
	}
	return EXIT_CODE_OK;
}

static int run_remove(struct invocation *invocation)
{
	g_autoptr(api_reply) reply = NULL;
	g_autofree char *path = api_path("/api/users/{}", invocation_text(invocation, "USER_ID"),
					 NULL);
	int code = api_ask(invocation, &(struct api_call){.method = "DELETE", .path = path},
			   &reply);
	if (!code)
		output_print("User removed.\n");
	return code;
}

static int run_deactivate(struct invocation *invocation)
{
	g_autoptr(api_reply) reply = NULL;
	int code = act_on_user(invocation, "deactivate", NULL, &reply);
	if (!code)
		output_print("Deactivated %s\n", invocation_text(invocation, "REF"));
	return code;
}

static int run_activate(struct invocation *invocation)
{
	g_autoptr(api_reply) reply = NULL;
	int code = act_on_user(invocation, "activate", NULL, &reply);
	if (!code)
		output_print("Activated %s\n", invocation_text(invocation, "REF"));
	return code;
}

static int run_reset_password(struct invocation *invocation)
{
	g_autoptr(api_reply) reply = NULL;
	int code = act_on_user(invocation, "reset-password", NULL, &reply);
	if (code)
		return code;
	g_autofree char *url = grid_text(json_object_get(reply->json, "reset_url"));
	g_autofree char *sent = grid_text(json_object_get(reply->json, "email_sent"));
	output_print("Reset URL: %s\nEmail sent: %s\n", url, sent);
	return EXIT_CODE_OK;
}

/* Twice, until both are the same. */
static char *ask_new_password(GError **error)
{
	for (;;) {
		char *first = prompt_line("Password: ", true, error);
		char *second = first ? prompt_line("Repeat for confirmation: ", true, error) : NULL;
		bool same = second && strcmp(first, second) == 0;
		prompt_forget(second);
		if (same)
			return first;
		prompt_forget(first);
		if (!second)
			return NULL;
		output_warn("The two entered values do not match.\n");
	}
}

static int run_set_password(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(api_reply) reply = NULL;
	const char *given = invocation_text(invocation, "password");
	char *password = given ? g_strdup(given) : ask_new_password(&error);
	if (!password)
		return command_fail(error);
	g_autoptr(json_t) body = json_pack("{ss}", "password", password);
	prompt_forget(password);
	int code = act_on_user(invocation, "set-password", body, &reply);
	if (!code)
		output_print("Password set for %s\n", invocation_text(invocation, "REF"));
	return code;
}

static int run_set_role(struct invocation *invocation)
{
	(void)invocation;
	output_warn("Roles were removed; what a user may do follows from groups: see "
		    "'da admin group list'\nand 'da admin group add-member GROUP EMAIL'.\n");
	return EXIT_CODE_USAGE;
}

/* --- declarations --- */

static const struct argument email_arguments[] = {
	{"EMAIL", "Of the new user"},
	{0},
};
static const struct argument id_arguments[] = {
	{"USER_ID", "The id, as 'da admin list-users --json' shows it"},
	{0},
};
static const struct argument reference_arguments[] = {
	{"REF", "The e-mail or the id of a user"},
	{0},
};
static const struct argument role_arguments[] = {
	{"REF", "A user"},
	{"ROLE", "A role"},
	{0},
};
static const struct option add_options[] = {
	{"name", 0, OPTION_TEXT, "NAME", "Of the new user; default: from the e-mail"},
	{0},
};
static const struct option list_options[] = {
	OPTION_JSON,
	{0},
};
static const struct option password_options[] = {
	{"password", 0, OPTION_TEXT, "TEXT",
	 "The new one; asked for if missing, which keeps it out of the list of processes"},
	{0},
};

const struct command command_admin_add_user = {
	"admin add-user",
	"Create a user",
	.details = "Without groups the user may read nothing yet: 'da admin group add-member'.",
	.arguments = email_arguments,
	.options = add_options,
	.run = run_add,
};
const struct command command_admin_list_users = {
	"admin list-users",
	"List the users",
	.options = list_options,
	.run = run_list,
};
const struct command command_admin_remove_user = {
	"admin remove-user",
	"Remove a user for good",
	.arguments = id_arguments,
	.run = run_remove,
};
const struct command command_admin_deactivate = {
	"admin deactivate",
	"Shut a user out, sessions and tokens included",
	.arguments = reference_arguments,
	.run = run_deactivate,
};
const struct command command_admin_activate = {
	"admin activate",
	"Let a user in again",
	.arguments = reference_arguments,
	.run = run_activate,
};
const struct command command_admin_reset_password = {
	"admin reset-password",
	"Make a link by which a user sets a new password",
	.arguments = reference_arguments,
	.run = run_reset_password,
};
const struct command command_admin_set_password = {
	"admin set-password",	     "Set a user's password", .arguments = reference_arguments,
	.options = password_options, .run = run_set_password,
};
const struct command command_admin_set_role = {
	"admin set-role",
	"Was removed: groups have taken its place",
	.arguments = role_arguments,
	.traits = COMMAND_HIDDEN,
	.run = run_set_role,
};
