/*
 * The clock of an installation: calls the server when something is due, over REST alone, and does
 * nothing itself. Jobs are called side by side, each never beside itself. Everything here runs on
 * the main loop's thread, but for the calls.
 */
#pragma once

#include "base/cleanup.h"
#include "services/scheduler/settings.h"

#include <glib.h>

struct scheduler;

/*
 * `folder` is where the last runs are kept; if it does not exist they are forgotten at the end.
 * BUSY: another scheduler uses it. Takes the settings over, also on failure.
 */
struct scheduler *scheduler_new(struct scheduler_settings *settings, const char *folder,
				GError **error);
void scheduler_free(struct scheduler *scheduler);
DEFINE_AUTOPTR(scheduler)

/* Runs the main loop until scheduler_stop() was called and every call has ended. */
void scheduler_run(struct scheduler *scheduler);
/* Gives up the calls that are under way. */
void scheduler_stop(struct scheduler *scheduler);
