/*
 * /api/access-requests: a user asks for a table by name, administrators decide. Asking tells
 * nothing about whether the table exists: any name can be asked for, and the answer is always the
 * same.
 */
#include "app/app.h"
#include "app/audit.h"
#include "app/group_origin.h"
#include "app/routes.h"
#include "app/wire.h"
#include "base/error.h"
#include "state/grants.h"
#include "state/groups.h"
#include "state/table_requests.h"

#include <string.h>

enum { NAME_LONGEST = 128, REASON_LONGEST = 2000, ANSWER_LONGEST = 2000 };

static json_t *describe(const struct table_request *row)
{
	return json_pack("{ss ss so ss so so so}", "id", row->id, "table", row->table_name,
			 "reason", wire_text(row->reason), "status", row->status, "created_at",
			 wire_time_spaced(row->created_at), "decided_at",
			 wire_time_spaced(row->decided_at), "answer", wire_text(row->answer));
}

/* For administrators: who asks, and whether there is such a table. */
static json_t *describe_for_admin(const struct table_request *row,
				  const struct directory *directory)
{
	json_t *item = describe(row);
	const struct directory_user *user = directory_user(directory, row->user_id);
	const struct directory_table *table = directory_table(directory, row->table_name);
	json_object_set_new(item, "user_id", json_string(row->user_id));
	json_object_set_new(item, "user_email", wire_text(user ? user->row->email : NULL));
	json_object_set_new(item, "decided_by", wire_text(row->decided_by));
	json_object_set_new(item, "table_id", wire_text(table ? table->id : NULL));
	return item;
}

static struct http_response *create_request(struct http_request *request)
{
	GError *error = NULL;
	g_autofree char *table = g_strstrip(g_strdup(http_request_text(request, "table")));
	if (!*table)
		return http_refuse(400, "table is required");
	g_autoptr(table_request_record) made = table_requests_create(
		app_of(request)->state, caller_of(request)->user->row->id, table,
		http_request_text(request, "reason"), &error);
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE)) {
		g_autoptr(GError) owned = error;
		return http_refuse(429, "%s", owned->message);
	}
	if (!made)
		return http_refuse_error(request, error);
	audit_caller(request, "access_request.created", "access_request", made->id,
		     json_pack("{ss}", "table", table));
	return http_json(201, describe(made));
}

static struct http_response *list_requests(struct http_request *request)
{
	GError *error = NULL;
	const struct caller *caller = caller_of(request);
	bool everybody = http_request_bool(request, "all");
	if (everybody && !caller->user->is_admin)
		return http_refuse(403, "Admin access required");
	g_autoptr(GPtrArray) requests = table_requests_list(
		app_of(request)->state, everybody ? NULL : caller->user->row->id,
		http_request_text(request, "status"), &error);
	if (!requests)
		return http_refuse_error(request, error);
	json_t *list = json_array();
	for (guint i = 0; i < requests->len; i++) {
		const struct table_request *row = requests->pdata[i];
		json_array_append_new(list, everybody ? describe_for_admin(row, caller->directory)
						      : describe(row));
	}
	return http_json(
		200, json_pack("{so sI}", "requests", list, "count", (json_int_t)requests->len));
}

/* --- decisions --- */

static struct http_response *refuse_decision(struct http_request *request, GError *error)
{
	if (!g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
		return http_refuse_error(request, error);
	g_error_free(error);
	return http_refuse(404, "Request not found");
}

/* Takes over `params`, which may be NULL. */
static struct http_response *answer_decided(struct http_request *request, const char *id,
					    const char *status, json_t *params)
{
	GError *error = NULL;
	g_autofree char *action = g_strconcat("access_request.", status, NULL);
	audit_caller(request, action, "access_request", id, params);
	g_autoptr(table_request_record)
		row = table_requests_find(app_of(request)->state, id, &error);
	return row ? http_json(200, describe_for_admin(row, caller_of(request)->directory))
		   : refuse_decision(request, error);
}

/* The group must be one that gets members here, and that a table is granted to. */
static struct http_response *refuse_group(const struct directory *directory, const char *id)
{
	const struct directory_group *group = directory_group(directory, id);
	if (!group)
		return http_refuse(404, "Group not found");
	if (strcmp(group->row->name, GROUPS_ADMIN) == 0)
		return http_refuse(409, "Who is put into the group Admin may do everything, not "
					"only read this table; choose another group");
	if (group_is_google_managed(group->row))
		return http_refuse(409,
				   "The members of the group '%s' are managed in Google "
				   "Workspace; choose another group",
				   group->row->name);
	return NULL;
}

static struct http_response *refuse_approval(const struct table_request *row,
					     const struct directory *directory,
					     const struct directory_table *table)
{
	if (strcmp(row->status, TABLE_REQUEST_PENDING) != 0)
		return http_refuse(409, "the request was %s already", row->status);
	if (!table)
		return http_refuse(409, "There is no table '%s'; register it first, or refuse",
				   row->table_name);
	if (!directory_user(directory, row->user_id))
		return http_refuse(409, "Who asked is no user any more; refuse the request");
	return NULL;
}

/* Tells of the grant and the membership, and has them count. */
static bool take_effect(struct http_request *request, const struct table_approval *approval,
			const struct user *user, const struct table_approved *approved,
			GError **error)
{
	struct directory_store *directory = app_of(request)->directory;
	if (approved->granted)
		audit_grant(request, "resource_grant.created", approved->grant);
	if (approved->joined)
		audit_member_added(request, approval->group_id, user->email);
	return directory_reload_grant(directory, approved->grant, error) &&
	       directory_reload_user(directory, user->id, error);
}

static struct http_response *approve_request(struct http_request *request)
{
	GError *error = NULL;
	struct app *app = app_of(request);
	const char *id = http_request_text(request, "request_id");
	g_autoptr(directory_view) now = directory_store_get(app->directory);
	g_autoptr(table_request_record) row = table_requests_find(app->state, id, &error);
	if (!row)
		return refuse_decision(request, error);
	const struct directory_table *table = directory_table(now, row->table_name);
	struct http_response *refusal = refuse_approval(row, now, table);
	if (!refusal)
		refusal = refuse_group(now, http_request_text(request, "group_id"));
	if (refusal)
		return refusal;
	const struct table_approval approval = {.id = id,
						.group_id = http_request_text(request, "group_id"),
						.table_id = table->id,
						.decided_by = caller_of(request)->user->row->email,
						.answer = http_request_text(request, "answer")};
	struct table_approved approved;
	if (!table_requests_approve(app->state, &approval, &approved, &error))
		return refuse_decision(request, error);
	g_autoptr(grant_record) grant = approved.grant;
	const struct user *user = directory_user(now, row->user_id)->row;
	if (!take_effect(request, &approval, user, &approved, &error))
		return http_refuse_error(request, error);
	return answer_decided(
		request, id, TABLE_REQUEST_APPROVED,
		json_pack("{ss ss}", "group_id", approval.group_id, "table_id", table->id));
}

static struct http_response *refuse_request(struct http_request *request)
{
	GError *error = NULL;
	const char *id = http_request_text(request, "request_id");
	return table_requests_decide(app_of(request)->state, id, TABLE_REQUEST_REFUSED,
				     caller_of(request)->user->row->email,
				     http_request_text(request, "answer"), &error)
		       ? answer_decided(request, id, TABLE_REQUEST_REFUSED, NULL)
		       : refuse_decision(request, error);
}

static const struct http_field create_fields[] = {
	{"table", HTTP_IN_BODY, HTTP_STRING, .required = true, .most = NAME_LONGEST,
	 .meaning = "the name of the table; whether there is one is not told"},
	{"reason", HTTP_IN_BODY, HTTP_STRING, .nullable = true, .most = REASON_LONGEST},
	{0},
};
static const struct http_field list_fields[] = {
	{"all", HTTP_IN_QUERY, HTTP_BOOLEAN, .initial = "false",
	 .meaning = "everybody's, for administrators"},
	{"status", HTTP_IN_QUERY, HTTP_STRING, .meaning = "pending, approved or refused"},
	{0},
};
static const struct http_field approve_fields[] = {
	{"request_id", HTTP_IN_PATH, HTTP_STRING, .required = true},
	{"group_id", HTTP_IN_BODY, HTTP_STRING, .required = true,
	 .meaning = "the group that gets the grant and the user"},
	{"answer", HTTP_IN_BODY, HTTP_STRING, .nullable = true, .most = ANSWER_LONGEST},
	{0},
};
static const struct http_field refuse_fields[] = {
	{"request_id", HTTP_IN_PATH, HTTP_STRING, .required = true},
	{"answer", HTTP_IN_BODY, HTTP_STRING, .required = true, .most = ANSWER_LONGEST,
	 .meaning = "a word to the user"},
	{0},
};
static const struct http_answer created[] = {{201, "The request"},
					     {409, "The caller has asked for it already"},
					     {429, "The caller has too many open requests"},
					     {0}};
static const struct http_answer decided[] = {{404, "No such request or group"},
					     {409, "It was decided already, or there is no table"},
					     {0}};

const struct http_route access_request_routes[] = {
	{HTTP_POST, "/api/access-requests", ACCESS_USER, HTTP_BLOCKING, HTTP_JSON,
	 .fields = create_fields, .tag = "access", .answers = created, .summary = "Ask for a table",
	 .handle = create_request},
	{HTTP_GET, "/api/access-requests", ACCESS_USER, HTTP_BLOCKING, .fields = list_fields,
	 .tag = "access", .summary = "The caller's requests, or everybody's",
	 .handle = list_requests},
	{HTTP_POST, "/api/access-requests/{request_id}/approve", ACCESS_ADMIN, HTTP_BLOCKING,
	 HTTP_JSON, .fields = approve_fields, .tag = "access", .answers = decided,
	 .summary = "Let the user read the table, through a group", .handle = approve_request},
	{HTTP_POST, "/api/access-requests/{request_id}/refuse", ACCESS_ADMIN, HTTP_BLOCKING,
	 HTTP_JSON, .fields = refuse_fields, .tag = "access", .answers = decided,
	 .summary = "Refuse a request", .handle = refuse_request},
	{0},
};
