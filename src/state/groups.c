/*
 * The table `user_groups`, and how it gets along with the foreign keys of its members and grants:
 * DuckDB checks a key against rows that the same transaction has deleted.
 */
#include "state/groups.h"

#include "base/error.h"
#include "duck/sql.h"
#include "state/id.h"
#include "state/store.h"

#include <string.h>

#define PARKING_CREATOR "system:rename" /* created_by of the group that make_parking() makes */

static const struct record_field fields[] = {
	RECORD_FIELD(struct group, id, RECORD_KEY),
	RECORD_FIELD(struct group, name, RECORD_EDITABLE),
	RECORD_FIELD(struct group, description, RECORD_EDITABLE),
	RECORD_FIELD(struct group, is_system, RECORD_PLAIN),
	RECORD_TIME(struct group, created_at, RECORD_PLAIN),
	RECORD_FIELD(struct group, created_by, RECORD_PLAIN),
};
const struct record_type group_type = RECORD_TYPE("group", "user_groups", struct group, fields);

/* The tables with a foreign key to user_groups, and what is unique in them within a group. */
static const struct {
	const char *table, *key;
} children[] = {
	{"user_group_members", "user_id"},
	{"resource_grants", "(resource_type, resource_id)"},
};

GPtrArray *groups_list(struct state *state, GError **error)
{
	return store_query(state, error, &group_type, "ORDER BY name", NULL);
}

struct group *groups_find(struct state *state, const char *id, GError **error)
{
	return store_find(state, error, &group_type, "WHERE id = ?", "s", id);
}

struct group *groups_find_by_name(struct state *state, const char *name, GError **error)
{
	return store_find(state, error, &group_type, "WHERE name = ?", "s", name);
}

static bool check_name(const char *name, GError **error)
{
	if (*name)
		return true;
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID, "a group needs a name");
	return false;
}

static struct group *create(struct duck_connection *connection, const char *name,
			    const char *description, const char *created_by, GError **error)
{
	g_autofree char *id = id_hex("", ID_HEX_MAX);
	struct group group = {.id = id,
			      .name = name,
			      .description = description,
			      .created_at = g_get_real_time(),
			      .created_by = created_by};
	return check_name(name, error) ? record_create(connection, &group_type, &group, error)
				       : NULL;
}

struct group *groups_create(struct state *state, const char *name, const char *description,
			    const char *created_by, GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error))
		return NULL;
	return create(session.connection, name, description, created_by, error);
}

struct group *groups_ensure(struct state *state, const char *name, const char *description,
			    GError **error)
{
	GError *missing = NULL;
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error))
		return NULL;
	struct group *group = record_find(session.connection, &missing, &group_type,
					  "WHERE name = ?", "s", name);
	if (group)
		return group;
	if (!g_error_matches(missing, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_propagate_error(error, missing);
		return NULL;
	}
	g_error_free(missing);
	return create(session.connection, name,
		      description ? description : "Auto-created from Google Workspace claim",
		      GROUPS_GOOGLE_CREATOR, error);
}

static bool refuse_system(const struct group *group, const char *what, GError **error)
{
	if (!group->is_system)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT, "the system group '%s' cannot be %s",
		    group->name, what);
	return false;
}

/* In one transaction, so that members and grants are always together in one of the two groups. */
static bool move_children(struct duck_connection *connection, const char *from, const char *to,
			  GError **error)
{
	g_auto(duck_transaction) transaction = {0};
	if (!duck_transaction_begin(&transaction, connection, error))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(children); i++) {
		const char *table = children[i].table, *key = children[i].key;
		g_autofree char *drop = duck_sql("DELETE FROM %I WHERE group_id = ? AND %S IN "
						 "(SELECT %S FROM %I WHERE group_id = ?)",
						 table, key, key, table);
		g_autofree char *move = duck_sql("UPDATE %I SET group_id = ? WHERE group_id = ?",
						 table);
		if (!duck_exec(connection, error, drop, "ss", from, to) ||
		    !duck_exec(connection, error, move, "ss", to, from))
			return false;
	}
	return duck_transaction_commit(&transaction, error);
}

/* A group that takes the members and grants of `id` while that one is renamed; its description says
 * whose they are. */
static struct group *make_parking(struct duck_connection *connection, const char *id,
				  GError **error)
{
	g_autofree char *name = g_strdup_printf("(being renamed: %s)", id);
	return create(connection, name, id, PARKING_CREATOR, error);
}

static bool clear_parking(struct duck_connection *connection, const struct group *parking,
			  GError **error)
{
	return move_children(connection, parking->id, parking->description, error) &&
	       record_delete(connection, error, &group_type, "WHERE id = ?", "s", parking->id);
}

bool groups_finish_renames(struct duck_connection *connection, GError **error)
{
	g_autoptr(GPtrArray) parkings = record_query(
		connection, error, &group_type,
		"WHERE created_by = ? AND description IN (SELECT id FROM user_groups)", "s",
		PARKING_CREATOR);
	for (guint i = 0; parkings && i < parkings->len; i++) {
		if (!clear_parking(connection, parkings->pdata[i], error))
			return false;
	}
	return parkings != NULL;
}

/*
 * An UPDATE of a unique column deletes and inserts the row, which the foreign keys forbid while
 * there are children, even those deleted by the same transaction. So the children move to another
 * group and back. Each step is committed; wherever it stops, everybody still has what they had, and
 * groups_finish_renames() puts the rest in order. (Dropping and making the children's tables in one
 * transaction would be simpler, but DuckDB 1.5 cannot replay that from its log after a crash.)
 */
static bool rename_group(struct duck_connection *connection, const struct group *group,
			 const char *const *columns, GError **error)
{
	g_autoptr(GError) left = NULL;
	g_autoptr(group_record) parking = make_parking(connection, group->id, error);
	if (!parking)
		return false;
	bool renamed = move_children(connection, group->id, parking->id, error) &&
		       record_update(connection, &group_type, group, columns, error);
	if (!clear_parking(connection, parking, &left))
		g_warning("group %s: the rest of a rename is put off: %s", group->id,
			  left->message);
	return renamed;
}

/* The group as it is, once nothing is left of an earlier rename. */
static struct group *find_to_change(struct duck_connection *connection, const char *id,
				    GError **error)
{
	if (!groups_finish_renames(connection, error))
		return NULL;
	return record_find(connection, error, &group_type, "WHERE id = ?", "s", id);
}

bool groups_update(struct state *state, const char *id, const char *name, const char *description,
		   GError **error)
{
	const char *columns[3] = {NULL};
	size_t count = 0;
	struct group values = {.id = id, .name = name, .description = description};
	g_auto(state_session) session = {0};
	if ((name && !check_name(name, error)) ||
	    !state_session_begin(&session, state, STATE_WRITE, error))
		return false;
	g_autoptr(group_record) group = find_to_change(session.connection, id, error);
	if (!group)
		return false;
	if (description)
		columns[count++] = "description";
	if (!name || strcmp(name, group->name) == 0)
		return record_update(session.connection, &group_type, &values, columns, error);
	columns[count++] = "name";
	return refuse_system(group, "renamed", error) &&
	       rename_group(session.connection, &values, columns, error);
}

static bool delete_children(struct duck_connection *connection, const char *id, GError **error)
{
	g_auto(duck_transaction) transaction = {0};
	if (!duck_transaction_begin(&transaction, connection, error))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(children); i++) {
		g_autofree char *sql = duck_sql("DELETE FROM %I WHERE group_id = ?",
						children[i].table);
		if (!duck_exec(connection, error, sql, "s", id))
			return false;
	}
	return duck_transaction_commit(&transaction, error);
}

bool groups_delete(struct state *state, const char *id, GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error))
		return false;
	g_autoptr(group_record) group = find_to_change(session.connection, id, error);
	return group && refuse_system(group, "deleted", error) &&
	       delete_children(session.connection, id, error) &&
	       record_delete(session.connection, error, &group_type, "WHERE id = ?", "s", id);
}
