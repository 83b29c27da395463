/* Every command of `da`, and the groups that they stand in. */
#pragma once

#include "cli/command.h"

extern const struct command *const commands[];	    /* ends with NULL */
extern const struct command_group command_groups[]; /* ends with {0} */

/* The group of that path; NULL if there is none. */
const struct command_group *command_group_find(const char *path);

/* One a line, by path. */
extern const struct command command_admin_activate;
extern const struct command command_admin_add_user;
extern const struct command command_admin_break_glass_grant_admin;
extern const struct command command_admin_deactivate;
extern const struct command command_admin_discover_and_register;
extern const struct command command_admin_grant_create;
extern const struct command command_admin_grant_delete;
extern const struct command command_admin_grant_list;
extern const struct command command_admin_grant_resource_types;
extern const struct command command_admin_group_add_member;
extern const struct command command_admin_group_create;
extern const struct command command_admin_group_delete;
extern const struct command command_admin_group_list;
extern const struct command command_admin_group_members;
extern const struct command command_admin_group_remove_member;
extern const struct command command_admin_list_tables;
extern const struct command command_admin_list_users;
extern const struct command command_admin_metadata_apply;
extern const struct command command_admin_metadata_show;
extern const struct command command_admin_register_table;
extern const struct command command_admin_remove_user;
extern const struct command command_admin_reset_password;
extern const struct command command_admin_set_password;
extern const struct command command_admin_set_role;
extern const struct command command_analyst_setup;
extern const struct command command_analyst_status;
extern const struct command command_auth_import_token;
extern const struct command command_auth_login;
extern const struct command command_auth_logout;
extern const struct command command_auth_token_create;
extern const struct command command_auth_token_list;
extern const struct command command_auth_token_revoke;
extern const struct command command_auth_whoami;
extern const struct command command_catalog;
extern const struct command command_completion;
extern const struct command command_describe;
extern const struct command command_diagnose;
extern const struct command command_disk_info;
extern const struct command command_explore;
extern const struct command command_fetch;
extern const struct command command_manual;
extern const struct command command_metrics_export;
extern const struct command command_metrics_import;
extern const struct command command_metrics_list;
extern const struct command command_metrics_show;
extern const struct command command_metrics_validate;
extern const struct command command_query;
extern const struct command command_schema;
extern const struct command command_server_backup;
extern const struct command command_server_deploy;
extern const struct command command_server_logs;
extern const struct command command_server_restart;
extern const struct command command_server_rollback;
extern const struct command command_server_status;
extern const struct command command_setup_bootstrap;
extern const struct command command_setup_first_sync;
extern const struct command command_setup_init;
extern const struct command command_setup_test_connection;
extern const struct command command_setup_verify;
extern const struct command command_skills_list;
extern const struct command command_skills_show;
extern const struct command command_snapshot_drop;
extern const struct command command_snapshot_list;
extern const struct command command_snapshot_prune;
extern const struct command command_snapshot_refresh;
extern const struct command command_status;
extern const struct command command_refresh_views;
extern const struct command command_sync;
