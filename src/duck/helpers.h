/*
 * Threads that help with a database's statements, but late: one that is over in a moment is not
 * worth waking anybody, and waking costs as much as such a statement.
 *
 * The database has threads and external_threads set to the same number, of which one is the
 * caller's own and the others are these: it then starts none itself. One statement at a time.
 */
#pragma once

#include "base/cleanup.h"
#include "duck/database.h"

#include <glib.h>

struct duck_helpers;

/* `count` may be 0. Start them after sandbox_enter(). */
struct duck_helpers *duck_helpers_new(struct duck_database *database, unsigned count,
				      GError **error);
/* Before the database is closed, while no statement runs. */
void duck_helpers_free(struct duck_helpers *helpers);
DEFINE_AUTOPTR(duck_helpers)

/* A statement starts: in a moment they help, if it is not over by then. */
void duck_helpers_stand_by(struct duck_helpers *helpers);
void duck_helpers_dismiss(struct duck_helpers *helpers);
