/* The table of commands. A new command is a new row here. */
#include "cli/commands.h"

#include <string.h>

/* As help lists them. */
const struct command_group command_groups[] = {
	{"auth", "Sign in, and tokens for programs"},
	{"auth token", "Personal access tokens, for programs and agents"},
	{0},
};

/* One a line; those of a group, and those of none, as help lists them. */
/* clang-format off */
const struct command *const commands[] = {
	&command_auth_login,
	&command_auth_logout,
	&command_auth_whoami,
	&command_auth_import_token,
	&command_auth_token_create,
	&command_auth_token_list,
	&command_auth_token_revoke,
	&command_completion,
	&command_manual,
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
