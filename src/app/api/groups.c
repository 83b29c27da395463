/* /api/admin/groups, their members, and the memberships of a user. */
#include "state/groups.h"
#include "app/app.h"
#include "app/audit.h"
#include "app/group_list.h"
#include "app/group_origin.h"
#include "app/routes.h"
#include "app/wire.h"
#include "base/error.h"
#include "state/group_members.h"

#include <string.h>

static const char *actor_email(const struct http_request *request)
{
	return caller_of(request)->user->row->email;
}

/* --- groups --- */

static json_t *describe_group(const struct directory_group *group, int members)
{
	const struct group *row = group->row;
	const char *mapped = group_mapped_email(row);
	return json_pack("{ss ss so sb ss so so si sI sb so}", "id", row->id, "name", row->name,
			 "description", wire_text(row->description), "is_system", row->is_system,
			 "origin", group_origin(row->name, row->is_system, row->created_by),
			 "created_at", wire_time_spaced(row->created_at), "created_by",
			 wire_text(row->created_by), "member_count", members, "grant_count",
			 (json_int_t)pmap_size(group->grants), "is_google_managed",
			 group_is_google_managed(row), "mapped_email", wire_text(mapped));
}

static struct http_response *list_groups(struct http_request *request)
{
	return http_json(200, group_list_describe(caller_of(request)->directory, describe_group));
}

/* The group as the directory has it now, after a change. */
static struct http_response *answer_group(struct http_request *request, int status, const char *id)
{
	g_autoptr(directory_view) directory = directory_store_get(app_of(request)->directory);
	const struct directory_group *group = directory_group(directory, id);
	if (!group)
		return http_refuse(404, "Group not found");
	g_autoptr(GHashTable) counts = group_list_count_members(directory);
	return http_json(status,
			 describe_group(group, GPOINTER_TO_INT(g_hash_table_lookup(counts, id))));
}

static struct http_response *get_group(struct http_request *request)
{
	return answer_group(request, 200, http_request_text(request, "group_id"));
}

static struct http_response *create_group(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	g_autofree char *name = g_strstrip(g_strdup(http_request_text(request, "name")));
	if (!*name)
		return http_refuse(400, "Group name is required");
	g_autoptr(group_record)
		group = groups_create(app->state, name, http_request_text(request, "description"),
				      actor_email(request), &error);
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT)) {
		g_autofree char *quoted = wire_quote(name);
		g_error_free(error);
		return http_refuse(409, "Group %s already exists", quoted);
	}
	if (!group || !directory_reload_group(app->directory, group->id, &error))
		return http_refuse_error(request, error);
	audit_caller(request, "user_group.created", "group", group->id,
		     json_pack("{ss}", "name", name));
	return answer_group(request, 201, group->id);
}

/* --- guards, shared by everything that changes a group --- */

static struct http_response *refuse_google_managed(const struct group *group, const char *what)
{
	if (!group_is_google_managed(group))
		return NULL;
	g_autofree char *message = g_strdup_printf(
		"The group '%s' is managed in Google Workspace: %s there", group->name, what);
	return http_refuse_with(
		409, json_pack("{ss ss}", "code", "google_managed_readonly", "message", message));
}

/* The group, if it is there and may be changed here; else NULL with the refusal set. */
static const struct group *find_changeable(const struct http_request *request, const char *id,
					   const char *what, struct http_response **refusal)
{
	const struct directory_group *entry = directory_group(caller_of(request)->directory, id);
	if (!entry) {
		*refusal = http_refuse(404, "Group not found");
		return NULL;
	}
	*refusal = refuse_google_managed(entry->row, what);
	return *refusal ? NULL : entry->row;
}

static struct http_response *save_group(struct http_request *request, const struct group *group,
					const char *name, const char *description)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	json_t *changes = json_object();
	if (name)
		json_object_set_new(changes, "name", json_string(name));
	if (description)
		json_object_set_new(changes, "description", json_string(description));
	if (!groups_update(app->state, group->id, name, description, &error) ||
	    !directory_reload_group(app->directory, group->id, &error)) {
		json_decref(changes);
		if (!g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT))
			return http_refuse_error(request, error);
		g_autofree char *quoted = wire_quote(name);
		g_error_free(error);
		return http_refuse(409, "Group %s already exists", quoted);
	}
	audit_caller(request, "user_group.updated", "group", group->id, changes);
	return answer_group(request, 200, group->id);
}

static struct http_response *update_group(struct http_request *request)
{
	struct http_response *refusal;
	const char *id = http_request_text(request, "group_id");
	const char *given = http_request_text(request, "name");
	const char *description = http_request_text(request, "description");
	const struct group *group = find_changeable(request, id, "change it", &refusal);
	if (!group)
		return refusal;
	g_autofree char *name = given ? g_strstrip(g_strdup(given)) : NULL;
	if (name && strcmp(name, group->name) == 0)
		g_clear_pointer(&name, g_free);
	if (name && !*name)
		return http_refuse(400, "Group name is required");
	if (name && group->is_system)
		return http_refuse(409, "System groups cannot be renamed");
	if (!name && !description)
		return answer_group(request, 200, id);
	return save_group(request, group, name, description);
}

static struct http_response *delete_group(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	struct http_response *refusal;
	const char *id = http_request_text(request, "group_id");
	const struct group *group = find_changeable(request, id, "delete it", &refusal);
	if (!group)
		return refusal;
	if (group->is_system)
		return http_refuse(409, "Cannot delete a system group");
	bool deleted = groups_delete(app->state, id, &error);
	/* Even a deletion that failed half-way may have taken grants. */
	GError *reload_error = NULL;
	if (!directory_reload_group(app->directory, id, deleted ? &error : &reload_error) ||
	    !deleted) {
		g_clear_error(&reload_error);
		return http_refuse_error(request, error);
	}
	audit_caller(request, "user_group.deleted", "group", id,
		     json_pack("{ss}", "name", group->name));
	return http_empty(204);
}

/* --- members --- */

static json_t *describe_member(const struct membership *row)
{
	return json_pack("{ss ss so sb ss so so}", "user_id", row->user_id, "email", row->email,
			 "name", wire_text(row->user_name), "active", row->active != RECORD_FALSE,
			 "source", row->source, "added_at", wire_time_spaced(row->added_at),
			 "added_by", wire_text(row->added_by));
}

/* Takes over what a query gave: the memberships, or its error. */
static struct http_response *answer_memberships(struct http_request *request, GPtrArray *found,
						GError *error,
						json_t *(*describe)(const struct membership *))
{
	g_autoptr(GPtrArray) rows = found;
	if (!rows)
		return http_refuse_error(request, error);
	json_t *list = json_array();
	for (guint i = 0; i < rows->len; i++)
		json_array_append_new(list, describe(rows->pdata[i]));
	return http_json(200, list);
}

static struct http_response *list_members(struct http_request *request)
{
	GError *error = NULL;
	const char *id = http_request_text(request, "group_id");
	if (!directory_group(caller_of(request)->directory, id))
		return http_refuse(404, "Group not found");
	GPtrArray *members = group_members_of_group(app_of(request)->state, id, &error);
	return answer_memberships(request, members, error, describe_member);
}

/* Adds the user; *refusal is the answer if that did not work or changed nothing. */
static bool add_membership(struct http_request *request, const struct user *user,
			   const struct group *group, const char *duplicate,
			   struct http_response **refusal)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	bool added;
	if (!group_members_add(app->state, user->id, group->id, MEMBER_ADMIN, actor_email(request),
			       &added, &error) ||
	    !directory_reload_user(app->directory, user->id, &error))
		*refusal = http_refuse_error(request, error);
	else
		*refusal = added ? NULL : http_refuse(409, "%s", duplicate);
	return !*refusal;
}

static struct http_response *add_member(struct http_request *request)
{
	struct http_response *refusal;
	const char *email = http_request_text(request, "email");
	const struct group *group = find_changeable(request, http_request_text(request, "group_id"),
						    "change its members", &refusal);
	if (!group)
		return refusal;
	const struct directory_user *user = directory_user_by_email(caller_of(request)->directory,
								    email);
	if (!user) {
		g_autofree char *quoted = wire_quote(email);
		return http_refuse(404, "User %s not found", quoted);
	}
	if (!add_membership(request, user->row, group, "User already a member", &refusal))
		return refusal;
	audit_member_added(request, group->id, email);
	const struct membership made = {.user_id = user->row->id,
					.email = user->row->email,
					.user_name = user->row->name,
					.active = user->row->active,
					.source = member_source_name(MEMBER_ADMIN),
					.added_at = DUCK_NO_TIME,
					.added_by = actor_email(request)};
	return http_json(201, describe_member(&made));
}

/* Removes the membership of a user; NULL if it is gone. */
static struct http_response *remove_membership(struct http_request *request, const char *user_id,
					       const struct group *group)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	if (group_members_remove(app->state, user_id, group->id, MEMBER_ADMIN, &error) &&
	    directory_reload_user(app->directory, user_id, &error))
		return NULL;
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_error_free(error);
		return http_refuse(404, "No admin-managed membership for this user in this group");
	}
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT)) {
		g_error_free(error);
		return http_refuse(409,
				   "Cannot remove yourself from Admin — you are the last admin");
	}
	return http_refuse_error(request, error);
}

static struct http_response *remove_member(struct http_request *request)
{
	struct http_response *refusal;
	const char *user_id = http_request_text(request, "user_id");
	const struct group *group = find_changeable(request, http_request_text(request, "group_id"),
						    "change its members", &refusal);
	if (group)
		refusal = remove_membership(request, user_id, group);
	if (!group || refusal)
		return refusal;
	audit_caller(request, "user_group.member_removed", "group", group->id,
		     json_pack("{ss}", "user_id", user_id));
	return http_empty(204);
}

/* --- the same from the user's side --- */

static struct http_response *list_memberships(struct http_request *request)
{
	GError *error = NULL;
	const char *id = http_request_text(request, "user_id");
	if (!directory_user(caller_of(request)->directory, id))
		return http_refuse(404, "User not found");
	GPtrArray *memberships = group_members_of_user(app_of(request)->state, id, &error);
	return answer_memberships(request, memberships, error, group_list_membership);
}

static json_t *group_params(const struct group *group)
{
	return json_pack("{ss ss}", "group_id", group->id, "group_name", group->name);
}

static struct http_response *create_membership(struct http_request *request)
{
	struct http_response *refusal;
	const struct directory_user *user = directory_user(caller_of(request)->directory,
							   http_request_text(request, "user_id"));
	if (!user)
		return http_refuse(404, "User not found");
	const struct group *group = find_changeable(request, http_request_text(request, "group_id"),
						    "change its members", &refusal);
	if (!group || !add_membership(request, user->row, group, "Already a member", &refusal))
		return refusal;
	audit_caller(request, "user_group.member_added", "user", user->row->id,
		     group_params(group));
	const struct membership made = {.group_id = group->id,
					.group_name = group->name,
					.is_system = group->is_system,
					.group_created_by = group->created_by,
					.source = member_source_name(MEMBER_ADMIN),
					.added_at = DUCK_NO_TIME,
					.added_by = actor_email(request)};
	return http_json(201, group_list_membership(&made));
}

static struct http_response *delete_membership(struct http_request *request)
{
	struct http_response *refusal;
	const char *user_id = http_request_text(request, "user_id");
	const struct group *group = find_changeable(request, http_request_text(request, "group_id"),
						    "change its members", &refusal);
	if (group)
		refusal = remove_membership(request, user_id, group);
	if (!group || refusal)
		return refusal;
	audit_caller(request, "user_group.member_removed", "user", user_id, group_params(group));
	return http_empty(204);
}

/* --- the routes --- */

#define GROUP_ID                                                        \
	{                                                               \
		"group_id", HTTP_IN_PATH, HTTP_STRING, .required = true \
	}
#define USER_ID                                                        \
	{                                                              \
		"user_id", HTTP_IN_PATH, HTTP_STRING, .required = true \
	}

static const struct http_field group_fields[] = {GROUP_ID, {0}};
static const struct http_field user_fields[] = {USER_ID, {0}};
static const struct http_field both_fields[] = {GROUP_ID, USER_ID, {0}};
static const struct http_field create_fields[] = {
	{"name", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"description", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{0},
};
static const struct http_field update_fields[] = {
	GROUP_ID,
	{"name", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"description", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{0},
};
static const struct http_field add_fields[] = {
	GROUP_ID,
	{"email", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{0},
};
static const struct http_field join_fields[] = {
	USER_ID,
	{"group_id", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{0},
};

static const struct http_answer found[] = {{404, "No such group or user"}, {0}};
static const struct http_answer created[] = {{201, "The new group or member"},
					     {400, "No name"},
					     {404, "No such group or user"},
					     {409, "It exists, or is managed elsewhere"},
					     {0}};
static const struct http_answer changed[] = {
	{400, "No name"}, {404, "No such group"}, {409, "Not for this group"}, {0}};
static const struct http_answer emptied[] = {
	{204, "Done"}, {404, "Nothing to remove"}, {409, "Not for this group"}, {0}};

const struct http_route group_routes[] = {
	{HTTP_GET, "/api/admin/groups", ACCESS_ADMIN, .tag = "access", .summary = "All groups",
	 .handle = list_groups},
	{HTTP_POST, "/api/admin/groups", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON,
	 .fields = create_fields, .tag = "access", .answers = created, .summary = "Add a group",
	 .handle = create_group},
	{HTTP_GET, "/api/admin/groups/{group_id}", ACCESS_ADMIN, .fields = group_fields,
	 .tag = "access", .answers = found, .summary = "One group", .handle = get_group},
	{HTTP_PATCH, "/api/admin/groups/{group_id}", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON,
	 .fields = update_fields, .tag = "access", .answers = changed,
	 .summary = "Rename or describe a group", .handle = update_group},
	{HTTP_DELETE, "/api/admin/groups/{group_id}", ACCESS_ADMIN, HTTP_BLOCKING,
	 .fields = group_fields, .tag = "access", .answers = emptied,
	 .summary = "Remove a group with its members and grants", .handle = delete_group},
	{HTTP_GET, "/api/admin/groups/{group_id}/members", ACCESS_ADMIN, HTTP_BLOCKING,
	 .fields = group_fields, .tag = "access", .answers = found,
	 .summary = "The members of a group", .handle = list_members},
	{HTTP_POST, "/api/admin/groups/{group_id}/members", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON,
	 .fields = add_fields, .tag = "access", .answers = created, .summary = "Add a member",
	 .handle = add_member},
	{HTTP_DELETE, "/api/admin/groups/{group_id}/members/{user_id}", ACCESS_ADMIN, HTTP_BLOCKING,
	 .fields = both_fields, .tag = "access", .answers = emptied, .summary = "Remove a member",
	 .handle = remove_member},
	{HTTP_GET, "/api/admin/users/{user_id}/memberships", ACCESS_ADMIN, HTTP_BLOCKING,
	 .fields = user_fields, .tag = "access", .answers = found,
	 .summary = "The groups of a user", .handle = list_memberships},
	{HTTP_POST, "/api/admin/users/{user_id}/memberships", ACCESS_ADMIN, HTTP_BLOCKING,
	 HTTP_JSON, .fields = join_fields, .tag = "access", .answers = created,
	 .summary = "Put a user into a group", .handle = create_membership},
	{HTTP_DELETE, "/api/admin/users/{user_id}/memberships/{group_id}", ACCESS_ADMIN,
	 HTTP_BLOCKING, .fields = both_fields, .tag = "access", .answers = emptied,
	 .summary = "Take a user out of a group", .handle = delete_membership},
	{0},
};
