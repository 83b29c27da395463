/* GET /api/admin/audit: who did what. */
#include "state/audit.h"
#include "app/app.h"
#include "app/auditor.h"
#include "app/routes.h"
#include "app/wire.h"

enum { MOST_ENTRIES = 1000 };

static json_t *describe(const struct audit_entry *row)
{
	json_t *duration = row->duration_ms == RECORD_NO_INT ? json_null()
							     : json_integer(row->duration_ms);
	return json_pack("{ss so so ss so so so so}", "id", row->id, "timestamp",
			 wire_time(row->timestamp), "user_id", wire_text(row->user_id), "action",
			 row->action, "resource", wire_text(row->resource), "params",
			 wire_text(row->params), "result", wire_text(row->result), "duration_ms",
			 duration);
}

static struct http_response *list_audit(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	/* What was done before is to be seen, although it is written with a delay. */
	auditor_flush(app->auditor);
	g_autoptr(GPtrArray) entries = audit_query(
		app->state, http_request_text(request, "user_id"),
		http_request_text(request, "action"), http_request_int(request, "limit"), &error);
	if (!entries)
		return http_refuse_error(request, error);
	json_t *list = json_array();
	for (guint i = 0; i < entries->len; i++)
		json_array_append_new(list, describe(entries->pdata[i]));
	return http_json(200,
			 json_pack("{so sI}", "entries", list, "count", (json_int_t)entries->len));
}

static const struct http_field list_fields[] = {
	{"user_id", HTTP_IN_QUERY, HTTP_STRING},
	{"action", HTTP_IN_QUERY, HTTP_STRING},
	{"limit", HTTP_IN_QUERY, HTTP_INTEGER, .initial = "50", .least = 1, .most = MOST_ENTRIES},
	{0},
};

const struct http_route audit_routes[] = {
	{HTTP_GET, "/api/admin/audit", ACCESS_ADMIN, HTTP_BLOCKING, .fields = list_fields,
	 .tag = "admin", .summary = "The audit log, newest first", .handle = list_audit},
	{0},
};
