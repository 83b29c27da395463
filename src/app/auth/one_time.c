/* Issuing and redeeming one-time tokens. */
#include "app/auth/one_time.h"

#include "app/auth/secret.h"
#include "base/error.h"

enum { TOKEN_BYTES = 32 };

static const struct {
	const char
		*word; /* in the stored value, so that a token of one purpose is none of another */
	enum user_token slot;
	int64_t hours;
} purposes[ONE_TIME_PURPOSES] = {
	[ONE_TIME_SETUP] = {"setup", USER_SETUP_TOKEN, INT64_C(7) * 24},
	[ONE_TIME_RESET] = {"reset", USER_RESET_TOKEN, 24},
	[ONE_TIME_LOGIN] = {"login", USER_RESET_TOKEN, 1},
};

static char *stored_form(enum one_time_purpose purpose, const char *token)
{
	g_autofree char *hash = secret_hash(token);
	return g_strconcat(purposes[purpose].word, ":sha256:", hash, NULL);
}

char *one_time_issue(struct app *app, const char *user_id, enum one_time_purpose purpose,
		     GError **error)
{
	static const char *const setup_columns[] = {"setup_token", "setup_token_created", NULL};
	static const char *const reset_columns[] = {"reset_token", "reset_token_created", NULL};
	g_autofree char *token = secret_random_text(TOKEN_BYTES);
	g_autofree char *stored = stored_form(purpose, token);
	struct user values;
	record_init(&user_type, &values);
	values.id = user_id;
	values.setup_token = values.reset_token = stored;
	values.setup_token_created = values.reset_token_created = g_get_real_time();
	bool setup = purposes[purpose].slot == USER_SETUP_TOKEN;
	if (!users_update(app->state, &values, setup ? setup_columns : reset_columns, error))
		return NULL;
	return g_steal_pointer(&token);
}

/* A token that looks like our stored form is none: who reads the database must not be able to use
 * it. */
static bool is_stored_form(const char *token)
{
	for (size_t i = 0; i < G_N_ELEMENTS(purposes); i++) {
		if (g_str_has_prefix(token, purposes[i].word) && token[5] == ':')
			return true;
	}
	return g_str_has_prefix(token, "CONSUMED:");
}

static int64_t oldest_of(enum one_time_purpose purpose)
{
	return g_get_real_time() - purposes[purpose].hours * 3600 * G_USEC_PER_SEC;
}

bool one_time_holds(const struct user *user, const char *token, enum one_time_purpose purpose)
{
	bool setup = purposes[purpose].slot == USER_SETUP_TOKEN;
	const char *stored = setup ? user->setup_token : user->reset_token;
	int64_t created = setup ? user->setup_token_created : user->reset_token_created;
	g_autofree char *expected = stored_form(purpose, token);
	if (!stored || created == DUCK_NO_TIME || created < oldest_of(purpose))
		return false;
	return secret_equal(stored, expected) ||
	       (!is_stored_form(token) && secret_equal(stored, token));
}

bool one_time_redeem(struct app *app, const char *email, const char *token,
		     enum one_time_purpose purpose, const char *password_hash, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autofree char *stored = stored_form(purpose, token);
	enum user_token slot = purposes[purpose].slot;
	int64_t oldest = oldest_of(purpose);
	if (users_redeem_token(app->state, slot, email, stored, oldest, password_hash, &problem))
		return true;
	if (g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_NOT_FOUND) && !is_stored_form(token))
		return users_redeem_token(app->state, slot, email, token, oldest, password_hash,
					  error);
	g_propagate_error(error, g_steal_pointer(&problem));
	return false;
}

bool one_time_forget(struct app *app, const char *user_id, GError **error)
{
	struct user values;
	record_init(&user_type, &values);
	values.id = user_id;
	return users_update(app->state, &values,
			    (const char *[]){"setup_token", "setup_token_created", "reset_token",
					     "reset_token_created", NULL},
			    error);
}
