/*
 * What groups may use: a grant names a group, a type of resource and the id of one, which need not
 * exist.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define GRANTS_TABLE "table" /* resource_type of a table in the registry */

struct grant {
	const char *id, *group_id, *group_name, *resource_type, *resource_id;
	int64_t assigned_at;
	const char *assigned_by;
};
DEFINE_RECORD(grant)
extern const struct record_type grant_type;

/*
 * Ordered by the group's name, type and resource; of one type and of one group unless that is NULL.
 */
GPtrArray *grants_list(struct state *state, const char *resource_type, const char *group_id,
		       GError **error);
/* Of the groups that the user is in; ordered by type, resource and the group's name. */
GPtrArray *grants_list_of_user(struct state *state, const char *user_id, GError **error);

/* Like the next three without the name of its group. NOT_FOUND: no such grant. */
struct grant *grants_find(struct state *state, const char *id, GError **error);

/* A new grant. NOT_FOUND: no such group. CONFLICT: the group has it already. */
struct grant *grants_create(struct state *state, const char *group_id, const char *resource_type,
			    const char *resource_id, const char *assigned_by, GError **error);

/* The same within somebody's transaction, which a CONFLICT ends; a missing group is one, too. */
struct grant *grants_insert(struct duck_connection *connection, const char *group_id,
			    const char *resource_type, const char *resource_id,
			    const char *assigned_by, GError **error);

/* What it was. NOT_FOUND: no such grant. */
struct grant *grants_delete(struct state *state, const char *id, GError **error);

/* Every group's grant of a resource: how many there were, -1 on error. */
int64_t grants_delete_resource(struct state *state, const char *resource_type,
			       const char *resource_id, GError **error);
