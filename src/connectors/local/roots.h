/* The folders that tables may come from, as the configuration allows them. */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/* A folder of the configuration, open. */
struct local_root {
	char *name;
	char *path;
	int fd;
};
void local_root_free(struct local_root *root);
DEFINE_AUTOPTR(local_root)

/*
 * The setting `roots` as an object: the name of each, which is the last part of its path, to the
 * absolute path. CONFLICT: two of one name.
 */
json_t *local_roots(const json_t *settings, const char *data_dir, GError **error);

/* Opens one of them. */
struct local_root *local_root_open(const char *name, const json_t *path, GError **error);

/*
 * Opens the root that a table's bucket names: "inbox", or "inbox/2026" for a folder in it; NULL
 * stands for the only root. *rest is that folder, "" if the bucket is the root itself.
 */
struct local_root *local_root_of_bucket(const json_t *settings, const char *data_dir,
					const char *bucket, char **rest, GError **error);
