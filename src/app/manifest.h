/*
 * The manifest: which tables a caller may read, in which version. Callers whose groups are the same
 * get the same manifest, so it is made once for each set of groups and kept until something
 * changes.
 */
#pragma once

#include "base/cleanup.h"
#include "engine/edition.h"
#include "state/directory.h"

#include <glib.h>
#include <stdbool.h>

struct manifests;

struct manifests *manifests_new(const char *data_dir);
void manifests_free(struct manifests *manifests);
DEFINE_AUTOPTR(manifests)

struct manifest {
	GBytes *body; /* JSON, with the time at which it was last asked for, to the second */
	char *etag;   /* of everything but that time */
};
void manifest_clear(struct manifest *manifest);
DEFINE_AUTO(manifest)

/* The manifest of a user. Any thread. */
void manifests_get(struct manifests *manifests, const struct directory *directory,
		   const struct directory_user *user, const struct edition *edition,
		   struct manifest *manifest);
