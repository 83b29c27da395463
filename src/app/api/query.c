/* /api/query: SQL over the tables that the caller may read, in several formats. */
#include "app/app.h"
#include "app/delivery.h"
#include "app/queries.h"
#include "app/routes.h"

#include <string.h>

enum { ID_LONGEST = 64 };

/* A name for the query that its caller may choose; a request id is one already. */
static bool choose_id(const struct http_request *request, char **id)
{
	const char *given = http_request_header(request, "X-Query-Id");
	if (!given) {
		*id = g_uuid_string_random();
		return true;
	}
	size_t length = strspn(given,
			       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	if (length == 0 || length > ID_LONGEST || given[length])
		return false;
	*id = g_strdup(given);
	return true;
}

static struct http_response *run_query(struct http_request *request)
{
	const struct queries_limits *limits = queries_limits(app_of(request)->queries);
	const struct delivery_format *format = delivery_format_choose(request, "json");
	g_autofree char *id = NULL;
	if (!format)
		return http_refuse(400, "format must be " DELIVERY_FORMATS);
	if (!choose_id(request, &id))
		return http_refuse(400, "X-Query-Id must be 1 to 64 letters, digits, '_' or '-'");
	const struct delivery_wish wish = {
		.id = id,
		.action = "query",
		.sql = http_request_text(request, "sql"),
		.format = format->name,
		.limit = MIN(http_request_int(request, "limit"), limits->rows),
	};
	return delivery_send(request, &wish, format->type);
}

/* --- watching and cancelling --- */

/* In the report of the pool, borrowed from it: the caller's own, or an administrator's any. */
static json_t *find_in_report(const json_t *report, const char *id, const struct caller *caller)
{
	size_t index;
	json_t *query, *other = NULL;
	json_array_foreach(json_object_get(report, "queries"), index, query)
	{
		const char *user = json_string_value(json_object_get(query, "user"));
		if (g_strcmp0(json_string_value(json_object_get(query, "id")), id) != 0)
			continue;
		if (g_strcmp0(user, caller->user->row->id) == 0)
			return query;
		other = query;
	}
	return caller->user->is_admin ? other : NULL;
}

static struct http_response *get_query(struct http_request *request)
{
	const char *id = http_request_text(request, "query_id");
	g_autoptr(json_t) report = query_pool_report(queries_pool(app_of(request)->queries));
	json_t *query = find_in_report(report, id, caller_of(request));
	return query ? http_json(200, json_incref(query)) : http_refuse(404, "Query not found");
}

/* An administrator's own goes before those of others that have the same name. */
static bool cancel(struct query_pool *pool, const char *id, const struct caller *caller)
{
	return query_pool_cancel(pool, id, caller->user->row->id, NULL) ||
	       (caller->user->is_admin && query_pool_cancel(pool, id, NULL, NULL));
}

static struct http_response *cancel_query(struct http_request *request)
{
	const char *id = http_request_text(request, "query_id");
	if (!cancel(queries_pool(app_of(request)->queries), id, caller_of(request)))
		return http_refuse(404, "Query not found");
	return http_json(200, json_pack("{ss ss}", "status", "cancelled", "id", id));
}

static struct http_response *list_queries(struct http_request *request)
{
	return http_json(200, query_pool_report(queries_pool(app_of(request)->queries)));
}

static const struct http_field query_fields[] = {
	{"sql", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"limit", HTTP_IN_BODY, HTTP_INTEGER, .initial = "1000", .meaning = "rows of the result"},
	{"format", HTTP_IN_QUERY, HTTP_STRING, .meaning = DELIVERY_FORMATS},
	{0},
};
static const struct http_field id_fields[] = {
	{"query_id", HTTP_IN_PATH, HTTP_STRING, .required = true}, {0}};
static const struct http_answer answered[] = {{400, "Not a single SELECT, or it failed"},
					      {403, "It names what the caller may not read"},
					      {409, "A query of the caller with this id runs"},
					      {413, "The statement or the result is too large"},
					      {429, "Too many queries at the moment"},
					      {0}};
static const struct http_answer found[] = {{404, "No such query of the caller"}, {0}};

const struct http_route query_routes[] = {
	{HTTP_POST, "/api/query", ACCESS_USER, HTTP_BLOCKING, HTTP_JSON, .fields = query_fields,
	 .tag = "query", .answers = answered, .summary = "Run a query", .handle = run_query},
	{HTTP_GET, "/api/query/{query_id}", ACCESS_USER, .fields = id_fields, .tag = "query",
	 .answers = found, .summary = "How far a query is", .handle = get_query},
	{HTTP_DELETE, "/api/query/{query_id}", ACCESS_USER, .fields = id_fields, .tag = "query",
	 .answers = found, .summary = "Cancel a query", .handle = cancel_query},
	{HTTP_GET, "/api/admin/queries", ACCESS_ADMIN, .tag = "query",
	 .summary = "Running queries and their workers", .handle = list_queries},
	{0},
};
