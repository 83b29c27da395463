/*
 * Whether the server is well: looked at now and then by a thread, so that asking costs nothing and
 * a stuck database cannot make the question hang.
 */
#pragma once

#include "base/cleanup.h"
#include "state/directory.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>

struct health;

enum health_schema { HEALTH_OK, HEALTH_MISMATCH, HEALTH_UNREACHABLE };

/*
 * Mends the directory, too, when it looks; NULL: there is none. `name` is what the installation is
 * called.
 */
struct health *health_new(struct state *state, struct directory_store *directory, const char *name);
void health_free(struct health *health);
DEFINE_AUTOPTR(health)

/* The whole answer of GET /api/health, a reference of its own. */
GBytes *health_answer(struct health *health);
enum health_schema health_schema(struct health *health);
/* The installation is called otherwise from now on. */
void health_rename(struct health *health, const char *name);
/* Looks now. */
void health_check(struct health *health);
