/*
 * A sync of a workspace, from the manifest to the state that is saved. For `da sync` and `da
 * analyst setup`; what it has to say stands in the report.
 */
#pragma once

#include "base/json.h"
#include "cli/api.h"
#include "cli/workspace/workspace.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct sync_options {
	const char *table;   /* only this one; NULL: all */
	bool nothing;	     /* no table at all */
	bool dry_run;	     /* look, but change nothing */
	bool prune, force;   /* remove tables that are gone; even if nearly all are */
	bool shows_progress; /* on standard error */
	bool waits_aloud;    /* tell that another sync is waited for */
	int parallel;	     /* downloads */
};

struct sync_report {
	size_t total, current;	 /* tables of the manifest; of these, not to be downloaded */
	json_t *wanted;		 /* [{"table", "rows", "size_bytes"}]: what is to be downloaded */
	json_t *downloaded;	 /* [name] */
	json_t *remote;		 /* [name]: those that have no file */
	json_t *absent;		 /* [name]: those that the server could not fetch itself so far */
	json_t *errors;		 /* [{"table", "error"}] */
	json_t *gone, *pruned;	 /* [name]: not offered any more; removed for it */
	json_t *broken, *hidden; /* [file], [name], see cli/engine/views.h; NULL: not looked at */
	int64_t bytes;		 /* of what is wanted */
	bool prune_refused;	 /* because of too much that is gone */
	bool table_unknown;	 /* the manifest does not have the only table that was wanted */
	bool interrupted;
	GError *views_error; /* the views could not be made; the files are here */
};

void sync_report_clear(struct sync_report *report);
DEFINE_AUTO(sync_report)

enum sync_outcome {
	SYNC_FINE,
	SYNC_NO_MANIFEST, /* the error says why */
	SYNC_FAILED,	  /* something else that stopped it all, such as a full disk */
};

enum sync_outcome sync_run(const struct workspace *workspace, struct api *api,
			   const struct sync_options *options, struct sync_report *report,
			   GError **error);
