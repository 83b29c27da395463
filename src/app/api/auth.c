/* POST /auth/token, /auth/bootstrap and /auth/logout: sessions by e-mail and password. */
#include "app/app.h"
#include "app/audit.h"
#include "app/auth/password.h"
#include "app/auth/secret.h"
#include "app/auth/sign_in.h"
#include "app/email.h"
#include "app/routes.h"
#include "base/error.h"
#include "state/group_members.h"
#include "state/groups.h"
#include "state/session_epochs.h"
#include "state/users.h"

#include <string.h>

static struct http_response *grant_session(struct http_request *request, const struct user *user,
					   bool is_admin)
{
	g_autofree char *token = sign_in_session(app_of(request), user);
	return http_json(200, json_pack("{ss ss ss ss ss}", "access_token", token, "token_type",
					"bearer", "user_id", user->id, "email", user->email, "role",
					is_admin ? "admin" : "user"));
}

/* --- sign in --- */

/* Checks the password of a user who has one; NULL if it is right. */
static struct http_response *refuse_password(struct http_request *request, const struct user *user,
					     const char *password)
{
	bool matches;
	g_autoptr(GError) error = NULL;
	if (!password_verify(user->password_hash, password, &matches, &error)) {
		if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_BUSY))
			return http_refuse_error(request, g_steal_pointer(&error));
		g_warning("user %s: %s", user->id, error->message);
		return http_refuse(500, "Internal server error");
	}
	if (matches)
		return NULL;
	audit_sign_in(request, "login_failed", user->id, "invalid_password");
	return http_refuse(401, "Invalid password");
}

static struct http_response *refuse_unknown(struct http_request *request, const char *password)
{
	GError *error = NULL;
	/* The same words and as much work as for a wrong password: neither tells who exists. */
	if (!password_verify_nothing(password, &error))
		return http_refuse_error(request, error);
	return http_refuse(401, "Invalid password");
}

static struct http_response *create_token(struct http_request *request)
{
	const char *email = http_request_text(request, "email");
	const char *password = http_request_text(request, "password");
	const struct directory_user *user = directory_user_by_email(caller_of(request)->directory,
								    email);
	struct http_response *refusal = sign_in_limit(request, email);
	if (refusal)
		return refusal;
	if (user && !user->row->password_hash)
		return http_refuse(401, "This account uses external authentication. Please log in "
					"via your configured provider.");
	if (!*password)
		return http_refuse(401, "Password required");
	if (!user)
		return refuse_unknown(request, password);
	refusal = refuse_password(request, user->row, password);
	if (refusal)
		return refusal;
	if (user->row->active != RECORD_TRUE) {
		audit_sign_in(request, "login_failed", user->row->id, "deactivated");
		return http_refuse(401, "Account deactivated");
	}
	sign_in_forgive(request, email);
	audit_sign_in(request, "token_created", user->row->id, NULL);
	return grant_session(request, user->row, user->is_admin);
}

/* --- the first administrator --- */

/* Who sits at the machine may, and who read the code from its console. */
static bool may_bootstrap(const struct http_request *request)
{
	const char *expected = app_of(request)->bootstrap_code;
	const char *given = http_request_text(request, "code");
	return http_request_is_local(request) ||
	       (expected && given && secret_equal(expected, given));
}

static bool set_password(struct app *app, const struct user *user, const char *hash, GError **error)
{
	struct user values;
	record_init(&user_type, &values);
	values.id = user->id;
	values.password_hash = hash;
	return users_update(app->state, &values, (const char *[]){"password_hash", NULL}, error);
}

static struct user *create_administrator(struct app *app, const struct http_request *request,
					 const char *hash, GError **error)
{
	const char *email = http_request_text(request, "email");
	const char *name = http_request_text(request, "name");
	g_autofree char *local_part = g_strndup(email, strcspn(email, "@"));
	g_autofree char *wrong = email_check(http_request_value(request, "email"));
	if (wrong) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID, wrong);
		return NULL;
	}
	struct user values;
	record_init(&user_type, &values);
	values.email = email;
	values.name = *name ? name : local_part;
	values.password_hash = hash;
	return users_create(app->state, &values, error);
}

/* The user of that e-mail with the password set, new or as it was. */
static struct user *ensure_administrator(struct app *app, const struct http_request *request,
					 const char *hash, const char **action, GError **error)
{
	GError *problem = NULL;
	g_autoptr(user_record) user = users_find_by_email(
		app->state, http_request_text(request, "email"), &problem);
	*action = user ? "bootstrap_activated_seed" : "bootstrap_completed";
	if (!user && !g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_propagate_error(error, problem);
		return NULL;
	}
	g_clear_error(&problem);
	if (!user)
		return create_administrator(app, request, hash, error);
	/* With a password, but unable to sign in, it would close this door for good. */
	if (user->active == RECORD_FALSE) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_DENIED, "Account deactivated");
		return NULL;
	}
	return set_password(app, user, hash, error) ? g_steal_pointer(&user) : NULL;
}

static struct http_response *make_administrator(struct http_request *request, const char *hash)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	const char *action;
	g_autoptr(user_record) user = ensure_administrator(app, request, hash, &action, &error);
	g_autoptr(group_record) admin = user ? groups_find_by_name(app->state, GROUPS_ADMIN, &error)
					     : NULL;
	if (!admin ||
	    !group_members_add(app->state, user->id, admin->id, MEMBER_SEED, "auth.bootstrap", NULL,
			       &error) ||
	    !directory_reload_user(app->directory, user->id, &error))
		return http_refuse_error(request, error);
	audit_sign_in(request, action, user->id, NULL);
	return grant_session(request, user, true);
}

static struct http_response *bootstrap(struct http_request *request)
{
	static GMutex one_at_a_time;
	struct app *app = app_of(request);
	const char *password = http_request_text(request, "password");
	GError *error = NULL;
	struct http_response *refusal = sign_in_limit(request, NULL);
	if (refusal)
		return refusal;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&one_at_a_time);
	g_autoptr(directory_view) now = directory_store_get(app->directory);
	if (now->has_password)
		return http_refuse(403, "Bootstrap disabled — a user with a password already "
					"exists. Use /auth/password/login.");
	if (!may_bootstrap(request))
		return http_refuse(403, "Bootstrap is possible from the server's own machine, or "
					"with the code that the server printed when it started");
	if (*password && !password_long_enough(password))
		return http_refuse(400, "Password must be at least 8 characters");
	g_autofree char *hash = *password ? password_hash(password, &error) : NULL;
	if (error)
		return http_refuse_error(request, error);
	return make_administrator(request, hash);
}

/* --- the end of sessions --- */

/* A link on another site must not be able to sign people out. */
static bool from_other_site(const struct http_request *request)
{
	const char *site = http_request_header(request, "Sec-Fetch-Site");
	return g_strcmp0(site, "cross-site") == 0;
}

static bool end_sessions(struct http_request *request, GError **error)
{
	struct app *app = app_of(request);
	const struct directory_user *user = caller_of(request)->user;
	if (!user)
		return true;
	if (!session_epochs_end(app->state, user->row->id, error) ||
	    !directory_reload_user(app->directory, user->row->id, error))
		return false;
	audit_sign_in(request, "logout", user->row->id, NULL);
	return true;
}

static struct http_response *logout(struct http_request *request)
{
	GError *error = NULL;
	if (from_other_site(request))
		return http_refuse(403, "Sign out from the server's own pages");
	if (!end_sessions(request, &error))
		return http_refuse_error(request, error);
	struct http_response *response = request->method == HTTP_GET
						 ? http_redirect(302, "/login")
						 : http_json(200,
							     json_pack("{ss}", "status", "ok"));
	sign_in_set_cookie(request, response, NULL);
	return response;
}

static const struct http_field token_fields[] = {
	{"email", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"password", HTTP_IN_BODY, HTTP_STRING, .initial = "\"\"", .most = PASSWORD_LONGEST},
	{0},
};

static const struct http_field bootstrap_fields[] = {
	{"email", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"name", HTTP_IN_BODY, HTTP_STRING, .initial = "\"\""},
	{"password", HTTP_IN_BODY, HTTP_STRING, .initial = "\"\"", .most = PASSWORD_LONGEST,
	 .meaning = "at least 8 characters; without one, bootstrap stays possible"},
	{"code", HTTP_IN_BODY, HTTP_STRING, .nullable = true,
	 .meaning = "what the server printed when it started; needed from other machines"},
	{0},
};

static const struct http_answer token_answers[] = {
	{401, "Wrong e-mail or password, or an account that signs in elsewhere"},
	{429, "Too many attempts"},
	{0},
};
static const struct http_answer bootstrap_answers[] = {
	{403, "Somebody has a password already, or the caller is elsewhere"},
	{429, "Too many attempts"},
	{0},
};
static const struct http_answer logout_answers[] = {
	{302, "Signed out in a browser"},
	{403, "Another site asks"},
	{0},
};

const struct http_route auth_routes[] = {
	{HTTP_POST, "/auth/token", ACCESS_ANYBODY, HTTP_BLOCKING, HTTP_JSON,
	 .body_limit = SIGN_IN_BODY_LIMIT, .fields = token_fields, .tag = "auth",
	 .answers = token_answers, .summary = "Sign in by e-mail and password",
	 .handle = create_token},
	{HTTP_POST, "/auth/bootstrap", ACCESS_ANYBODY, HTTP_BLOCKING, HTTP_JSON,
	 .body_limit = SIGN_IN_BODY_LIMIT, .fields = bootstrap_fields, .tag = "auth",
	 .answers = bootstrap_answers, .summary = "Make the first administrator",
	 .handle = bootstrap},
	{HTTP_POST, "/auth/logout", ACCESS_VISITOR, HTTP_BLOCKING, .tag = "auth",
	 .answers = logout_answers, .summary = "End every session of the caller", .handle = logout},
	{HTTP_GET, "/auth/logout", ACCESS_VISITOR, HTTP_BLOCKING, .tag = "auth",
	 .answers = logout_answers,
	 .summary = "The same for a browser, which goes on to the login page", .handle = logout},
	{0},
};
