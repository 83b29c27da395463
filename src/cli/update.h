/* A line on standard error when the server hands out a newer `da` than this one. */
#pragma once

#include "cli/command.h"

#include <glib.h>

/*
 * Asks the server at most once a day, or every five minutes when it did not say; waits for it no
 * longer than three seconds, one of them for the connection. Nothing that goes wrong here is told
 * or changes anything.
 */
void update_check(struct invocation *invocation);

/*
 * The line for a server's answer, without a newline; NULL: `latest` is not newer. `hint` says how
 * to get it, or is NULL. g_free() it.
 */
char *update_notice(const char *installed, const char *latest, const char *hint);
