/* Every command of `da`, and the groups that they stand in. */
#pragma once

#include "cli/command.h"

extern const struct command *const commands[];	    /* ends with NULL */
extern const struct command_group command_groups[]; /* ends with {0} */

/* The group of that path; NULL if there is none. */
const struct command_group *command_group_find(const char *path);

/* One a line, by path. */
extern const struct command command_auth_import_token;
extern const struct command command_auth_login;
extern const struct command command_auth_logout;
extern const struct command command_auth_token_create;
extern const struct command command_auth_token_list;
extern const struct command command_auth_token_revoke;
extern const struct command command_auth_whoami;
extern const struct command command_completion;
extern const struct command command_manual;
