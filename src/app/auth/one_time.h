/*
 * One-time links: a random token goes to the user, its hash, bound to one purpose, to the state.
 * Tokens in clear text that older versions left are accepted for what they were made for.
 */
#pragma once

#include "app/app.h"
#include "state/users.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum one_time_purpose { ONE_TIME_SETUP, ONE_TIME_RESET, ONE_TIME_LOGIN, ONE_TIME_PURPOSES };

/* A new token for the user, which replaces an earlier one of the same slot. g_free() it. */
char *one_time_issue(struct app *app, const char *user_id, enum one_time_purpose purpose,
		     GError **error);

/*
 * Uses a token up, once, and sets the password unless `password_hash` is NULL. NOT_FOUND: it is
 * wrong, too old, used, of another purpose, or its user is deactivated.
 */
bool one_time_redeem(struct app *app, const char *email, const char *token,
		     enum one_time_purpose purpose, const char *password_hash, GError **error);

/* Whether it is the user's token of that purpose, and not too old; it stays usable. */
bool one_time_holds(const struct user *user, const char *token, enum one_time_purpose purpose);

/* Forgets whatever tokens the user still has. */
bool one_time_forget(struct app *app, const char *user_id, GError **error);
