/* /api/admin/grants, the types of resources, and what a user may use in the end. */
#include "state/grants.h"
#include "app/app.h"
#include "app/audit.h"
#include "app/resource_types.h"
#include "app/routes.h"
#include "app/wire.h"
#include "base/error.h"

static json_t *describe_grant(const struct grant *row, const char *group_name)
{
	return json_pack("{ss ss so ss ss so so}", "id", row->id, "group_id", row->group_id,
			 "group_name", wire_text(group_name), "resource_type", row->resource_type,
			 "resource_id", row->resource_id, "assigned_at",
			 wire_time_spaced(row->assigned_at), "assigned_by",
			 wire_text(row->assigned_by));
}

static struct http_response *refuse_type(const char *type)
{
	g_autofree char *quoted = wire_quote(type);
	g_autoptr(GString) known = g_string_new(NULL);
	for (size_t i = 0; i < RESOURCE_TYPES; i++)
		g_string_append_printf(known, "%s'%s'", i ? ", " : "", resource_types[i].key);
	return http_refuse(400, "Unknown resource_type %s. Known types: [%s]", quoted, known->str);
}

static struct http_response *list_grants(struct http_request *request)
{
	GError *error = NULL;
	const char *type = http_request_text(request, "resource_type");
	if (type && !resource_type_find(type))
		return refuse_type(type);
	g_autoptr(GPtrArray) grants = grants_list(app_of(request)->state, type,
						  http_request_text(request, "group_id"), &error);
	if (!grants)
		return http_refuse_error(request, error);
	json_t *list = json_array();
	for (guint i = 0; i < grants->len; i++) {
		const struct grant *row = grants->pdata[i];
		json_array_append_new(list, describe_grant(row, row->group_name));
	}
	return http_json(200, list);
}

static struct http_response *refuse_creation(struct http_request *request, GError *error)
{
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_error_free(error);
		return http_refuse(404, "Group not found");
	}
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT)) {
		g_error_free(error);
		return http_refuse(409,
				   "Grant already exists for this group/resource_type/resource_id");
	}
	return http_refuse_error(request, error);
}

static struct http_response *create_grant(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	const char *type = http_request_text(request, "resource_type");
	const char *resource = http_request_text(request, "resource_id");
	g_autofree char *trimmed = g_strstrip(g_strdup(resource));
	if (!resource_type_find(type))
		return refuse_type(type);
	if (!*trimmed)
		return http_refuse(400, "resource_id is required");
	g_autoptr(grant_record)
		grant = grants_create(app->state, http_request_text(request, "group_id"), type,
				      resource, caller_of(request)->user->row->email, &error);
	if (!grant || !directory_reload_grant(app->directory, grant, &error))
		return refuse_creation(request, error);
	audit_grant(request, "resource_grant.created", grant);
	g_autoptr(directory_view) view = directory_store_get(app->directory);
	const struct directory_group *group = directory_group(view, grant->group_id);
	return http_json(201, describe_grant(grant, group ? group->row->name : NULL));
}

static struct http_response *delete_grant(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	const char *id = http_request_text(request, "grant_id");
	g_autoptr(grant_record) grant = grants_delete(app->state, id, &error);
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_error_free(error);
		return http_refuse(404, "Grant not found");
	}
	if (!grant || !directory_reload_grant(app->directory, grant, &error))
		return http_refuse_error(request, error);
	audit_grant(request, "resource_grant.deleted", grant);
	return http_empty(204);
}

static struct http_response *list_resource_types(struct http_request *request)
{
	json_t *list = json_array();
	for (size_t i = 0; i < RESOURCE_TYPES; i++) {
		const struct resource_type *type = &resource_types[i];
		json_array_append_new(list,
				      json_pack("{ss ss ss ss}", "key", type->key, "display_name",
						type->display_name, "description",
						type->description, "id_format", type->id_format));
	}
	return http_json(200, list);
}

/* --- what a user may use --- */

/* Whether the item is of this grant's resource. NULL is no item. */
static bool is_of(const json_t *item, const struct grant *grant)
{
	const char *type = json_string_value(json_object_get(item, "resource_type"));
	const char *id = json_string_value(json_object_get(item, "resource_id"));
	return g_strcmp0(type, grant->resource_type) == 0 && g_strcmp0(id, grant->resource_id) == 0;
}

static struct http_response *answer_access(struct http_request *request,
					   const struct directory_user *user)
{
	GError *error = NULL;
	g_autoptr(GPtrArray)
		grants = grants_list_of_user(app_of(request)->state, user->row->id, &error);
	if (!grants)
		return http_refuse_error(request, error);
	json_t *items = json_array(), *item = NULL;
	for (guint i = 0; i < grants->len; i++) {
		const struct grant *grant = grants->pdata[i];
		if (!is_of(item, grant)) {
			item = json_pack("{ss ss s[]}", "resource_type", grant->resource_type,
					 "resource_id", grant->resource_id, "via_groups");
			json_array_append_new(items, item);
		}
		json_array_append_new(json_object_get(item, "via_groups"),
				      json_pack("{ss so}", "group_id", grant->group_id,
						"group_name", wire_text(grant->group_name)));
	}
	return http_json(200, json_pack("{sb so}", "is_admin", user->is_admin, "items", items));
}

static struct http_response *get_own_access(struct http_request *request)
{
	return answer_access(request, caller_of(request)->user);
}

static struct http_response *get_user_access(struct http_request *request)
{
	const struct directory_user *user = directory_user(caller_of(request)->directory,
							   http_request_text(request, "user_id"));
	return user ? answer_access(request, user) : http_refuse(404, "User not found");
}

static const struct http_field list_fields[] = {
	{"resource_type", HTTP_IN_QUERY, HTTP_STRING},
	{"group_id", HTTP_IN_QUERY, HTTP_STRING},
	{0},
};
static const struct http_field create_fields[] = {
	{"group_id", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"resource_type", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"resource_id", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{0},
};
static const struct http_field delete_fields[] = {
	{"grant_id", HTTP_IN_PATH, HTTP_STRING, .required = true}, {0}};
static const struct http_field user_fields[] = {
	{"user_id", HTTP_IN_PATH, HTTP_STRING, .required = true}, {0}};

static const struct http_answer listed[] = {{400, "No such type of resource"}, {0}};
static const struct http_answer created[] = {{201, "The new grant"},
					     {400, "No such type, or no resource"},
					     {404, "No such group"},
					     {409, "The group has it already"},
					     {0}};
static const struct http_answer emptied[] = {{204, "Done"}, {404, "No such grant"}, {0}};
static const struct http_answer found[] = {{404, "No such user"}, {0}};

const struct http_route grant_routes[] = {
	{HTTP_GET, "/api/admin/grants", ACCESS_ADMIN, HTTP_BLOCKING, .fields = list_fields,
	 .tag = "access", .answers = listed, .summary = "What groups may use",
	 .handle = list_grants},
	{HTTP_POST, "/api/admin/grants", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON,
	 .fields = create_fields, .tag = "access", .answers = created,
	 .summary = "Let a group use something", .handle = create_grant},
	{HTTP_DELETE, "/api/admin/grants/{grant_id}", ACCESS_ADMIN, HTTP_BLOCKING,
	 .fields = delete_fields, .tag = "access", .answers = emptied,
	 .summary = "Take a grant away", .handle = delete_grant},
	{HTTP_GET, "/api/admin/resource-types", ACCESS_ADMIN, .tag = "access",
	 .summary = "What can be granted", .handle = list_resource_types},
	{HTTP_GET, "/api/admin/users/{user_id}/effective-access", ACCESS_ADMIN, HTTP_BLOCKING,
	 .fields = user_fields, .tag = "access", .answers = found,
	 .summary = "What a user may use, and through which groups", .handle = get_user_access},
	{HTTP_GET, "/api/me/effective-access", ACCESS_USER, HTTP_BLOCKING, .tag = "access",
	 .summary = "What the caller may use, and through which groups", .handle = get_own_access},
	{0},
};
