/* /api/query: SQL over the tables that the caller may read, in several formats. */
#include "app/app.h"
#include "app/auditor.h"
#include "app/publisher.h"
#include "app/queries.h"
#include "app/routes.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	READ_SIZE = 256 * 1024,
	SQL_IN_LOG = 1000, /* characters of a slow query */
	ID_LONGEST = 64,
	SECONDS_BUSY = 2, /* for Retry-After */
};

static const struct format {
	const char *name, *type;
} formats[] = {
	{"json", "application/json"},
	{"csv", "text/csv"},
	{"ndjson", "application/x-ndjson"},
	{"parquet", "application/vnd.apache.parquet"},
	{"arrow", "application/vnd.apache.arrow.stream"},
};

/* By ?format=, else by Accept, else JSON. NULL: no such format. */
static const struct format *choose_format(const struct http_request *request)
{
	const char *wanted = http_request_text(request, "format");
	const char *accept = http_request_header(request, "Accept");
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
		if (wanted ? strcmp(wanted, formats[i].name) == 0
			   : accept && strstr(accept, formats[i].type))
			return &formats[i];
	}
	return wanted ? NULL : &formats[0];
}

/* --- one query on its way: its run, and what is told of it at its end --- */

struct delivery {
	struct app *app;
	struct query_run *run;
	char *user_id, *sql, *id;
	const char *format;
	gint64 started; /* monotonic */
	int pipe;	/* where the pump writes; -1: it does not */
	gint done;	/* atomic: how the pump ended */
	gint references;
};

enum { PUMP_RUNS, PUMP_COMPLETE, PUMP_BROKEN };

static void delivery_free(struct delivery *delivery)
{
	if (!g_atomic_int_dec_and_test(&delivery->references))
		return;
	query_run_free(delivery->run);
	g_free(delivery->user_id);
	g_free(delivery->sql);
	g_free(delivery->id);
	g_free(delivery);
}

static void tell(const struct delivery *delivery, const char *result, int64_t rows)
{
	int64_t milliseconds = (g_get_monotonic_time() - delivery->started) / 1000;
	const struct audit_note note = {.user_id = delivery->user_id,
					.action = "query",
					.resource = delivery->id,
					.result = result,
					.duration_ms = milliseconds};
	json_t *params = json_pack("{ss ss}", "format", delivery->format, "sql", delivery->sql);
	if (rows >= 0)
		json_object_set_new(params, "rows", json_integer(rows));
	auditor_record(delivery->app->auditor, &note, params);
	if (milliseconds >= queries_limits(delivery->app->queries)->slow_milliseconds)
		g_message("slow query %s: %" G_GINT64_FORMAT " ms, %s: %.*s", delivery->id,
			  milliseconds, result, SQL_IN_LOG, delivery->sql);
}

static void tell_end(const struct delivery *delivery, bool complete)
{
	const json_t *summary = complete ? query_run_summary(delivery->run) : NULL;
	tell(delivery, complete ? "ok" : "broken",
	     summary ? json_integer_value(json_object_get(summary, "rows")) : -1);
}

static bool write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, data, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		data += written;
		size -= (size_t)written;
	}
	return true;
}

/* Moves a long result from the worker to the connection, as fast as the slower of the two. */
static gpointer pump(gpointer data)
{
	struct delivery *delivery = data;
	g_autofree char *part = g_malloc(READ_SIZE);
	g_autoptr(GError) error = NULL;
	gssize got;
	while ((got = query_run_read(delivery->run, part, READ_SIZE, &error)) > 0) {
		if (!write_all(delivery->pipe, part, (size_t)got))
			break;
	}
	if (error)
		g_warning("query %s broke off: %s", delivery->id, error->message);
	g_atomic_int_set(&delivery->done, got == 0 ? PUMP_COMPLETE : PUMP_BROKEN);
	tell_end(delivery, got == 0);
	close(delivery->pipe);
	delivery_free(delivery);
	return NULL;
}

/* At the end of the pipe: whether everything went through it. */
static bool finish_relay(void *data, bool left)
{
	struct delivery *delivery = data;
	bool complete = g_atomic_int_get(&delivery->done) == PUMP_COMPLETE;
	delivery_free(delivery);
	return complete;
}

static struct http_response *relay(struct http_request *request, struct delivery *delivery,
				   const struct format *format)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		GError *error = NULL;
		agnes_set_errno(&error, errno, "cannot open a pipe");
		delivery_free(delivery);
		return http_refuse_error(request, error);
	}
	delivery->pipe = ends[1];
	g_atomic_int_inc(&delivery->references);
	g_thread_unref(g_thread_new("query-pump", pump, delivery));
	return http_relay(200, format->type, ends[0], finish_relay, delivery);
}

/* A result that is here already is sent in one piece, with its length. */
static struct http_response *send_whole(struct http_request *request, struct delivery *delivery,
					const struct format *format, size_t left)
{
	GError *error = NULL;
	char *bytes = g_malloc(left + 1);
	size_t size = 0;
	gssize got = 0;
	while (size < left &&
	       (got = query_run_read(delivery->run, bytes + size, left - size, &error)) > 0)
		size += (size_t)got;
	tell_end(delivery, !error);
	delivery_free(delivery);
	if (error) {
		g_free(bytes);
		return http_refuse_error(request, error);
	}
	g_autoptr(GBytes) whole = g_bytes_new_take(bytes, size);
	return http_bytes(200, format->type, whole);
}

/* --- refusals --- */

static struct http_response *refuse_query(const struct delivery *delivery, GError *error)
{
	g_autoptr(GError) owned = error;
	struct http_response *response;
	tell(delivery, "refused", -1);
	switch (owned->code) {
	case AGNES_ERROR_DENIED:
		return http_refuse(403, "%s", owned->message);
	case AGNES_ERROR_CONFLICT:
		return http_refuse(409, "%s", owned->message);
	case AGNES_ERROR_TOO_LARGE:
		return http_refuse(413, "%s", owned->message);
	case AGNES_ERROR_BUSY:
		response = http_refuse(429, "%s", owned->message);
		http_response_header(response, "Retry-After", G_STRINGIFY(2));
		return response;
	case AGNES_ERROR_INVALID:
	case AGNES_ERROR_TIMEOUT:
	case AGNES_ERROR_CANCELLED:
	case AGNES_ERROR_NOT_FOUND:
	case AGNES_ERROR_UNSUPPORTED:
		return http_refuse(400, "%s", owned->message);
	default:
		g_warning("query %s: %s", delivery->id, owned->message);
		return http_refuse(500, "%s", owned->message);
	}
}

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

static struct delivery *delivery_new(struct http_request *request, const struct format *format,
				     char *id)
{
	struct delivery *delivery = g_new0(struct delivery, 1);
	delivery->app = app_of(request);
	delivery->user_id = g_strdup(caller_of(request)->user->row->id);
	delivery->sql = g_strdup(http_request_text(request, "sql"));
	delivery->id = id;
	delivery->format = format->name;
	delivery->started = g_get_monotonic_time();
	delivery->pipe = -1;
	delivery->references = 1;
	return delivery;
}

/* A source that is of the present edition: one that was outdated between two looks is tried again.
 */
static struct query_source *find_source(struct http_request *request, GError **error)
{
	struct app *app = app_of(request);
	g_autoptr(directory_view) directory = directory_store_get(app->directory);
	const struct directory_user *user = directory_user(directory,
							   caller_of(request)->user->row->id);
	for (int attempt = 0; user; attempt++) {
		g_autoptr(GError) problem = NULL;
		g_autoptr(edition) edition = publisher_edition(app->publisher);
		struct query_source *source = queries_source(app->queries, directory, user, edition,
							     &problem);
		if (source)
			return source;
		if (attempt > 2 || !g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_CONFLICT)) {
			g_propagate_error(error, g_steal_pointer(&problem));
			return NULL;
		}
	}
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_DENIED, "User not found");
	return NULL;
}

static void cancel_when_gone(void *data)
{
	const struct delivery *delivery = data;
	query_pool_cancel(queries_pool(delivery->app->queries), delivery->id, NULL, NULL);
}

static bool start(struct http_request *request, struct delivery *delivery, GError **error)
{
	const struct queries_limits *limits = queries_limits(delivery->app->queries);
	g_autoptr(query_source) source = find_source(request, error);
	if (!source)
		return false;
	const struct query_pool_request wanted = {
		.id = delivery->id,
		.user = delivery->user_id,
		.sql = delivery->sql,
		.format = delivery->format,
		.limit = MIN(http_request_int(request, "limit"), limits->rows),
		.most_bytes = limits->bytes,
		.milliseconds = limits->seconds * 1000,
		.cpu_seconds = limits->seconds * 2,
	};
	http_request_on_gone(request, cancel_when_gone, delivery);
	delivery->run = query_pool_start(queries_pool(delivery->app->queries), source, &wanted,
					 error);
	http_request_on_gone(request, NULL, NULL);
	return delivery->run != NULL;
}

static struct http_response *run_query(struct http_request *request)
{
	GError *error = NULL;
	char *id;
	size_t left;
	const struct format *format = choose_format(request);
	if (!format)
		return http_refuse(400, "format must be json, csv, ndjson, parquet or arrow");
	if (!choose_id(request, &id))
		return http_refuse(400, "X-Query-Id must be 1 to 64 letters, digits, '_' or '-'");
	struct delivery *delivery = delivery_new(request, format, id);
	g_autofree char *shown_id = g_strdup(id);
	struct http_response *response;
	if (!start(request, delivery, &error)) {
		response = refuse_query(delivery, error);
		delivery_free(delivery);
	} else if (query_run_is_complete(delivery->run, &left)) {
		response = send_whole(request, delivery, format, left);
	} else {
		response = relay(request, delivery, format);
	}
	http_response_header(response, "X-Query-Id", shown_id);
	return response;
}

/* --- watching and cancelling --- */

/* The caller's query of that id in the report of the pool; borrowed from it. */
static json_t *find_in_report(const json_t *report, const char *id, const struct caller *caller)
{
	size_t index;
	json_t *query;
	json_array_foreach(json_object_get(report, "queries"), index, query)
	{
		const char *user = json_string_value(json_object_get(query, "user"));
		bool own = caller->user->is_admin || g_strcmp0(user, caller->user->row->id) == 0;
		if (own && g_strcmp0(json_string_value(json_object_get(query, "id")), id) == 0)
			return query;
	}
	return NULL;
}

static struct http_response *get_query(struct http_request *request)
{
	const char *id = http_request_text(request, "query_id");
	g_autoptr(json_t) report = query_pool_report(queries_pool(app_of(request)->queries));
	json_t *query = find_in_report(report, id, caller_of(request));
	return query ? http_json(200, json_incref(query)) : http_refuse(404, "Query not found");
}

static struct http_response *cancel_query(struct http_request *request)
{
	g_autoptr(GError) error = NULL;
	const struct caller *caller = caller_of(request);
	const char *id = http_request_text(request, "query_id");
	const char *user = caller->user->is_admin ? NULL : caller->user->row->id;
	if (!query_pool_cancel(queries_pool(app_of(request)->queries), id, user, &error))
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
	{"format", HTTP_IN_QUERY, HTTP_STRING, .meaning = "json, csv, ndjson, parquet or arrow"},
	{0},
};
static const struct http_field id_fields[] = {
	{"query_id", HTTP_IN_PATH, HTTP_STRING, .required = true}, {0}};
static const struct http_answer answered[] = {{400, "Not a single SELECT, or it failed"},
					      {403, "It names what the caller may not read"},
					      {409, "A query with this id runs"},
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
