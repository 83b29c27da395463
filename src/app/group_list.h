/* The groups of a picture of the directory, as lists of them show them. */
#pragma once

#include "state/directory.h"

#include <glib.h>

/* Of struct directory_group, by name; borrowed from the picture. */
GPtrArray *group_list(const struct directory *directory);

/* How many users are in each group: id → GINT_TO_POINTER(count); without an entry none. */
GHashTable *group_list_count_members(const struct directory *directory);
