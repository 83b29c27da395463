/* Origins of groups. */
#include "app/group_origin.h"

#include <string.h>

static const struct {
	const char *group, *variable;
} mappings[] = {
	{GROUPS_ADMIN, "AGNES_GROUP_ADMIN_EMAIL"},
	{GROUPS_EVERYONE, "AGNES_GROUP_EVERYONE_EMAIL"},
};

/* The address mapped to the system group of that name, or NULL. */
static const char *mapped(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(mappings); i++) {
		const char *value = g_getenv(mappings[i].variable);
		if (strcmp(name, mappings[i].group) == 0 && value && *value)
			return value;
	}
	return NULL;
}

const char *group_origin(const char *name, bool is_system, const char *created_by)
{
	if (is_system)
		return mapped(name) ? "google_sync" : "system";
	if (created_by && g_str_has_prefix(created_by, "system:google"))
		return "google_sync";
	return created_by && g_str_has_prefix(created_by, "system:") ? "system" : "custom";
}

bool group_is_google_managed(const struct group *group)
{
	return g_strcmp0(group->created_by, GROUPS_GOOGLE_CREATOR) == 0 ||
	       group_mapped_email(group) != NULL;
}

const char *group_mapped_email(const struct group *group)
{
	return group->is_system ? mapped(group->name) : NULL;
}

static bool is_sso(const struct membership *membership)
{
	if (g_strcmp0(membership->group_created_by, GROUPS_GOOGLE_CREATOR) == 0)
		return true;
	return membership->is_system && mapped(membership->group_name) &&
	       g_strcmp0(membership->source, member_source_name(MEMBER_GOOGLE)) == 0;
}

bool group_memberships_are_sso(const GPtrArray *memberships)
{
	for (guint i = 0; i < memberships->len; i++) {
		if (is_sso(memberships->pdata[i]))
			return true;
	}
	return false;
}
