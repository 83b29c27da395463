/*
 * Who listens to the synchronisation: server-sent events to any number of connections, each through
 * a pipe that the HTTP server relays. One thread writes them all; a listener that does not keep up
 * is let go, comes back and gets the whole picture again.
 */
#pragma once

#include "base/cleanup.h"
#include "base/json.h"

#include <glib.h>
#include <stdbool.h>

struct sync_events;

struct sync_events *sync_events_new(GError **error);
/* Ends every stream. */
void sync_events_free(struct sync_events *events);
DEFINE_AUTOPTR(sync_events)

/*
 * A descriptor from which events can be read until its end. `picture` is asked for the first one,
 * named "status": after it, nothing is missed. BUSY: too many listen already.
 */
int sync_events_listen(struct sync_events *events, json_t *(*picture)(void *data), void *data,
		       GError **error);

/* Whether it is worth while to make an event. Cheap; from any thread. */
bool sync_events_wanted(struct sync_events *events);

/* Sends an event to all who listen; takes over `data`. From any thread, never waits for them. */
void sync_events_send(struct sync_events *events, const char *name, json_t *data);

/* Ends every stream now, and those that begin later at once. */
void sync_events_close(struct sync_events *events);
