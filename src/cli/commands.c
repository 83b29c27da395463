/* The table of commands. A new command is a new row here. */
#include "cli/commands.h"

#include <string.h>

/* As help lists them. */
const struct command_group command_groups[] = {
	{"auth", "Sign in, and tokens for programs"},
	{"auth token", "Personal access tokens, for programs and agents"},
	{"analyst", "The workspace of an analyst: setup, status"},
	{"snapshot", "Parts of remote tables that are kept here: list, refresh, drop, prune"},
	{"metrics", "Definitions of metrics: list, show, import, export, validate"},
	{"setup", "The first steps with a new server"},
	{"skills", "Texts that tell an assistant how to work with this system"},
	{"admin", "Users, tables, groups and rights"},
	{"admin group", "Groups and who is in them"},
	{"admin grant", "What groups may read"},
	{"admin break-glass", "The way back in when nobody is an administrator"},
	{"server", "The containers of a server, on the machine where they run"},
	{0},
};

/* One a line; those of a group, and those of none, as help lists them. */
/* clang-format off */
const struct command *const commands[] = {
	&command_catalog,
	&command_schema,
	&command_describe,
	&command_explore,
	&command_query,
	&command_sync,
	&command_fetch,
	&command_disk_info,
	&command_status,
	&command_diagnose,
	&command_refresh_views,
	&command_completion,
	&command_manual,
	&command_auth_login,
	&command_auth_logout,
	&command_auth_whoami,
	&command_auth_import_token,
	&command_auth_token_create,
	&command_auth_token_list,
	&command_auth_token_revoke,
	&command_analyst_setup,
	&command_analyst_status,
	&command_snapshot_list,
	&command_snapshot_refresh,
	&command_snapshot_drop,
	&command_snapshot_prune,
	&command_metrics_list,
	&command_metrics_show,
	&command_metrics_import,
	&command_metrics_export,
	&command_metrics_validate,
	&command_setup_init,
	&command_setup_bootstrap,
	&command_setup_test_connection,
	&command_setup_first_sync,
	&command_setup_verify,
	&command_skills_list,
	&command_skills_show,
	&command_admin_add_user,
	&command_admin_list_users,
	&command_admin_remove_user,
	&command_admin_deactivate,
	&command_admin_activate,
	&command_admin_reset_password,
	&command_admin_set_password,
	&command_admin_set_role,
	&command_admin_register_table,
	&command_admin_discover_and_register,
	&command_admin_list_tables,
	&command_admin_metadata_show,
	&command_admin_metadata_apply,
	&command_admin_group_list,
	&command_admin_group_create,
	&command_admin_group_delete,
	&command_admin_group_members,
	&command_admin_group_add_member,
	&command_admin_group_remove_member,
	&command_admin_grant_list,
	&command_admin_grant_create,
	&command_admin_grant_delete,
	&command_admin_grant_resource_types,
	&command_admin_break_glass_grant_admin,
	&command_server_status,
	&command_server_logs,
	&command_server_restart,
	&command_server_deploy,
	&command_server_rollback,
	&command_server_backup,
	NULL,
};
/* clang-format on */

const struct command_group *command_group_find(const char *path)
{
	for (const struct command_group *group = command_groups; group->path; group++) {
		if (strcmp(group->path, path) == 0)
			return group;
	}
	return NULL;
}
