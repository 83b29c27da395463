/* The table `resource_grants`. */
#include "state/grants.h"

#include "base/error.h"
#include "state/groups.h"
#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct grant, id, RECORD_KEY),
	RECORD_FIELD(struct grant, group_id, RECORD_PLAIN),
	RECORD_FIELD(struct grant, resource_type, RECORD_PLAIN),
	RECORD_FIELD(struct grant, resource_id, RECORD_PLAIN),
	RECORD_TIME(struct grant, assigned_at, RECORD_PLAIN),
	RECORD_FIELD(struct grant, assigned_by, RECORD_PLAIN),
	RECORD_FIELD(struct grant, group_name, RECORD_PLAIN), /* joined: last, see row_type */
};
const struct record_type grant_type = RECORD_TYPE(
	"grant",
	"(SELECT r.*, g.name AS group_name FROM resource_grants r "
	"JOIN user_groups g ON g.id = r.group_id)",
	struct grant, fields);

/* The table alone: with the join, to find a grant by its id takes three times as long. */
static const struct record_type row_type = RECORD_TYPE_WITHOUT_LAST("grant", "resource_grants",
								    struct grant, fields);

GPtrArray *grants_list(struct state *state, const char *resource_type, const char *group_id,
		       GError **error)
{
	return store_query(state, error, &grant_type,
			   "WHERE resource_type = coalesce(?, resource_type) "
			   "AND group_id = coalesce(?, group_id) "
			   "ORDER BY group_name, resource_type, resource_id",
			   "ss", resource_type, group_id);
}

GPtrArray *grants_list_of_user(struct state *state, const char *user_id, GError **error)
{
	return store_query(state, error, &grant_type,
			   "WHERE group_id IN (SELECT group_id FROM user_group_members "
			   "WHERE user_id = ?) ORDER BY resource_type, resource_id, group_name",
			   "s", user_id);
}

struct grant *grants_find(struct state *state, const char *id, GError **error)
{
	return store_find(state, error, &row_type, "WHERE id = ?", "s", id);
}

struct grant *grants_insert(struct duck_connection *connection, const char *group_id,
			    const char *resource_type, const char *resource_id,
			    const char *assigned_by, GError **error)
{
	g_autofree char *id = g_uuid_string_random();
	struct grant grant = {.id = id,
			      .group_id = group_id,
			      .resource_type = resource_type,
			      .resource_id = resource_id,
			      .assigned_at = g_get_real_time(),
			      .assigned_by = assigned_by};
	return record_insert(connection, &row_type, &grant, error) ? record_copy(&row_type, &grant)
								   : NULL;
}

/*
 * Takes the problem over. A missing group breaks a constraint just as a second grant of the same
 * does. To look for it only then keeps a new grant at one statement.
 */
static void explain_conflict(struct duck_connection *connection, const char *group_id,
			     GError *problem, GError **error)
{
	if (g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_CONFLICT)) {
		g_autoptr(group_record) group = record_find(connection, error, &group_type,
							    "WHERE id = ?", "s", group_id);
		if (!group) {
			g_error_free(problem);
			return;
		}
	}
	g_propagate_error(error, problem);
}

struct grant *grants_create(struct state *state, const char *group_id, const char *resource_type,
			    const char *resource_id, const char *assigned_by, GError **error)
{
	GError *problem = NULL;
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error))
		return NULL;
	struct grant *grant = grants_insert(session.connection, group_id, resource_type,
					    resource_id, assigned_by, &problem);
	if (!grant)
		explain_conflict(session.connection, group_id, problem, error);
	return grant;
}

struct grant *grants_delete(struct state *state, const char *id, GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error))
		return NULL;
	return record_take(session.connection, error, &row_type, "WHERE id = ?", "s", id);
}

int64_t grants_delete_resource(struct state *state, const char *resource_type,
			       const char *resource_id, GError **error)
{
	return store_change(state, error,
			    "DELETE FROM resource_grants WHERE resource_type = ? "
			    "AND resource_id = ?",
			    "ss", resource_type, resource_id);
}
