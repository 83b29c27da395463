/* The table `user_group_members`. */
#include "state/group_members.h"

#include "base/error.h"
#include "state/groups.h"
#include "state/store.h"
#include "state/users.h"

static const char *const sources[] = {
	[MEMBER_ADMIN] = "admin",      [MEMBER_GOOGLE] = "google_sync",
	[MEMBER_SEED] = "system_seed", [MEMBER_BREAK_GLASS] = "cli_break_glass",
	[MEMBER_ANY_SOURCE] = NULL,
};

static const struct record_field fields[] = {
	RECORD_FIELD(struct membership, user_id, RECORD_KEY),
	RECORD_FIELD(struct membership, email, RECORD_PLAIN),
	RECORD_FIELD(struct membership, user_name, RECORD_PLAIN),
	RECORD_FIELD(struct membership, active, RECORD_PLAIN),
	RECORD_FIELD(struct membership, group_id, RECORD_KEY),
	RECORD_FIELD(struct membership, group_name, RECORD_PLAIN),
	RECORD_FIELD(struct membership, is_system, RECORD_PLAIN),
	RECORD_FIELD(struct membership, group_created_by, RECORD_PLAIN),
	RECORD_FIELD(struct membership, source, RECORD_PLAIN),
	RECORD_TIME(struct membership, added_at, RECORD_PLAIN),
	RECORD_FIELD(struct membership, added_by, RECORD_PLAIN),
};
const struct record_type membership_type = RECORD_TYPE(
	"membership",
	"(SELECT m.*, u.email, u.name AS user_name, u.active, g.name AS group_name, "
	"g.is_system, g.created_by AS group_created_by FROM user_group_members m "
	"JOIN users u ON u.id = m.user_id JOIN user_groups g ON g.id = m.group_id)",
	struct membership, fields);

const char *member_source_name(enum member_source source)
{
	return sources[source];
}

GPtrArray *group_members_of_group(struct state *state, const char *group_id, GError **error)
{
	return store_query(state, error, &membership_type, "WHERE group_id = ? ORDER BY email", "s",
			   group_id);
}

GPtrArray *group_members_of_user(struct state *state, const char *user_id, GError **error)
{
	return store_query(state, error, &membership_type,
			   "WHERE user_id = ? ORDER BY coalesce(is_system, FALSE) DESC, group_name",
			   "s", user_id);
}

GPtrArray *group_members_list(struct state *state, GError **error)
{
	return store_query(state, error, &membership_type, "ORDER BY user_id, group_id", NULL);
}

GHashTable *group_members_by_user(const GPtrArray *memberships)
{
	GHashTable *index = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
						  (GDestroyNotify)g_ptr_array_unref);
	for (guint i = 0; i < memberships->len; i++) {
		struct membership *row = memberships->pdata[i];
		GPtrArray *own = g_hash_table_lookup(index, row->user_id);
		if (!own) {
			own = g_ptr_array_new();
			g_hash_table_insert(index, (gpointer)row->user_id, own);
		}
		g_ptr_array_add(own, row);
	}
	return index;
}

/* Whether the group exists; `is_admin` may be NULL. */
static bool check_group(struct duck_connection *connection, const char *id, bool *is_admin,
			GError **error)
{
	g_autoptr(group_record)
		group = record_find(connection, error, &group_type, "WHERE id = ?", "s", id);
	if (group && is_admin)
		*is_admin = g_str_equal(group->name, GROUPS_ADMIN);
	return group != NULL;
}

bool group_members_insert(struct duck_connection *connection, const char *user_id,
			  const char *group_id, enum member_source source, const char *added_by,
			  bool *added, GError **error)
{
	if (!check_group(connection, group_id, NULL, error))
		return false;
	int64_t changed = duck_change(
		connection, error,
		"INSERT INTO user_group_members (user_id, group_id, source, added_at, added_by) "
		"VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		"sssts", user_id, group_id, sources[source], g_get_real_time(), added_by);
	if (added)
		*added = changed > 0;
	return changed >= 0;
}

bool group_members_add(struct state *state, const char *user_id, const char *group_id,
		       enum member_source source, const char *added_by, bool *added, GError **error)
{
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       group_members_insert(session.connection, user_id, group_id, source, added_by, added,
				    error);
}

static bool remove_row(struct duck_connection *connection, const char *user_id,
		       const char *group_id, enum member_source source, GError **error)
{
	int64_t changed = duck_change(connection, error,
				      "DELETE FROM user_group_members WHERE user_id = ? "
				      "AND group_id = ? AND source = coalesce(?, source)",
				      "sss", user_id, group_id, sources[source]);
	if (changed == 0)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND, "no such %s",
			    membership_type.noun);
	return changed > 0;
}

bool group_members_remove(struct state *state, const char *user_id, const char *group_id,
			  enum member_source source, GError **error)
{
	bool is_admin;
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       check_group(session.connection, group_id, &is_admin, error) &&
	       (!is_admin || users_check_not_last_admin(session.connection, user_id, error)) &&
	       remove_row(session.connection, user_id, group_id, source, error);
}

bool group_members_set_google(struct state *state, const char *user_id, char **group_ids,
			      GError **error)
{
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error) ||
	    !duck_transaction_begin(&transaction, session.connection, error))
		return false;
	/* Rows that stay are not touched: most sign-ins change nothing and so write nothing. */
	return duck_exec(session.connection, error,
			 "DELETE FROM user_group_members WHERE user_id = ? AND source = ? "
			 "AND NOT list_contains(?::VARCHAR[], group_id)",
			 "ssa", user_id, sources[MEMBER_GOOGLE], group_ids) &&
	       duck_exec(session.connection, error,
			 "INSERT INTO user_group_members "
			 "(user_id, group_id, source, added_at, added_by) "
			 "SELECT ?, id, ?, ?, ? FROM user_groups "
			 "WHERE list_contains(?::VARCHAR[], id) ON CONFLICT DO NOTHING",
			 "sstsa", user_id, sources[MEMBER_GOOGLE], g_get_real_time(),
			 GROUPS_GOOGLE_CREATOR, group_ids) &&
	       duck_transaction_commit(&transaction, error);
}
