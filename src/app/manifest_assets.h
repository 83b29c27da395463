/*
 * What a manifest tells beside the tables: in which version the server has the documentation and
 * the profiles that clients of the first version fetch. A thread looks at the files now and then,
 * so that nobody who asks for a manifest waits for the disk.
 */
#pragma once

#include "base/cleanup.h"

#include <jansson.h>

struct manifest_assets;

/* Has looked once when it returns. */
struct manifest_assets *manifest_assets_new(const char *data_dir);
void manifest_assets_free(struct manifest_assets *assets);
DEFINE_AUTOPTR(manifest_assets)

/* The last look: {name: {hash}}, a reference of the caller's own, another object after a change. */
json_t *manifest_assets_get(struct manifest_assets *assets);
/* Looks now. */
void manifest_assets_look(struct manifest_assets *assets);
