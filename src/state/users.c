/* The table `users`. */
#include "state/users.h"

#include "base/error.h"
#include "duck/sql.h"
#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct user, id, RECORD_KEY),
	RECORD_FIELD(struct user, email, RECORD_EDITABLE),
	RECORD_FIELD(struct user, name, RECORD_EDITABLE),
	RECORD_FIELD(struct user, password_hash, RECORD_EDITABLE),
	RECORD_FIELD(struct user, setup_token, RECORD_EDITABLE),
	RECORD_TIME(struct user, setup_token_created, RECORD_EDITABLE),
	RECORD_FIELD(struct user, reset_token, RECORD_EDITABLE),
	RECORD_TIME(struct user, reset_token_created, RECORD_EDITABLE),
	RECORD_FIELD(struct user, active, RECORD_EDITABLE),
	RECORD_TIME(struct user, deactivated_at, RECORD_EDITABLE),
	RECORD_FIELD(struct user, deactivated_by, RECORD_EDITABLE),
	RECORD_TIME(struct user, created_at, RECORD_KEPT),
	RECORD_TIME(struct user, updated_at, RECORD_TOUCHED),
};
const struct record_type user_type = RECORD_TYPE("user", "users", struct user, fields);

struct user *users_find(struct state *state, const char *id, GError **error)
{
	return store_find(state, error, &user_type, "WHERE id = ?", "s", id);
}

struct user *users_find_by_email(struct state *state, const char *email, GError **error)
{
	return store_find(state, error, &user_type, "WHERE email = ?", "s", email);
}

GPtrArray *users_list(struct state *state, GError **error)
{
	return store_query(state, error, &user_type, "ORDER BY email", NULL);
}

struct user *users_create(struct state *state, const struct user *values, GError **error)
{
	g_autofree char *id = g_uuid_string_random();
	struct user new_user = *values;
	if (!new_user.id)
		new_user.id = id;
	if (new_user.active == RECORD_UNSET)
		new_user.active = RECORD_TRUE;
	new_user.created_at = new_user.updated_at = g_get_real_time();
	return store_create(state, &user_type, &new_user, error);
}

bool users_check_not_last_admin(struct duck_connection *connection, const char *id, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		connection, error,
		"SELECT count(*) FILTER (u.id = ?) = 1 AND count(*) = 1 FROM users u "
		"WHERE coalesce(u.active, TRUE) AND u.email <> ? AND u.id IN (SELECT m.user_id "
		"FROM user_group_members m JOIN user_groups g ON g.id = m.group_id "
		"WHERE g.name = 'Admin')",
		"ss", id, USERS_SCHEDULER_EMAIL);
	if (!rows)
		return false;
	if (!duck_rows_next(rows) || !duck_rows_bool(rows, 0))
		return true;
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
			    "this is the last active administrator; make another user one first");
	return false;
}

bool users_update(struct state *state, const struct user *values, const char *const *columns,
		  GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error))
		return false;
	if (g_strv_contains(columns, "active") && values->active == RECORD_FALSE &&
	    !users_check_not_last_admin(session.connection, values->id, error))
		return false;
	return record_update(session.connection, &user_type, values, columns, error);
}

bool users_delete(struct state *state, const char *id, GError **error)
{
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error) ||
	    !users_check_not_last_admin(session.connection, id, error) ||
	    !duck_transaction_begin(&transaction, session.connection, error) ||
	    !duck_exec(session.connection, error,
		       "DELETE FROM user_group_members WHERE user_id = ?", "s", id))
		return false;
	return record_delete(session.connection, error, &user_type, "WHERE id = ?", "s", id) &&
	       duck_transaction_commit(&transaction, error);
}

bool users_redeem_token(struct state *state, enum user_token kind, const char *email,
			const char *token, int64_t not_before, const char *password_hash,
			GError **error)
{
	const char *column = kind == USER_SETUP_TOKEN ? "setup_token" : "reset_token";
	const char *created = kind == USER_SETUP_TOKEN ? "setup_token_created"
						       : "reset_token_created";
	g_autofree char *sql = duck_sql(
		"UPDATE users SET %I = NULL, %I = NULL, password_hash = coalesce(?, password_hash), "
		"updated_at = ? WHERE email = ? AND %I = ? AND %I >= ? AND active",
		column, created, column, created);
	int64_t changed = store_change(state, error, sql, "stsst", password_hash, g_get_real_time(),
				       email, token, not_before);
	if (changed == 0)
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND,
				    "the one-time token is not valid any more");
	return changed > 0;
}

int64_t users_count_admins(struct state *state, bool active_only, GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_READ, error))
		return -1;
	g_autoptr(duck_rows) rows = duck_query(
		session.connection, error,
		"SELECT count(DISTINCT u.id) FROM users u JOIN user_group_members m "
		"ON m.user_id = u.id JOIN user_groups g ON g.id = m.group_id "
		"WHERE g.name = 'Admin' AND (NOT ? OR coalesce(u.active, TRUE))",
		"b", active_only);
	return rows && duck_rows_next(rows) ? duck_rows_int(rows, 0) : -1;
}
