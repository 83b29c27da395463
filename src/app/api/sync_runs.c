/* /api/sync: having data fetched, and seeing how it goes. */
#include "app/app.h"
#include "app/audit.h"
#include "app/routes.h"
#include "app/sync/runner.h"
#include "app/wire.h"
#include "base/error.h"
#include "state/sync_state.h"

#include <string.h>

enum {
	MOST_LISTED = 10000,	      /* tables of one wish */
	BODY_LIMIT = 2 * 1024 * 1024, /* bytes that name them */
	MOST_HISTORY = 1000,
};

/* --- the trigger --- */

/* The list of tables in a body: the body itself, or its member "tables"; NULL: there is none. */
static const json_t *find_list(const json_t *body)
{
	const json_t *list = json_is_object(body) ? json_object_get(body, "tables") : body;
	return json_array_size(list) > 0 ? list : NULL;
}

static bool is_list_of_texts(const json_t *list)
{
	size_t index;
	const json_t *id;
	json_array_foreach((json_t *)list, index, id)
	{
		if (!json_is_string(id))
			return false;
	}
	return json_array_size(list) <= MOST_LISTED;
}

/* What older programs send: nothing, null, or an array; their documentation shows an object. */
static struct http_response *refuse_body(const json_t *body)
{
	const json_t *list = json_is_object(body) ? json_object_get(body, "tables") : body;
	if (body && !json_is_null(body) && !json_is_object(body) && !json_is_array(body))
		return http_invalid(NULL, "Input should be a list of ids of tables");
	if (list && !json_is_null(list) && !json_is_array(list) &&
	    strcmp(json_is_string(list) ? json_string_value(list) : "", "all") != 0)
		return http_invalid("tables", "Input should be a list of ids of tables");
	if (json_is_array(list) && !is_list_of_texts(list))
		return http_invalid(NULL, "Input should be a list of at most %d ids of tables",
				    MOST_LISTED);
	return NULL;
}

static char **ids_of(const json_t *list)
{
	size_t index;
	const json_t *id;
	g_autoptr(GStrvBuilder) ids = g_strv_builder_new();
	if (!list)
		return NULL;
	json_array_foreach((json_t *)list, index, id)
		g_strv_builder_add(ids, json_string_value(id));
	return g_strv_builder_end(ids);
}

static struct http_response *trigger(struct http_request *request)
{
	const struct caller *caller = caller_of(request);
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) body = NULL;
	gsize size = 0;
	const char *text = request->body ? g_bytes_get_data(request->body, &size) : NULL;
	if (size > 0)
		body = json_parse(text, size, "the body", &error);
	if (size > 0 && !body)
		return http_invalid(NULL, "%s", error->message);
	struct http_response *refusal = refuse_body(body);
	if (refusal)
		return refusal;
	const json_t *list = find_list(body);
	g_auto(GStrv) ids = ids_of(list);
	json_t *tables = list ? json_deep_copy(list) : json_string("all");
	/* The scheduler asks every few minutes: that is not worth a note each time. */
	if (caller->kind != CALLER_SCHEDULER)
		audit_caller(request, "sync.trigger", NULL, "sync",
			     json_pack("{sO}", "tables", tables));
	sync_runner_trigger(app_of(request)->sync_runner, ids, caller->user->row->id);
	return http_json(200,
			 json_pack("{ss so ss}", "status", "triggered", "tables", tables, "message",
				   "Data sync started in background. Check /api/sync/status "
				   "for progress."));
}

/* --- seeing it --- */

static struct http_response *get_status(struct http_request *request)
{
	return http_json(200, sync_runner_status(app_of(request)->sync_runner));
}

static struct http_response *get_events(struct http_request *request)
{
	GError *error = NULL;
	int fd = sync_runner_listen(app_of(request)->sync_runner, &error);
	if (fd < 0)
		return http_refuse_error(request, error);
	struct http_response *response = http_relay(200, "text/event-stream", fd, NULL, NULL);
	http_response_header(response, "Cache-Control", "no-store");
	/* Proxies would collect events until there are many. */
	http_response_header(response, "X-Accel-Buffering", "no");
	return response;
}

static json_t *optional_int(int64_t value)
{
	return value == RECORD_NO_INT ? json_null() : json_integer(value);
}

static json_t *describe(const struct sync_run *row, const struct directory *directory)
{
	const struct directory_table *table = directory_table_named(directory, row->table_id);
	const char *source = table && table->registered ? table->registered->source_type : NULL;
	return json_pack("{ss ss so so so so so so}", "id", row->id, "table", row->table_id,
			 "source", wire_text(source), "synced_at", wire_time(row->synced_at),
			 "rows", optional_int(row->rows), "duration_ms",
			 optional_int(row->duration_ms), "status", wire_text(row->status), "error",
			 wire_text(row->error));
}

/* Names of the tables that the request asks for; NULL: all. */
static char **names_of(const struct http_request *request, const struct directory *directory)
{
	const char *table = http_request_text(request, "table");
	const char *source = http_request_text(request, "source");
	if (!table && !source)
		return NULL;
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();
	const struct directory_table *asked = table ? directory_table(directory, table) : NULL;
	if (table && !source)
		g_strv_builder_add(names, asked ? asked->name : table);
	for (size_t i = 0; source && i < directory->table_count; i++) {
		const struct directory_table *each = directory->tables[i];
		if (each->registered && (!table || each == asked) &&
		    g_strcmp0(each->registered->source_type, source) == 0)
			g_strv_builder_add(names, each->name);
	}
	return g_strv_builder_end(names);
}

static char *check_time(const json_t *value)
{
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(json_string_value(value), utc);
	return time ? NULL : g_strdup("Input should be a time such as 2026-01-31T12:00:00Z");
}

static int64_t time_of(const char *text)
{
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = text ? g_date_time_new_from_iso8601(text, utc) : NULL;
	return time ? g_date_time_to_unix(time) * G_USEC_PER_SEC + g_date_time_get_microsecond(time)
		    : DUCK_NO_TIME;
}

static struct http_response *get_history(struct http_request *request)
{
	GError *error = NULL;
	const struct directory *directory = caller_of(request)->directory;
	g_auto(GStrv) names = names_of(request, directory);
	const struct sync_history_filter filter = {
		.tables = names,
		.status = http_request_text(request, "status"),
		.since = time_of(http_request_text(request, "since")),
		.limit = http_request_int(request, "limit"),
	};
	g_autoptr(GPtrArray) rows = sync_history_search(app_of(request)->state, &filter, &error);
	if (!rows)
		return http_refuse_error(request, error);
	json_t *entries = json_array();
	for (guint i = 0; i < rows->len; i++)
		json_array_append_new(entries, describe(rows->pdata[i], directory));
	return http_json(200,
			 json_pack("{so sI}", "entries", entries, "count", (json_int_t)rows->len));
}

static const struct http_field history_fields[] = {
	{"table", HTTP_IN_QUERY, HTTP_STRING, .meaning = "its id or its name"},
	{"source", HTTP_IN_QUERY, HTTP_STRING, .meaning = "the source type of registered tables"},
	{"status", HTTP_IN_QUERY, HTTP_STRING},
	{"since", HTTP_IN_QUERY, HTTP_STRING, .check = check_time,
	 .meaning = "an ISO 8601 time, in UTC unless it says otherwise"},
	{"limit", HTTP_IN_QUERY, HTTP_INTEGER, .initial = "100", .least = 1, .most = MOST_HISTORY},
	{0},
};

static const struct http_answer triggered[] = {
	{200,
	 "A run was asked for; it begins when the one under way has ended, unless that has not "
	 "begun with any table"},
	{422, "The body is something else than a list of ids"},
	{0}};
static const struct http_answer stream[] = {
	{200, "Server-sent events: status, then run, source and table as they change"},
	{503, "Too many listen already"},
	{0}};

const struct http_route sync_run_routes[] = {
	{HTTP_POST, "/api/sync/trigger", ACCESS_ADMIN, HTTP_INLINE, HTTP_JSON,
	 .body_limit = BODY_LIMIT, .tag = "sync", .answers = triggered,
	 .summary = "Fetch the tables that are due, or those that are listed", .handle = trigger},
	{HTTP_GET, "/api/sync/status", ACCESS_ADMIN, HTTP_BLOCKING, .tag = "sync",
	 .summary = "The run under way, what waits, and the last runs", .handle = get_status},
	{HTTP_GET, "/api/sync/events", ACCESS_ADMIN, HTTP_BLOCKING, .tag = "sync",
	 .answers = stream, .summary = "The same as it happens", .handle = get_events},
	{HTTP_GET, "/api/sync/history", ACCESS_ADMIN, HTTP_BLOCKING, .fields = history_fields,
	 .tag = "sync", .summary = "New versions of tables, newest first", .handle = get_history},
	{0},
};
