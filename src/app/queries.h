/*
 * Queries of the server's callers: which tables a caller's worker sees, the pool of workers, and
 * what became of each query in the audit and the log.
 */
#pragma once

#include "base/cleanup.h"
#include "config/config.h"
#include "engine/edition.h"
#include "query/pool.h"
#include "state/directory.h"

#include <glib.h>
#include <stdbool.h>

struct queries;

struct queries *queries_new(const char *data_dir, const struct configuration *config,
			    GError **error);
/* Waits for results that are still relayed, which are cancelled. */
void queries_free(struct queries *queries);
DEFINE_AUTOPTR(queries)

struct query_pool *queries_pool(struct queries *queries);

/* What a query may take, from the configuration at the start. */
struct queries_limits {
	int64_t rows;	/* whatever the caller asks for */
	uint64_t bytes; /* of a result */
	unsigned seconds;
	unsigned
		reader_seconds; /* that a reader may keep its worker waiting, beside 1 for 16 KiB */
	unsigned slow_milliseconds; /* longer queries are logged */
	unsigned at_once;	    /* that run and wait, at most */
};
const struct queries_limits *queries_limits(const struct queries *queries);

/*
 * Lets go of what was made of older editions: idle workers and their files at once, busy ones when
 * they are done. Otherwise that happens with the next query.
 */
void queries_renew(struct queries *queries, const struct directory *directory,
		   const struct edition *edition);

/* Queries reach the network only where they name a table that is there: the worker of the first
 * answers UNSUPPORTED to one that does, and is asked anew with the second. */
enum queries_reach { QUERIES_LOCAL, QUERIES_REMOTE };

/*
 * What the user's queries read: the granted tables of this edition; a new reference. Callers with
 * the same groups share it. CONFLICT: the edition is outdated, take the present one.
 */
struct query_source *queries_source(struct queries *queries, const struct directory *directory,
				    const struct directory_user *user, struct edition *edition,
				    enum queries_reach reach, GError **error);
