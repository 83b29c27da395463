/* From a scan on the server to a snapshot; for `da fetch` and `da snapshot refresh`. */
#pragma once

#include "base/json.h"
#include "cli/api.h"
#include "cli/command.h"
#include "cli/workspace/workspace.h"

#include <stdbool.h>

struct scan {
	struct invocation *invocation;
	const struct workspace *workspace;
	json_t *request;     /* of POST /api/v2/scan */
	json_t *sidecar;     /* of the snapshot; what is measured is set here */
	const char *failure; /* and codes: see struct api_call */
	enum api_codes codes;
	bool replaces; /* a snapshot of that name */
};

/*
 * Asks the server, and installs what comes. Returns the exit code; EXIT_CODE_EXISTS if there is
 * such a snapshot by now. Messages go to standard error.
 */
int scan_run(const struct scan *scan);

/* EXIT_CODE_USAGE, with a message, if the name belongs to something else in the database. */
int scan_check_name(const struct workspace *workspace, const char *name);
