/* da admin grant: what groups may read. */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/lookup.h"
#include "cli/output.h"

static const struct grid_column grant_columns[] = {
	{"GROUP", "group_name", 20},
	{"RESOURCE TYPE", "resource_type", 22},
	{"RESOURCE ID", "resource_id", 40},
	{"ASSIGNED BY", "assigned_by", 24},
	{"ID", "id", 0},
	{0},
};

static const struct grid_column type_columns[] = {
	{"KEY", "key", 28},
	{"DISPLAY NAME", "display_name", 28},
	{"ID FORMAT", "id_format", 36},
	{0},
};

static int run_list(struct invocation *invocation)
{
	g_autofree char *group = NULL;
	g_autoptr(api_reply) reply = NULL;
	const char *reference = invocation_text(invocation, "group");
	int code = reference ? lookup_group(invocation, reference, &group) : EXIT_CODE_OK;
	if (code)
		return code;
	g_autoptr(GString) path = g_string_new("/api/admin/grants");
	api_add_query(path, "resource_type", invocation_text(invocation, "type"));
	api_add_query(path, "group_id", group);
	code = api_ask(invocation, &(struct api_call){.path = path->str}, &reply);
	if (code)
		return code;
	if (invocation_flag(invocation, "json")) {
		output_json_text(reply->body, reply->size);
		return EXIT_CODE_OK;
	}
	output_print("Resource grants: %zu\n", json_array_size(reply->json));
	if (json_array_size(reply->json) > 0)
		grid_print(grant_columns, reply->json, GRID_RULED);
	return EXIT_CODE_OK;
}

static int run_create(struct invocation *invocation)
{
	g_autofree char *group = NULL;
	g_autoptr(api_reply) reply = NULL;
	const char *reference = invocation_text(invocation, "GROUP");
	const char *type = invocation_text(invocation, "TYPE");
	const char *resource = invocation_text(invocation, "RESOURCE_ID");
	int code = lookup_group(invocation, reference, &group);
	if (code)
		return code;
	g_autoptr(json_t) body = json_pack("{ss ss ss}", "group_id", group, "resource_type", type,
					   "resource_id", resource);
	code = api_ask(invocation, &(struct api_call){.path = "/api/admin/grants", .body = body},
		       &reply);
	if (!code)
		output_print("Granted %s: %s/%s\n", reference, type, resource);
	return code;
}

static int run_delete(struct invocation *invocation)
{
	g_autoptr(api_reply) reply = NULL;
	const char *id = invocation_text(invocation, "GRANT_ID");
	g_autofree char *path = api_path("/api/admin/grants/{}", id, NULL);
	int code = api_ask(invocation, &(struct api_call){.method = "DELETE", .path = path},
			   &reply);
	if (!code)
		output_print("Deleted grant %s\n", id);
	return code;
}

static int run_types(struct invocation *invocation)
{
	g_autoptr(api_reply) reply = NULL;
	int code = api_ask(invocation, &(struct api_call){.path = "/api/admin/resource-types"},
			   &reply);
	if (code)
		return code;
	if (invocation_flag(invocation, "json"))
		output_json_text(reply->body, reply->size);
	else
		grid_print(type_columns, reply->json, GRID_RULED);
	return EXIT_CODE_OK;
}

/* --- declarations --- */

static const struct option list_options[] = {
	{"type", 0, OPTION_TEXT, "TYPE", "Only those of this type; see 'resource-types'"},
	{"group", 0, OPTION_TEXT, "REF", "Only those of this group, by its name or id"},
	OPTION_JSON,
	{0},
};
static const struct option json_options[] = {
	OPTION_JSON,
	{0},
};
static const struct argument create_arguments[] = {
	{"GROUP", "The name or the id of a group"},
	{"TYPE", "Such as table; see 'da admin grant resource-types'"},
	{"RESOURCE_ID", "Such as the name of a table"},
	{0},
};
static const struct argument delete_arguments[] = {
	{"GRANT_ID", "As 'da admin grant list' shows it"},
	{0},
};

const struct command command_admin_grant_list = {
	"admin grant list",
	"List what groups may read",
	.options = list_options,
	.run = run_list,
};
const struct command command_admin_grant_create = {
	"admin grant create",
	"Let a group read something",
	.examples = "da admin grant create Sales table orders",
	.arguments = create_arguments,
	.run = run_create,
};
const struct command command_admin_grant_delete = {
	"admin grant delete",
	"Take a right back",
	.arguments = delete_arguments,
	.run = run_delete,
};
const struct command command_admin_grant_resource_types = {
	"admin grant resource-types",
	"List what rights can be about",
	.options = json_options,
	.run = run_types,
};
