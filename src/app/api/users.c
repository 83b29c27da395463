/* /api/users: the accounts, for administrators. */
#include "state/users.h"
#include "app/app.h"
#include "app/audit.h"
#include "app/auth/one_time.h"
#include "app/auth/password.h"
#include "app/email.h"
#include "app/group_origin.h"
#include "app/links.h"
#include "app/routes.h"
#include "app/wire.h"
#include "base/error.h"
#include "state/group_members.h"
#include "state/session_epochs.h"

#include <string.h>

#define SSO_REFUSAL                                                                             \
	"User is managed by an external SSO provider; this operation must be performed in the " \
	"upstream system"

/* What a user is shown with once: a link to set the password. */
struct invitation {
	const char *url;
	bool offered; /* whether the two members are null */
};

/* --- how a user looks --- */

/* Memberships come ordered as they are shown: system groups first, then by name. */
static json_t *describe_groups(const GPtrArray *memberships, bool *is_admin)
{
	json_t *groups = json_array();
	*is_admin = false;
	for (guint i = 0; i < memberships->len; i++) {
		const struct membership *row = memberships->pdata[i];
		const char *origin = group_origin(row->group_name, row->is_system,
						  row->group_created_by);
		json_array_append_new(groups, json_pack("{ss ss sb ss}", "id", row->group_id,
							"name", row->group_name, "is_system",
							row->is_system, "origin", origin));
		*is_admin |= strcmp(row->group_name, GROUPS_ADMIN) == 0;
	}
	return groups;
}

static json_t *describe(const struct user *user, const GPtrArray *memberships,
			const struct invitation *invitation)
{
	bool is_admin;
	json_t *groups = describe_groups(memberships, &is_admin);
	return json_pack("{ss ss so ss sb sb so sb so so so so}", "id", user->id, "email",
			 user->email, "name", wire_text(user->name), "role",
			 is_admin ? "admin" : "user", "is_admin", is_admin, "is_sso_user",
			 group_memberships_are_sso(memberships), "groups", groups, "active",
			 user->active != RECORD_FALSE, "created_at",
			 wire_time_spaced(user->created_at), "deactivated_at",
			 wire_time_spaced(user->deactivated_at), "invite_url",
			 invitation->offered ? wire_text(invitation->url) : json_null(),
			 "invite_email_sent", invitation->offered ? json_false() : json_null());
}

static struct http_response *answer_user(struct http_request *request, int status, const char *id,
					 const struct invitation *invitation)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	g_autoptr(user_record) user = users_find(app->state, id, &error);
	g_autoptr(GPtrArray) memberships = user ? group_members_of_user(app->state, id, &error)
						: NULL;
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_error_free(error);
		return http_refuse(404, "User not found");
	}
	if (!memberships)
		return http_refuse_error(request, error);
	return http_json(status, describe(user, memberships, invitation));
}

static const struct invitation no_invitation = {NULL, false};

/* --- reading --- */

static struct http_response *list_users(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	g_autoptr(GPtrArray) users = users_list(app->state, &error);
	g_autoptr(GPtrArray) memberships = users ? group_members_list(app->state, &error) : NULL;
	if (!memberships)
		return http_refuse_error(request, error);
	g_autoptr(GHashTable) of_user = group_members_by_user(memberships);
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	json_t *list = json_array();
	for (guint i = 0; i < users->len; i++) {
		const struct user *user = users->pdata[i];
		const GPtrArray *own = g_hash_table_lookup(of_user, user->id);
		json_array_append_new(list, describe(user, own ? own : none, &no_invitation));
	}
	return http_json(200, list);
}

static struct http_response *get_user(struct http_request *request)
{
	return answer_user(request, 200, http_request_text(request, "user_id"), &no_invitation);
}

/* --- creating --- */

/* A link by which the user sets a password; mails are not sent from here. */
static char *invite(struct http_request *request, const struct user *user, GError **error)
{
	g_autofree char *base = links_base(request);
	g_autofree char *token = one_time_issue(app_of(request), user->id, ONE_TIME_SETUP, error);
	if (!token)
		return NULL;
	audit_caller(request, "user.invite", "user", user->id,
		     json_pack("{ss sb}", "email", user->email, "email_sent", false));
	return links_with_token(base ? base : "", "/auth/password/setup", user->email, token);
}

static struct http_response *create_user(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	struct user values;
	record_init(&user_type, &values);
	values.email = http_request_text(request, "email");
	values.name = http_request_text(request, "name");
	g_autoptr(user_record) user = users_create(app->state, &values, &error);
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT)) {
		g_error_free(error);
		return http_refuse(409, "User with this email already exists");
	}
	if (!user)
		return http_refuse_error(request, error);
	audit_caller(request, "user.create", "user", user->id,
		     json_pack("{ss}", "email", user->email));
	bool offered = http_request_bool(request, "send_invite");
	g_autofree char *url = offered ? invite(request, user, &error) : NULL;
	if (error)
		return http_refuse_error(request, error);
	const struct invitation invitation = {.url = url, .offered = offered};
	if (!directory_reload_user(app->directory, user->id, &error))
		return http_refuse_error(request, error);
	return answer_user(request, 201, user->id, &invitation);
}

/* --- changing --- */

/* What a PATCH asks for; NULL members stay as they are. */
struct change {
	const char *name;
	json_t *active; /* true, false or null */
};

static bool deactivates(const struct change *change)
{
	return json_is_false(change->active);
}

/* The columns that the change touches, and the values for them. */
static size_t plan_change(const struct change *change, const char *actor, struct user *values,
			  const char *columns[5])
{
	size_t count = 0;
	if (change->name) {
		values->name = change->name;
		columns[count++] = "name";
	}
	if (json_is_boolean(change->active)) {
		bool off = deactivates(change);
		values->active = off ? RECORD_FALSE : RECORD_TRUE;
		values->deactivated_at = off ? g_get_real_time() : DUCK_NO_TIME;
		values->deactivated_by = off ? actor : NULL;
		columns[count++] = "active";
		columns[count++] = "deactivated_at";
		columns[count++] = "deactivated_by";
	}
	columns[count] = NULL;
	return count;
}

static json_t *change_params(const struct change *change, const char *actor)
{
	json_t *params = json_object();
	if (change->name)
		json_object_set_new(params, "name", json_string(change->name));
	if (json_is_boolean(change->active))
		json_object_set(params, "active", change->active);
	if (deactivates(change))
		json_object_set_new(params, "deactivated_by", json_string(actor));
	return params;
}

static struct http_response *refuse_change(struct http_request *request, GError *error,
					   const char *conflict)
{
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_error_free(error);
		return http_refuse(404, "User not found");
	}
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT)) {
		g_error_free(error);
		return http_refuse(409, "%s", conflict);
	}
	return http_refuse_error(request, error);
}

/* Who comes back signs in anew: neither old sessions nor old links revive. */
static bool clear_past(struct app *app, const char *id, GError **error)
{
	return one_time_forget(app, id, error) && session_epochs_end(app->state, id, error);
}

static struct http_response *apply_change(struct http_request *request, const struct change *change)
{
	struct app *app = app_of(request);
	const char *id = http_request_text(request, "user_id");
	const char *actor = caller_of(request)->user->row->id;
	const char *columns[5];
	GError *error = NULL;
	struct user values;
	record_init(&user_type, &values);
	values.id = id;
	size_t count = plan_change(change, actor, &values, columns);
	if (!directory_user(caller_of(request)->directory, id))
		return http_refuse(404, "User not found");
	if (deactivates(change) && strcmp(id, actor) == 0)
		return http_refuse(409, "Cannot deactivate yourself");
	if (count == 0)
		return answer_user(request, 200, id, &no_invitation);
	if (!users_update(app->state, &values, columns, &error) ||
	    (json_is_true(change->active) && !clear_past(app, id, &error)) ||
	    !directory_reload_user(app->directory, id, &error))
		return refuse_change(request, error, "Cannot deactivate the last active admin");
	audit_caller(request, "user.update", "user", id, change_params(change, actor));
	return answer_user(request, 200, id, &no_invitation);
}

static struct http_response *update_user(struct http_request *request)
{
	const struct change change = {http_request_text(request, "name"),
				      http_request_value(request, "active")};
	return apply_change(request, &change);
}

static struct http_response *activate_user(struct http_request *request)
{
	return apply_change(request, &(struct change){NULL, json_true()});
}

static struct http_response *deactivate_user(struct http_request *request)
{
	return apply_change(request, &(struct change){NULL, json_false()});
}

/* NULL unless the user comes from a single sign-on, which alone may change some things. */
static struct http_response *refuse_sso(struct http_request *request, const char *id)
{
	GError *error = NULL;
	g_autoptr(GPtrArray)
		memberships = group_members_of_user(app_of(request)->state, id, &error);
	if (!memberships)
		return http_refuse_error(request, error);
	return group_memberships_are_sso(memberships) ? http_refuse(409, SSO_REFUSAL) : NULL;
}

static struct http_response *delete_user(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	const char *id = http_request_text(request, "user_id");
	g_autoptr(user_record) user = users_find(app->state, id, &error);
	if (!user)
		return refuse_change(request, error, "");
	if (strcmp(id, caller_of(request)->user->row->id) == 0)
		return http_refuse(409, "Cannot delete yourself");
	struct http_response *refusal = refuse_sso(request, id);
	if (refusal)
		return refusal;
	if (!users_delete(app->state, id, &error) ||
	    !directory_reload_user(app->directory, id, &error))
		return refuse_change(request, error, "Cannot delete the last active admin");
	audit_caller(request, "user.delete", "user", id, json_pack("{ss}", "email", user->email));
	return http_empty(204);
}

/* --- passwords --- */

static struct http_response *reset_password(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	const char *id = http_request_text(request, "user_id");
	g_autoptr(user_record) user = users_find(app->state, id, &error);
	if (!user)
		return refuse_change(request, error, "");
	struct http_response *refusal = refuse_sso(request, id);
	if (refusal)
		return refusal;
	g_autofree char *token = one_time_issue(app, id, ONE_TIME_RESET, &error);
	if (!token)
		return http_refuse_error(request, error);
	g_autofree char *base = links_base(request);
	g_autofree char *url = links_with_token(base ? base : "", "/auth/password/reset",
						user->email, token);
	audit_caller(request, "user.reset_password", "user", id,
		     json_pack("{ss}", "email", user->email));
	return http_json(200, json_pack("{ss sb}", "reset_url", url, "email_sent", false));
}

static struct http_response *set_password(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	const char *id = http_request_text(request, "user_id");
	const char *password = http_request_text(request, "password");
	if (!password_long_enough(password))
		return http_refuse(400, "Password must be at least 8 characters");
	g_autoptr(user_record) user = users_find(app->state, id, &error);
	if (!user)
		return refuse_change(request, error, "");
	struct http_response *refusal = refuse_sso(request, id);
	if (refusal)
		return refusal;
	g_autofree char *hash = password_hash(password, &error);
	struct user values;
	record_init(&user_type, &values);
	values.id = id;
	values.password_hash = hash;
	if (!hash ||
	    !users_update(app->state, &values, (const char *[]){"password_hash", NULL}, &error) ||
	    !clear_past(app, id, &error) || !directory_reload_user(app->directory, id, &error))
		return refuse_change(request, error, "");
	audit_caller(request, "user.set_password", "user", id,
		     json_pack("{ss}", "email", user->email));
	return http_empty(204);
}

/* --- the routes --- */

#define USER_ID                                                        \
	{                                                              \
		"user_id", HTTP_IN_PATH, HTTP_STRING, .required = true \
	}

static const struct http_field id_fields[] = {USER_ID, {0}};
static const struct http_field create_fields[] = {
	{"email", HTTP_IN_BODY, HTTP_STRING, .required = true, .check = email_check},
	{"name", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"send_invite", HTTP_IN_BODY, HTTP_BOOLEAN, .initial = "false",
	 .meaning = "answer with a link by which the user sets a password"},
	{0},
};
static const struct http_field update_fields[] = {
	USER_ID,
	{"name", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"active", HTTP_IN_BODY, HTTP_BOOLEAN, .nullable = true},
	{0},
};
static const struct http_field password_fields[] = {
	USER_ID,
	{"password", HTTP_IN_BODY, HTTP_STRING, .required = true, .most = PASSWORD_LONGEST},
	{0},
};

static const struct http_answer created[] = {{201, "The new user"}, {409, "It exists"}, {0}};
static const struct http_answer changed[] = {
	{404, "No such user"},
	{409, "It would leave nobody in charge, or is managed elsewhere"},
	{0}};
static const struct http_answer emptied[] = {
	{204, "Done"}, {404, "No such user"}, {409, "Not for this user"}, {0}};

const struct http_route user_routes[] = {
	{HTTP_GET, "/api/users", ACCESS_ADMIN, HTTP_BLOCKING, .tag = "users",
	 .summary = "All users", .handle = list_users},
	{HTTP_POST, "/api/users", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON, .fields = create_fields,
	 .tag = "users", .answers = created, .summary = "Add a user", .handle = create_user},
	{HTTP_GET, "/api/users/{user_id}", ACCESS_ADMIN, HTTP_BLOCKING, .fields = id_fields,
	 .tag = "users", .answers = changed, .summary = "One user", .handle = get_user},
	{HTTP_PATCH, "/api/users/{user_id}", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON,
	 .fields = update_fields, .tag = "users", .answers = changed,
	 .summary = "Rename, activate or deactivate a user", .handle = update_user},
	{HTTP_DELETE, "/api/users/{user_id}", ACCESS_ADMIN, HTTP_BLOCKING, .fields = id_fields,
	 .tag = "users", .answers = emptied, .summary = "Remove a user", .handle = delete_user},
	{HTTP_POST, "/api/users/{user_id}/activate", ACCESS_ADMIN, HTTP_BLOCKING,
	 .fields = id_fields, .tag = "users", .answers = changed,
	 .summary = "Let a user sign in again", .handle = activate_user},
	{HTTP_POST, "/api/users/{user_id}/deactivate", ACCESS_ADMIN, HTTP_BLOCKING,
	 .fields = id_fields, .tag = "users", .answers = changed,
	 .summary = "Keep a user from signing in", .handle = deactivate_user},
	{HTTP_POST, "/api/users/{user_id}/reset-password", ACCESS_ADMIN, HTTP_BLOCKING,
	 .fields = id_fields, .tag = "users", .answers = changed,
	 .summary = "Make a link by which the user sets a new password", .handle = reset_password},
	{HTTP_POST, "/api/users/{user_id}/set-password", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON,
	 .fields = password_fields, .tag = "users", .answers = emptied,
	 .summary = "Set a user's password", .handle = set_password},
	{0},
};
