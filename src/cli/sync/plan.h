/* What a sync is to do, decided from the manifest, the state and the files; it changes nothing. */
#pragma once

#include "base/cleanup.h"
#include "cli/sync/manifest.h"
#include "cli/workspace/sync_state.h"

#include <glib.h>
#include <stdbool.h>

enum sync_action {
	SYNC_CURRENT,  /* the file on disk is the one that is offered */
	SYNC_CHECK,    /* there is a file, of which only a look inside tells: else download */
	SYNC_DOWNLOAD, /* it is not here, or another version */
	SYNC_REMOTE,   /* it has no file */
	SYNC_REFUSED,  /* its name cannot be that of a file */
	SYNC_SKIPPED,  /* not the table that was asked for */
};

struct sync_step {
	const struct offered_table *table;
	enum sync_action action;
	const struct synced_table *known; /* what the state says of it, or NULL */
};

struct sync_plan {
	GArray *steps;	   /* struct sync_step, in the manifest's order */
	GPtrArray *gone;   /* names of tables that are here, but not offered any more, sorted */
	size_t known_here; /* how many tables the state has */
};

struct sync_question {
	const struct sync_manifest *manifest;
	const struct sync_state *state;
	/* Tokens that an older client wrote down for the files: name -> text; may be NULL. */
	GHashTable *tokens;
	int folder;	   /* with the files; -1: there is none */
	const char *table; /* the only one; NULL: all */
};

/* Borrows from manifest and state. */
struct sync_plan *sync_plan_make(const struct sync_question *question);
void sync_plan_free(struct sync_plan *plan);
DEFINE_AUTOPTR(sync_plan)

/*
 * Whether the tables that are gone may be removed. Not when the server suddenly offers nothing, or
 * less than half of what was here: that is more often a wiped or a wrong server than the truth.
 */
bool sync_plan_may_prune(const struct sync_plan *plan);

/* "NAME.parquet" */
char *sync_file_name(const char *table);
