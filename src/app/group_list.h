/* The groups of a picture of the directory, as lists of them show them. */
#pragma once

#include "state/directory.h"
#include "state/group_members.h"

#include <glib.h>
#include <jansson.h>

/* All of them, by name, as `describe` shows a group with so many members. */
json_t *group_list_describe(const struct directory *directory,
			    json_t *(*describe)(const struct directory_group *group, int members));

/* A user's place in a group, as answers about the user show it. */
json_t *group_list_membership(const struct membership *row);

/* How many users are in each group: id → GINT_TO_POINTER(count); without an entry none. */
GHashTable *group_list_count_members(const struct directory *directory);
