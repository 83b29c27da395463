/*
 * Files that somebody put into a folder of the local connector become tables: registered under
 * their name, and for administrators alone until somebody grants them.
 */
#pragma once

#include "app/app.h"
#include "base/cleanup.h"

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>

struct discovery;

/* Makes the folders that are missing in the data directory. */
struct discovery *discovery_new(struct app *app);
void discovery_free(struct discovery *discovery);
DEFINE_AUTOPTR(discovery)

/*
 * Registers what is new, by asking the connector; without that when the folders look as they did
 * the last time. Files that a registered table reads already, and names that are taken, are left
 * alone.
 */
bool discovery_run(struct discovery *discovery, struct app *app, const struct configuration *config,
		   const atomic_bool *cancelled, GError **error);
