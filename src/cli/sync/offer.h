/* Asking the server for its manifest, of which a copy is kept for the answer "not modified". */
#pragma once

#include "cli/api.h"
#include "cli/sync/manifest.h"
#include "cli/workspace/workspace.h"

/* `keep`: the copy may be replaced. The message is fit for "Failed to fetch manifest: %s". */
struct sync_manifest *sync_offer_fetch(struct api *api, const struct workspace *workspace,
				       bool keep, GError **error);
