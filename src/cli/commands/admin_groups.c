/* da admin group: groups and who is in them. */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/lookup.h"
#include "cli/output.h"

static const struct grid_column group_columns[] = {
	{"NAME", "name", 24},	      {"DESCRIPTION", "description", 40},
	{"SYSTEM", "is_system", 7},   {"MEMBERS", "member_count", 8},
	{"GRANTS", "grant_count", 7}, {0},
};

static const struct grid_column member_columns[] = {
	{"EMAIL", "email", 30},
	{"NAME", "name", 20},
	{"SOURCE", "source", 14},
	{"ACTIVE", "active", 7},
	{0},
};

/* Prints the array as JSON, or a line that counts it and a grid. */
static void print_list(const struct invocation *invocation, const struct api_reply *reply,
		       const char *title, const struct grid_column *columns)
{
	if (invocation_flag(invocation, "json")) {
		output_json_text(reply->body, reply->size);
		return;
	}
	output_print("%s: %zu\n", title, json_array_size(reply->json));
	if (json_array_size(reply->json) > 0)
		grid_print(columns, reply->json, GRID_RULED);
}

static int run_list(struct invocation *invocation)
{
	g_autoptr(api_reply) reply = NULL;
	int code = api_ask(invocation, &(struct api_call){.path = "/api/admin/groups"}, &reply);
	if (!code)
		print_list(invocation, reply, "User groups", group_columns);
	return code;
}

static int run_create(struct invocation *invocation)
{
	g_autoptr(api_reply) reply = NULL;
	g_autoptr(json_t)
		body = json_pack("{ss ss?}", "name", invocation_text(invocation, "NAME"),
				 "description", invocation_text(invocation, "description"));
	int code = api_ask(invocation,
			   &(struct api_call){.path = "/api/admin/groups", .body = body}, &reply);
	if (code)
		return code;
	g_autofree char *name = grid_text(json_object_get(reply->json, "name"));
	g_autofree char *id = grid_text(json_object_get(reply->json, "id"));
	output_print("Created group: %s (id=%s)\n", name, id);
	return EXIT_CODE_OK;
}

static int run_delete(struct invocation *invocation)
{
	g_autofree char *id = NULL;
	g_autoptr(api_reply) reply = NULL;
	int code = lookup_group(invocation, invocation_text(invocation, "REF"), &id);
	if (code)
		return code;
	g_autofree char *path = api_path("/api/admin/groups/{}", id, NULL);
	code = api_ask(invocation, &(struct api_call){.method = "DELETE", .path = path}, &reply);
	if (!code)
		output_print("Deleted group %s\n", invocation_text(invocation, "REF"));
	return code;
}

static int run_members(struct invocation *invocation)
{
	g_autofree char *id = NULL;
	g_autoptr(api_reply) reply = NULL;
	int code = lookup_group(invocation, invocation_text(invocation, "REF"), &id);
	if (code)
		return code;
	g_autofree char *path = api_path("/api/admin/groups/{}/members", id, NULL);
	code = api_ask(invocation, &(struct api_call){.path = path}, &reply);
	if (!code)
		print_list(invocation, reply, "Members", member_columns);
	return code;
}

static int run_add_member(struct invocation *invocation)
{
	g_autofree char *id = NULL;
	g_autoptr(api_reply) reply = NULL;
	const char *email = invocation_text(invocation, "EMAIL");
	int code = lookup_group(invocation, invocation_text(invocation, "REF"), &id);
	if (code)
		return code;
	g_autofree char *path = api_path("/api/admin/groups/{}/members", id, NULL);
	g_autoptr(json_t) body = json_pack("{ss}", "email", email);
	code = api_ask(invocation, &(struct api_call){.path = path, .body = body}, &reply);
	if (!code)
		output_print("Added %s to %s\n", email, invocation_text(invocation, "REF"));
	return code;
}

static int run_remove_member(struct invocation *invocation)
{
	g_autofree char *group = NULL;
	g_autofree char *user = NULL;
	g_autoptr(api_reply) reply = NULL;
	const char *reference = invocation_text(invocation, "USER");
	int code = lookup_group(invocation, invocation_text(invocation, "REF"), &group);
	if (!code)
		code = lookup_user(invocation, reference, &user);
	if (code)
		return code;
	g_autofree char *path = api_path("/api/admin/groups/{}/members/{}", group, user, NULL);
	code = api_ask(invocation, &(struct api_call){.method = "DELETE", .path = path}, &reply);
	if (!code)
		output_print("Removed %s from %s\n", reference, invocation_text(invocation, "REF"));
	return code;
}

/* --- declarations --- */

static const struct option json_options[] = {
	OPTION_JSON,
	{0},
};
static const struct option create_options[] = {
	{"description", 0, OPTION_TEXT, "TEXT", "Who is in it"},
	{0},
};
static const struct argument name_arguments[] = {
	{"NAME", "Of the new group"},
	{0},
};
static const struct argument group_arguments[] = {
	{"REF", "The name or the id of a group"},
	{0},
};
static const struct argument add_arguments[] = {
	{"REF", "The name or the id of a group"},
	{"EMAIL", "Of a user"},
	{0},
};
static const struct argument remove_arguments[] = {
	{"REF", "The name or the id of a group"},
	{"USER", "The e-mail or the id of a user"},
	{0},
};

const struct command command_admin_group_list = {
	"admin group list",
	"List the groups",
	.options = json_options,
	.run = run_list,
};
const struct command command_admin_group_create = {
	"admin group create",	   "Create a group",  .arguments = name_arguments,
	.options = create_options, .run = run_create,
};
const struct command command_admin_group_delete = {
	"admin group delete",
	"Delete a group with its grants",
	.arguments = group_arguments,
	.run = run_delete,
};
const struct command command_admin_group_members = {
	"admin group members",	 "List who is in a group", .arguments = group_arguments,
	.options = json_options, .run = run_members,
};
const struct command command_admin_group_add_member = {
	"admin group add-member",
	"Put a user into a group",
	.arguments = add_arguments,
	.run = run_add_member,
};
const struct command command_admin_group_remove_member = {
	"admin group remove-member",
	"Take a user out of a group",
	.arguments = remove_arguments,
	.run = run_remove_member,
};
