/* What pool.c and run.c share: a run's place in the pool. */
#pragma once

#include "query/pool.h"

enum run_state { RUN_QUEUED, RUN_STARTING, RUN_RUNNING };

/* A query from the queue to its end. The pool's lock guards all but what is marked. */
struct query_ticket {
	struct query_pool *pool;
	char *id, *user, *sql, *format;
	gint64 since; /* monotonic */
	enum run_state state;
	struct query_source *source;
	atomic_bool *abandoned; /* see struct query_pool_request */
	int wake; /* eventfd, written to when it is cancelled; polled without the lock */
	bool cancelled;
	struct pool_slot *slot;	   /* its worker's, once it has one */
	struct query_child *child; /* once started; used by the run's thread without the lock */
	GCond turn;
};

/* Waits in the queue, then for a worker that is ready. */
struct query_ticket *query_pool_enter(struct query_pool *pool, struct query_source *source,
				      const struct query_pool_request *request, GError **error);

/* Gives the worker back, or ends it: `reusable` says whether it answered as it should. */
void query_pool_leave(struct query_ticket *ticket, bool reusable);
