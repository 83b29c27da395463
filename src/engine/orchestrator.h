/*
 * Turning the extracts on disk into one edition of tables. A rebuild publishes the sources whose
 * extract changed (each read by a sandboxed child, several side by side), decides who owns which
 * name, and records what is new in the state. Only then does the new edition take the old one's
 * place. A source that cannot be read keeps what it had.
 */
#pragma once

#include "base/cleanup.h"
#include "engine/edition.h"
#include "extract/publish.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>

struct orchestrator;

/*
 * The lock that makes rebuilds of all processes follow each other: a descriptor, to be closed.
 * BUSY: it was not free within `milliseconds`.
 */
enum { ORCHESTRATOR_PATIENCE = 15 * 60 * 1000 }; /* what others may take, in milliseconds */
int orchestrator_lock(const char *data_dir, int milliseconds, GError **error);

enum orchestrator_locking {
	ORCHESTRATOR_LOCKS,  /* takes the lock for each rebuild */
	ORCHESTRATOR_LOCKED, /* the caller holds it all along */
};

/* Loads what was published last. `state` must outlive it. */
struct orchestrator *orchestrator_new(const char *data_dir, struct state *state,
				      const struct publish_limits *limits,
				      enum orchestrator_locking locking, GError **error);
void orchestrator_free(struct orchestrator *orchestrator);
DEFINE_AUTOPTR(orchestrator)

/* The edition in force; a new reference. From any thread. */
struct edition *orchestrator_edition(struct orchestrator *orchestrator);

/* What a rebuild came to. */
struct rebuild {
	struct edition *before, *after; /* the same when nothing changed */
	GPtrArray *refused;    /* messages: folders that cannot be sources, names in collision */
	gint64 slowest_source; /* microseconds that publishing it took */
};
void rebuild_clear(struct rebuild *rebuild);

/* Logs what is wrong since this rebuild; a command prints it instead. */
void rebuild_log(const struct rebuild *rebuild);
DEFINE_AUTO(rebuild)

/*
 * Publishes what changed; with `source` only that source, and even if it looks unchanged. Whatever
 * is wrong with single sources or tables is told in their ->failures, and is no error. Blocks; one
 * at a time over all processes. BUSY: another one did not end in time. NOT_FOUND: there is no such
 * source.
 */
bool orchestrator_rebuild(struct orchestrator *orchestrator, const char *source,
			  struct rebuild *rebuild, GError **error);

/* Removes files of versions that were superseded at least `seconds` ago. Blocks like a rebuild. */
bool orchestrator_sweep(struct orchestrator *orchestrator, int64_t seconds, GError **error);
