/* A thread that makes a backup of the state whenever one is due. */
#pragma once

#include "base/cleanup.h"
#include "state/state.h"

#include <glib.h>

struct configuration;
struct backup_keeper;

struct backup_plan {
	unsigned keep, hours;
	unsigned delay; /* seconds before the first look, so that starting up is not held up */
};

/* What the configuration says. */
void backup_plan_init(struct backup_plan *plan, const struct configuration *config);

struct backup_keeper *backup_keeper_new(struct state *state, const struct backup_plan *plan);
/* Waits for a backup that is being made. To be freed before the state. */
void backup_keeper_free(struct backup_keeper *keeper);
DEFINE_AUTOPTR(backup_keeper)
