/* POST /api/v2/scan and /api/v2/scan/estimate: columns and rows of one table, as Arrow. */
#include "app/api/v2_scan_fields.h"
#include "app/app.h"
#include "app/delivery.h"
#include "app/publisher.h"
#include "app/routes.h"
#include "app/scan_quota.h"
#include "app/v2_table.h"
#include "base/json.h"
#include "query/execute.h"

#include <string.h>

/* --- what may be asked for --- */

enum { MOST_ROWS = 10000000, MOST_CONCURRENT = 5 };
#define MOST_BYTES	 (INT64_C(2) << 30)
#define MOST_DAILY_BYTES (INT64_C(50) << 30)

struct limits {
	int64_t rows;
	uint64_t bytes;
	struct scan_limits quota;
};

/* Zero stands for the default, too. */
static int64_t or_default(int64_t value, int64_t otherwise)
{
	return value > 0 ? value : otherwise;
}

static void read_limits(struct app *app, struct limits *limits)
{
	g_autoptr(configuration) config = app_config(app);
	int64_t bytes = (int64_t)config_size(config, "api.scan.max_result_bytes");
	int64_t concurrent = config_int(config, "api.scan.max_concurrent_per_user");
	int64_t daily = (int64_t)config_size(config, "api.scan.max_daily_bytes_per_user");
	*limits = (struct limits){
		.rows = or_default(config_int(config, "api.scan.max_limit"), MOST_ROWS),
		.bytes = (uint64_t)or_default(bytes, MOST_BYTES),
		.quota = {.concurrent = or_default(concurrent, MOST_CONCURRENT),
			  .daily_bytes = or_default(daily, MOST_DAILY_BYTES)},
	};
}

/* --- a scan as the worker and as people read it --- */

static json_t *pack_scan(const struct directory_table *table, const struct scan_fields *fields)
{
	json_t *scan = json_pack("{ss ss sO? sO? ss?}", "table", table->name, "alias", table->id,
				 "select", fields->select, "order_by", fields->order_by, "where",
				 fields->where);
	if (fields->limit >= 0)
		json_object_set_new(scan, "limit", json_integer(fields->limit));
	return scan;
}

static char *show_scan(const json_t *scan)
{
	g_autofree char *text = json_to_text(scan);
	return g_strconcat("scan ", text, NULL);
}

/* The table of the request and the scan of it; NULL: *refusal is the answer. */
static json_t *take_scan(struct http_request *request, const struct scan_fields *fields,
			 const struct limits *limits, const char *denied, const char *unknown,
			 const struct directory_table **table, struct http_response **refusal)
{
	struct app *app = app_of(request);
	*table = v2_table_find(request, fields->table_id, denied, unknown, refusal);
	if (!*table)
		return NULL;
	if (limits && fields->limit > limits->rows) {
		*refusal = http_refuse(400,
				       "limit %" G_GINT64_FORMAT " exceeds max %" G_GINT64_FORMAT,
				       fields->limit, limits->rows);
		return NULL;
	}
	g_autoptr(edition) edition = publisher_edition(app->publisher);
	return v2_table_file(app, *table, edition, refusal) ? pack_scan(*table, fields) : NULL;
}

/* Whether the scan is as it should be, without running it. */
static bool check_scan(struct http_request *request, const struct directory_table *table,
		       const json_t *scan, struct http_response **refusal)
{
	g_autofree char *shown = show_scan(scan);
	const struct delivery_wish wish = {
		.action = "scan.check",
		.resource = table->id,
		.sql = shown,
		.scan = scan,
		.format = "none",
		.limit = QUERY_NO_LIMIT,
		.most_bytes = 1, /* none is expected */
	};
	g_autoptr(GBytes) nothing = delivery_collect(request, &wish, refusal);
	return nothing != NULL;
}

/* --- the scan --- */

/* Who is charged for it. */
struct charge {
	struct scan_quotas *quotas;
	char *user_id;
};

static void end_scan(void *data, uint64_t bytes)
{
	g_autofree struct charge *charge = data;
	g_autofree char *user_id = charge->user_id;
	scan_quotas_end(charge->quotas, user_id, bytes);
}

/* Mistakes in the scan are told before a quota is. */
static struct http_response *refuse_quota(struct http_request *request,
					  const struct directory_table *table, const json_t *scan,
					  json_t *excess)
{
	g_autoptr(json_t) owned = excess;
	struct http_response *refusal;
	if (!check_scan(request, table, scan, &refusal))
		return refusal;
	int64_t seconds = json_integer_value(json_object_get(excess, "retry_after_seconds"));
	g_autofree char *wait = g_strdup_printf("%" G_GINT64_FORMAT, MAX(seconds, 1));
	refusal = http_refuse_with(429, json_incref(excess));
	http_response_header(refusal, "Retry-After", wait);
	return refusal;
}

static struct http_response *send_scan(struct http_request *request,
				       const struct directory_table *table, const json_t *scan,
				       const struct limits *limits)
{
	struct app *app = app_of(request);
	const char *user_id = caller_of(request)->user->row->id;
	const struct delivery_format *format = delivery_format_choose(request, "arrow");
	if (!format)
		return http_refuse(400, "format must be " DELIVERY_FORMATS);
	json_t *excess = scan_quotas_begin(app->scan_quotas, user_id, &limits->quota);
	if (excess)
		return refuse_quota(request, table, scan, excess);
	struct charge *charge = g_new0(struct charge, 1);
	charge->quotas = app->scan_quotas;
	charge->user_id = g_strdup(user_id);
	g_autofree char *shown = show_scan(scan);
	/* DuckDB writes Parquet itself, and half a file is none. */
	bool is_parquet = strcmp(format->name, "parquet") == 0;
	const struct delivery_wish wish = {
		.action = "scan",
		.resource = table->id,
		.sql = shown,
		.scan = scan,
		.format = format->name,
		.limit = QUERY_NO_LIMIT,
		.most_bytes = is_parquet ? limits->bytes : 0,
		.cut_bytes = is_parquet ? 0 : limits->bytes,
		.ended = end_scan,
		.data = charge,
	};
	struct http_response *response = delivery_send(request, &wish, format->type);
	http_response_plain(response);
	return response;
}

static struct http_response *run_scan(struct http_request *request)
{
	struct scan_fields fields;
	struct limits limits;
	struct http_response *refusal;
	const struct directory_table *table;
	g_autofree char *problem = scan_fields_take(request, &fields);
	if (problem)
		return http_refuse(400, "%s", problem);
	read_limits(app_of(request), &limits);
	g_autoptr(json_t) scan = take_scan(request, &fields, &limits, "not authorized",
					   "table not found", &table, &refusal);
	return scan ? send_scan(request, table, scan, &limits) : refusal;
}

static struct http_response *estimate_scan(struct http_request *request)
{
	struct scan_fields fields;
	struct http_response *refusal;
	const struct directory_table *table;
	g_autofree char *problem = scan_fields_take(request, &fields);
	if (problem)
		return http_refuse(400, "%s", problem);
	g_autofree char *unknown = g_strdup_printf("table %s not found", fields.table_id);
	g_autoptr(json_t) scan = take_scan(request, &fields, NULL, "not authorized for this table",
					   unknown, &table, &refusal);
	if (!scan || !check_scan(request, table, scan, &refusal))
		return refusal;
	/* Reading a file of our own costs nobody anything. */
	return http_json(200, json_pack("{ss si sn sn sf}", "table_id", table->id,
					"estimated_scan_bytes", 0, "estimated_result_rows",
					"estimated_result_bytes", "bq_cost_estimate_usd", 0.0));
}

#define SCAN_FIELDS                                                                              \
	{"table_id", HTTP_IN_BODY, HTTP_ANY, .nullable = true, .meaning = "its id or its name"}, \
		{"select", HTTP_IN_BODY, HTTP_ANY, .nullable = true,                             \
		 .meaning = "names of columns; without it all"},                                 \
		{"where", HTTP_IN_BODY, HTTP_ANY, .nullable = true,                              \
		 .meaning = "one expression over the columns"},                                  \
		{"limit", HTTP_IN_BODY, HTTP_ANY, .nullable = true, .meaning = "most rows"},     \
	{                                                                                        \
		"order_by", HTTP_IN_BODY, HTTP_ANY,                                              \
			.nullable = true,                                                        \
			.meaning = "names of columns, each with ASC or DESC if need be"          \
	}

static const struct http_field scan_fields[] = {
	SCAN_FIELDS,
	{"format", HTTP_IN_QUERY, HTTP_STRING, .meaning = DELIVERY_FORMATS},
	{0},
};
static const struct http_field estimate_fields[] = {SCAN_FIELDS, {0}};
static const struct http_answer estimated[] = {
	{400, "The scan is wrong"}, {404, "No such table, or it has no file"}, {0}};
static const struct http_answer scanned[] = {
	{400, "The scan is wrong"},
	{404, "No such table, or it has no file"},
	{429, "Too many scans at a time, or too many bytes today"},
	{0}};

const struct http_route v2_scan_routes[] = {
	{HTTP_POST, "/api/v2/scan", ACCESS_USER, HTTP_BLOCKING, HTTP_JSON, .fields = scan_fields,
	 .tag = "v2", .answers = scanned, .summary = "Columns and rows of a table",
	 .handle = run_scan},
	{HTTP_POST, "/api/v2/scan/estimate", ACCESS_USER, HTTP_BLOCKING, HTTP_JSON,
	 .fields = estimate_fields, .tag = "v2", .answers = estimated,
	 .summary = "What a scan would read and cost", .handle = estimate_scan},
	{0},
};
