/* The accounts that exist from the start: the first administrator and the scheduler. */
#pragma once

#include "state/state.h"

#include <glib.h>
#include <stdbool.h>

/*
 * Makes the user of SEED_ADMIN_EMAIL (in development mode: the developer) and that of the
 * scheduler, each a member of Admin, as far as the environment asks for them. A failure is logged:
 * it must not keep the server from starting.
 */
void seed_accounts(struct state *state);
