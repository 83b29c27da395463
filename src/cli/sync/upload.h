/* `da sync --upload-only`: transcripts of sessions and personal notes go to the server. */
#pragma once

#include "base/json.h"
#include "cli/api.h"
#include "cli/workspace/workspace.h"

#include <stdbool.h>
#include <stddef.h>

struct upload_report {
	size_t sessions; /* that are on the server now, those sent before not counted */
	bool notes;
};

/* What there is: {"sessions": [path…], "local_md": path or null}. */
json_t *upload_list(const struct workspace *workspace);

/*
 * Sends what has changed since it was sent last, which a file in the folder of the settings
 * remembers. Failures are told on standard error.
 */
void upload_all(const struct workspace *workspace, struct api *api, struct upload_report *report);
