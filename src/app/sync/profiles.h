/*
 * Statistics of tables that have a new version, measured in the background, one table at a time,
 * each once however often it was asked for.
 */
#pragma once

#include "base/cleanup.h"

struct app;
struct profile_queue;

struct profile_queue *profile_queue_new(struct app *app);
/* Stops the measurement that is under way; what waits is not measured. */
void profile_queue_free(struct profile_queue *queue);
DEFINE_AUTOPTR(profile_queue)

/* Soon, unless the registry says that the table is not to be profiled. */
void profile_queue_add(struct profile_queue *queue, const char *table);
