/*
 * What ties a command to the one that started it, as `agnesd up` starts others with --lifeline:
 * standard input is a socket whose closing ends the process, and by which it tells that it is
 * ready.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* For the child, before anything else. */
bool lifeline_hold(GError **error);

/* That it does its work now, and `where`. Nothing happens without a lifeline. */
void lifeline_tell_ready(const char *where);
