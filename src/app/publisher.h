/*
 * Keeps what the server serves in step with the extracts on disk: publishes what changed, brings
 * the directory up to date, and afterwards, in the background, rewrites analytics/server.duckdb.
 */
#pragma once

#include "base/cleanup.h"
#include "config/config.h"
#include "engine/edition.h"
#include "state/directory.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>

struct publisher;

/* Publishes once at the start, in the background: until then what was published last is in force.
 */
struct publisher *publisher_new(const char *data_dir, struct state *state,
				struct directory_store *directory,
				const struct configuration *config, GError **error);
void publisher_free(struct publisher *publisher);
DEFINE_AUTOPTR(publisher)

/* What is in force; a reference of its own. From any thread. */
struct edition *publisher_edition(struct publisher *publisher);

/*
 * Has `changed` called soon after publications that brought anything new, on the publisher's own
 * thread. What it needs must live as long as the publisher.
 */
void publisher_on_change(struct publisher *publisher, void (*changed)(void *data), void *data);

/* Has the extracts looked at again, soon; several wishes make one look. */
void publisher_wake(struct publisher *publisher);
/*
 * The same now: what changed is in force when this returns. The file for other tools follows in the
 * background.
 */
bool publisher_publish(struct publisher *publisher, GError **error);

/* Removes files of versions that were superseded some hours ago. */
bool publisher_sweep(struct publisher *publisher, GError **error);
