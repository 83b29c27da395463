/* /auth/password: signing in by a password, and setting one through a one-time link. */
#include "app/app.h"
#include "app/audit.h"
#include "app/auth/one_time.h"
#include "app/auth/origin.h"
#include "app/auth/password.h"
#include "app/auth/password_pages.h"
#include "app/auth/provider.h"
#include "app/auth/sign_in.h"
#include "app/routes.h"
#include "base/error.h"
#include "state/session_epochs.h"
#include "state/users.h"

#include <string.h>

const struct auth_provider password_provider = {
	.name = "password", .label = "E-mail and password", .path = "/login/password"};

/* --- signing in --- */

enum verdict { VERDICT_RIGHT, VERDICT_WRONG, VERDICT_DEACTIVATED, VERDICT_BROKEN, VERDICT_BUSY };

/* Whether the password is right; as much work for a user who does not exist. */
static enum verdict check_password(struct http_request *request, const struct directory_user *user,
				   const char *password)
{
	bool matches;
	g_autoptr(GError) error = NULL;
	if (!user || !user->row->password_hash)
		return password_verify_nothing(password, &error) ? VERDICT_WRONG : VERDICT_BUSY;
	if (!password_verify(user->row->password_hash, password, &matches, &error)) {
		bool busy = g_error_matches(error, AGNES_ERROR, AGNES_ERROR_BUSY);
		if (!busy)
			g_warning("user %s: %s", user->row->id, error->message);
		return busy ? VERDICT_BUSY : VERDICT_BROKEN;
	}
	if (!matches) {
		audit_sign_in(request, "login_failed", user->row->id, "invalid_password");
		return VERDICT_WRONG;
	}
	return user->row->active == RECORD_TRUE ? VERDICT_RIGHT : VERDICT_DEACTIVATED;
}

static struct http_response *login(struct http_request *request)
{
	const char *email = http_request_text(request, "email");
	const struct directory_user *user = directory_user_by_email(caller_of(request)->directory,
								    email);
	struct http_response *refusal = sign_in_limit(request, email);
	if (refusal)
		return refusal;
	switch (check_password(request, user, http_request_text(request, "password"))) {
	case VERDICT_WRONG:
		return http_refuse(401, "Invalid email or password");
	case VERDICT_DEACTIVATED:
		return http_refuse(401, "Account deactivated");
	case VERDICT_BUSY:
		return http_refuse(503, "Too many sign-ins at the moment; try again soon");
	case VERDICT_BROKEN:
		return http_refuse(500, "Internal server error");
	case VERDICT_RIGHT:
		break;
	}
	sign_in_forgive(request, email);
	audit_sign_in(request, "login", user->row->id, NULL);
	g_autofree char *token = sign_in_session(app_of(request), user->row);
	return http_json(200, json_pack("{ss ss ss ss}", "access_token", token, "token_type",
					"bearer", "email", user->row->email, "role",
					user->is_admin ? "admin" : "user"));
}

/* Only a path of this server: another site's address would make a trap of the login page. */
static const char *safe_next(const char *next)
{
	bool fine = next && next[0] == '/' && next[1] != '/' && next[1] != '\\';
	return fine ? next : "/dashboard";
}

static struct http_response *start_session(struct http_request *request, const struct user *user,
					   const char *location)
{
	g_autofree char *token = sign_in_session(app_of(request), user);
	struct http_response *response = http_redirect(302, location);
	sign_in_set_cookie(request, response, token);
	return response;
}

static struct http_response *login_web(struct http_request *request)
{
	const char *email = http_request_text(request, "email");
	const struct directory_user *user = directory_user_by_email(caller_of(request)->directory,
								    email);
	struct http_response *refusal = origin_refuse_other(request);
	if (!refusal)
		refusal = sign_in_limit(request, email);
	if (refusal)
		return refusal;
	switch (check_password(request, user, http_request_text(request, "password"))) {
	case VERDICT_WRONG:
		return http_redirect(302, "/login/password?error=invalid");
	case VERDICT_DEACTIVATED:
		return http_redirect(302, "/login/password?error=deactivated");
	case VERDICT_BUSY:
	case VERDICT_BROKEN:
		return http_redirect(302, "/login/password?err=auth_internal");
	case VERDICT_RIGHT:
		break;
	}
	sign_in_forgive(request, email);
	audit_sign_in(request, "login", user->row->id, NULL);
	return start_session(request, user->row, safe_next(http_request_text(request, "next")));
}

static struct http_response *login_page(struct http_request *request)
{
	static const struct {
		const char *code, *text;
	} problems[] = {
		{"invalid", "The e-mail or the password is wrong."},
		{"deactivated", "This account is deactivated."},
		{"auth_internal", "The server could not check the password; try again."},
	};
	const char *error = http_request_text(request, "error");
	const char *code = error ? error : http_request_text(request, "err");
	const char *problem = NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(problems) && code; i++) {
		if (strcmp(code, problems[i].code) == 0)
			problem = problems[i].text;
	}
	return password_login_page(http_request_text(request, "next"), problem);
}

/* --- setting a password through a link --- */

/* Uses the token up and sets the password; the sessions and links from before end with it. */
static bool redeem(struct http_request *request, enum one_time_purpose purpose, const char *name,
		   GError **error)
{
	struct app *app = app_of(request);
	const char *email = http_request_text(request, "email");
	g_autofree char *hash = password_hash(http_request_text(request, "password"), error);
	if (!hash ||
	    !one_time_redeem(app, email, http_request_text(request, "token"), purpose, hash, error))
		return false;
	g_autoptr(user_record) user = users_find_by_email(app->state, email, error);
	if (!user)
		return false;
	struct user values;
	record_init(&user_type, &values);
	values.id = user->id;
	values.name = name;
	if (name && *name &&
	    !users_update(app->state, &values, (const char *[]){"name", NULL}, error))
		return false;
	audit_sign_in(request, purpose == ONE_TIME_SETUP ? "password_set_up" : "password_reset",
		      user->id, NULL);
	return one_time_forget(app, user->id, error) &&
	       session_epochs_end(app->state, user->id, error) &&
	       directory_reload_user(app->directory, user->id, error);
}

/* The user as the directory has it now. */
static struct http_response *start_session_of(struct http_request *request, const char *location)
{
	g_autoptr(directory_view) now = directory_store_get(app_of(request)->directory);
	const struct directory_user *user = directory_user_by_email(
		now, http_request_text(request, "email"));
	return user ? start_session(request, user->row, location) : http_redirect(302, "/login");
}

/* Only who has the token is told that the account is there and deactivated. */
static struct http_response *refuse_setup(struct http_request *request)
{
	GError *error = NULL;
	g_autoptr(user_record) user = users_find_by_email(
		app_of(request)->state, http_request_text(request, "email"), &error);
	if (!user && !g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
		return http_refuse_error(request, error);
	g_clear_error(&error);
	bool holds = user && user->active != RECORD_TRUE &&
		     one_time_holds(user, http_request_text(request, "token"), ONE_TIME_SETUP);
	return holds ? http_refuse(403, "Account deactivated")
		     : http_refuse(400, "Invalid setup token");
}

static struct http_response *setup_by_json(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	const char *email = http_request_text(request, "email");
	struct http_response *refusal = sign_in_limit(request, email);
	if (refusal)
		return refusal;
	if (!password_long_enough(http_request_text(request, "password")))
		return http_refuse(400, "Password must be at least 8 characters");
	if (!redeem(request, ONE_TIME_SETUP, NULL, &error)) {
		if (!g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
			return http_refuse_error(request, error);
		g_error_free(error);
		return refuse_setup(request);
	}
	g_autoptr(directory_view) now = directory_store_get(app->directory);
	const struct directory_user *fresh = directory_user_by_email(now, email);
	g_autofree char *token = fresh ? sign_in_session(app, fresh->row) : NULL;
	return http_json(200, json_pack("{ss* ss ss}", "access_token", token, "token_type",
					"bearer", "message", "Password set"));
}

/* The two forms differ in words, in the name, and in what the token is for. */
struct link_form {
	enum one_time_purpose purpose;
	const char *title, *action, *location, *invalid;
	bool with_name;
};

static const struct link_form setup_form = {ONE_TIME_SETUP,
					    "Set Up Your Account",
					    "/auth/password/setup/confirm",
					    "/dashboard",
					    "Invalid or expired setup link.",
					    true};
static const struct link_form reset_form = {ONE_TIME_RESET,
					    "Reset Your Password",
					    "/auth/password/reset/confirm",
					    "/login/password?msg=password_reset",
					    "Invalid or expired reset link.",
					    false};

static struct http_response *show_form(const struct http_request *request,
				       const struct link_form *link, const char *problem)
{
	const struct password_form form = {.title = link->title,
					   .action = link->action,
					   .email = http_request_text(request, "email"),
					   .token = http_request_text(request, "token"),
					   .with_name = link->with_name,
					   .problem = problem};
	return password_form_page(&form);
}

/* Nothing is looked up: known and unknown addresses get the same page. */
static struct http_response *open_form(const struct http_request *request,
				       const struct link_form *link)
{
	const char *email = http_request_text(request, "email");
	const char *token = http_request_text(request, "token");
	if (!email || !*email || !token || !*token)
		return http_redirect(302, "/login/password");
	return show_form(request, link, NULL);
}

static struct http_response *confirm(struct http_request *request, const struct link_form *link)
{
	g_autoptr(GError) error = NULL;
	const char *password = http_request_text(request, "password");
	const char *name = link->with_name ? http_request_text(request, "name") : NULL;
	struct http_response *refusal = origin_refuse_other(request);
	if (!refusal)
		refusal = sign_in_limit(request, http_request_text(request, "email"));
	if (refusal)
		return refusal;
	if (strcmp(password, http_request_text(request, "confirm_password")) != 0)
		return show_form(request, link, "Passwords do not match.");
	if (!password_long_enough(password))
		return show_form(request, link, "Password must be at least 8 characters.");
	g_autofree char *trimmed = name ? g_strstrip(g_strdup(name)) : NULL;
	if (redeem(request, link->purpose, trimmed, &error))
		return start_session_of(request, link->location);
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
		return show_form(request, link, link->invalid);
	return http_refuse_error(request, g_steal_pointer(&error));
}

static struct http_response *get_setup(struct http_request *request)
{
	return open_form(request, &setup_form);
}

static struct http_response *get_reset(struct http_request *request)
{
	return open_form(request, &reset_form);
}

static struct http_response *confirm_setup(struct http_request *request)
{
	return confirm(request, &setup_form);
}

static struct http_response *confirm_reset(struct http_request *request)
{
	return confirm(request, &reset_form);
}

/*
 * Links are mailed, and this build has no mail transport yet: nothing is issued, and the page is
 * that of an address that is not known. Administrators make links in the meantime.
 */
static struct http_response *request_link(struct http_request *request)
{
	struct http_response *refusal = origin_refuse_other(request);
	if (!refusal)
		refusal = sign_in_limit(request, NULL);
	if (refusal)
		return refusal;
	return password_message_page(
		"Check your email",
		"If this address is known here and mail is set up, a link is on "
		"its way. Otherwise ask an administrator for one.");
}

/* --- the routes --- */

static const struct http_field login_fields[] = {
	{"email", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"password", HTTP_IN_BODY, HTTP_STRING, .required = true, .most = PASSWORD_LONGEST},
	{0},
};
static const struct http_field web_fields[] = {
	{"email", HTTP_IN_FORM, HTTP_STRING, .required = true},
	{"password", HTTP_IN_FORM, HTTP_STRING, .initial = "\"\"", .most = PASSWORD_LONGEST},
	{"next", HTTP_IN_FORM, HTTP_STRING, .initial = "\"\""},
	{0},
};
static const struct http_field page_fields[] = {
	{"next", HTTP_IN_QUERY, HTTP_STRING, .initial = "\"\""},
	{"error", HTTP_IN_QUERY, HTTP_STRING},
	{"err", HTTP_IN_QUERY, HTTP_STRING},
	{0},
};
static const struct http_field setup_fields[] = {
	{"email", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"token", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"password", HTTP_IN_BODY, HTTP_STRING, .required = true, .most = PASSWORD_LONGEST},
	{0},
};
static const struct http_field link_fields[] = {
	{"email", HTTP_IN_QUERY, HTTP_STRING},
	{"token", HTTP_IN_QUERY, HTTP_STRING},
	{0},
};
static const struct http_field request_fields[] = {
	{"email", HTTP_IN_FORM, HTTP_STRING, .initial = "\"\""}, {0}};
static const struct http_field confirm_fields[] = {
	{"email", HTTP_IN_FORM, HTTP_STRING, .required = true},
	{"token", HTTP_IN_FORM, HTTP_STRING, .required = true},
	{"password", HTTP_IN_FORM, HTTP_STRING, .required = true, .most = PASSWORD_LONGEST},
	{"confirm_password", HTTP_IN_FORM, HTTP_STRING, .required = true},
	{"name", HTTP_IN_FORM, HTTP_STRING, .initial = "\"\""},
	{0},
};

static const struct http_answer refused[] = {
	{401, "Wrong e-mail or password"}, {429, "Too many attempts"}, {0}};
static const struct http_answer redirected[] = {
	{302, "Signed in, or back to the form"}, {429, "Too many attempts"}, {0}};
static const struct http_answer set_up[] = {
	{400, "A wrong token or a short password"}, {403, "The account is deactivated"}, {0}};

const struct http_route password_routes[] = {
	{HTTP_POST, "/auth/password/login", ACCESS_ANYBODY, HTTP_BLOCKING, HTTP_JSON,
	 .body_limit = SIGN_IN_BODY_LIMIT, .fields = login_fields, .tag = "auth",
	 .answers = refused, .summary = "Sign in by e-mail and password", .handle = login},
	{HTTP_POST, "/auth/password/login/web", ACCESS_ANYBODY, HTTP_BLOCKING, HTTP_FORM,
	 .body_limit = SIGN_IN_BODY_LIMIT, .fields = web_fields, .tag = "auth",
	 .answers = redirected, .summary = "The same from the login page", .handle = login_web},
	{HTTP_GET, "/login/password", ACCESS_ANYBODY, .fields = page_fields, .tag = "pages",
	 .summary = "The login page", .handle = login_page},
	{HTTP_POST, "/auth/password/setup", ACCESS_ANYBODY, HTTP_BLOCKING, HTTP_JSON,
	 .body_limit = SIGN_IN_BODY_LIMIT, .fields = setup_fields, .tag = "auth", .answers = set_up,
	 .summary = "Set the first password by a one-time token", .handle = setup_by_json},
	{HTTP_GET, "/auth/password/setup", ACCESS_ANYBODY, .fields = link_fields, .tag = "auth",
	 .answers = redirected, .summary = "The page that an invitation leads to",
	 .handle = get_setup},
	{HTTP_POST, "/auth/password/setup/request", ACCESS_ANYBODY, .body = HTTP_FORM,
	 .body_limit = SIGN_IN_BODY_LIMIT, .fields = request_fields, .tag = "auth",
	 .summary = "Ask for an invitation by mail", .handle = request_link},
	{HTTP_POST, "/auth/password/setup/confirm", ACCESS_ANYBODY, HTTP_BLOCKING, HTTP_FORM,
	 .body_limit = SIGN_IN_BODY_LIMIT, .fields = confirm_fields, .tag = "auth",
	 .answers = redirected, .summary = "Set the first password from that page",
	 .handle = confirm_setup},
	{HTTP_GET, "/auth/password/reset", ACCESS_ANYBODY, .fields = link_fields, .tag = "auth",
	 .answers = redirected, .summary = "The page that a reset link leads to",
	 .handle = get_reset},
	{HTTP_POST, "/auth/password/reset", ACCESS_ANYBODY, .body = HTTP_FORM,
	 .body_limit = SIGN_IN_BODY_LIMIT, .fields = request_fields, .tag = "auth",
	 .summary = "Ask for a reset link by mail", .handle = request_link},
	{HTTP_POST, "/auth/password/reset/confirm", ACCESS_ANYBODY, HTTP_BLOCKING, HTTP_FORM,
	 .body_limit = SIGN_IN_BODY_LIMIT, .fields = confirm_fields, .tag = "auth",
	 .answers = redirected, .summary = "Set a new password from that page",
	 .handle = confirm_reset},
	{0},
};
