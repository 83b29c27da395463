/* Users and groups by the names that people have for them. */
#pragma once

#include "cli/command.h"

/*
 * The id of a user: a reference with an @ is an e-mail and looked up, anything else is an id. Exit
 * code 0 and *id, to be g_free()d; else the message was printed.
 */
int lookup_user(struct invocation *invocation, const char *reference, char **id);

/* The same for a group, by its id or its name. */
int lookup_group(struct invocation *invocation, const char *reference, char **id);
