/*
 * A worker in reserve: started and waiting for its tables, so that the first query of a set of
 * grants does not wait for a process to start. Any thread.
 */
#pragma once

#include "query/child.h"

#include <glib.h>

struct query_spare;

/* `options` must live as long. */
struct query_spare *query_spare_new(const struct query_child_options *options);
void query_spare_free(struct query_spare *spare);

/* The reserve, or a worker that starts now; another is started for the next who asks. */
struct query_child *query_spare_take(struct query_spare *spare, GError **error);
