/*
 * The users. E-mail addresses are compared byte for byte. Whatever would leave the instance without
 * an active human administrator is refused with CONFLICT.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The account that the scheduler service acts as; it does not count as a human. */
#define USERS_SCHEDULER_EMAIL "scheduler@system.local"

struct user {
	const char *id, *email, *name, *password_hash;
	const char *setup_token;
	int64_t setup_token_created;
	const char *reset_token;
	int64_t reset_token_created;
	enum record_flag active; /* unset only in data made by hand */
	int64_t deactivated_at;
	const char *deactivated_by;
	int64_t created_at, updated_at;
};
DEFINE_RECORD(user)
extern const struct record_type user_type;

/* NOT_FOUND when there is no such user. */
struct user *users_find(struct state *state, const char *id, GError **error);
struct user *users_find_by_email(struct state *state, const char *email, GError **error);

/* Ordered by e-mail. */
GPtrArray *users_list(struct state *state, GError **error);

/*
 * Makes a user without memberships and returns it. The times are set here; an id is made unless one
 * is given; `active` is true unless it says otherwise. CONFLICT: the e-mail or the id is taken.
 */
struct user *users_create(struct state *state, const struct user *values, GError **error);

/*
 * Changes the named columns of the user with the id of `values`. Every column but the id and the
 * times of creation and update may be named; without a name nothing is written.
 */
bool users_update(struct state *state, const struct user *values, const char *const *columns,
		  GError **error);

/* Deletes the memberships and the user. Tokens, votes, settings and links stay behind. */
bool users_delete(struct state *state, const char *id, GError **error);

enum user_token { USER_SETUP_TOKEN, USER_RESET_TOKEN };

/*
 * Uses up a one-time token of an active user, made at `not_before` or later, and sets the password
 * unless `password_hash` is NULL: one statement, so that a token works once. NOT_FOUND: no such
 * token, too old, or used.
 */
bool users_redeem_token(struct state *state, enum user_token kind, const char *email,
			const char *token, int64_t not_before, const char *password_hash,
			GError **error);

/* How many users are members of the group Admin, the scheduler included; -1 on error. */
int64_t users_count_admins(struct state *state, bool active_only, GError **error);

/* CONFLICT if this user is the last active human administrator. */
bool users_check_not_last_admin(struct duck_connection *connection, const char *id, GError **error);
