/*
 * Where groups come from: made here, by the system, or in Google Workspace, which then alone may
 * change them. Derived from who created a group and from the mapping in the environment.
 */
#pragma once

#include "state/group_members.h"
#include "state/groups.h"

#include <glib.h>
#include <stdbool.h>

/* "custom", "system" or "google_sync". The three members of a group that it depends on are given.
 */
const char *group_origin(const char *name, bool is_system, const char *created_by);

bool group_is_google_managed(const struct group *group);

/* The address that is mapped to this system group, or NULL. */
const char *group_mapped_email(const struct group *group);

/* Whether one of a user's memberships comes from the single sign-on. */
bool group_memberships_are_sso(const GPtrArray *memberships);
