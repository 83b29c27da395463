/* From a request to a note of the auditor. */
#include "app/audit.h"

#include "app/app.h"
#include "app/auditor.h"

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
