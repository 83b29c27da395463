/*
 * The two things that a service and systemd say to each other: how the service is, and which
 * listening socket it was given. Without systemd, nothing happens.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Sends a state such as "READY=1" or "STOPPING=1". False: systemd waits for it but cannot be told.
 */
bool systemd_notify(const char *state, GError **error);

/*
 * The listening socket that this process was started with; -1 with `error` unset when there is
 * none. To be called once, before other threads start: the variables that tell of it are removed,
 * so that no child takes them for its own.
 */
int systemd_take_listener(GError **error);
