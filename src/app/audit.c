/* From a request to a note of the auditor. */
#include "app/audit.h"

#include "app/app.h"
#include "app/auditor.h"
#include "state/grants.h"

void audit_caller(const struct http_request *request, const char *action, const char *kind,
		  const char *id, json_t *params)
{
	g_autofree char *resource = kind ? g_strconcat(kind, ":", id, NULL) : g_strdup(id);
	const struct audit_note note = {.user_id = caller_of(request)->user->row->id,
					.action = action,
					.resource = resource,
					.duration_ms = -1};
	auditor_record(app_of(request)->auditor, &note, params);
}

void audit_grant(const struct http_request *request, const char *action, const struct grant *grant)
{
	audit_caller(request, action, "grant", grant->id,
		     json_pack("{ss ss ss}", "group_id", grant->group_id, "resource_type",
			       grant->resource_type, "resource_id", grant->resource_id));
}

void audit_member_added(const struct http_request *request, const char *group_id,
			const char *user_email)
{
	audit_caller(request, "user_group.member_added", "group", group_id,
		     json_pack("{ss}", "user_email", user_email));
}

void audit_sign_in(const struct http_request *request, const char *action, const char *user_id,
		   const char *result)
{
	const struct audit_note note = {.user_id = user_id,
					.action = action,
					.resource = "auth",
					.result = result,
					.duration_ms = -1};
	auditor_record(app_of(request)->auditor, &note, NULL);
}
