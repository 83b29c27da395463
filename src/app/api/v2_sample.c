/* GET /api/v2/sample: the first rows of a table. */
#include "app/app.h"
#include "app/delivery.h"
#include "app/publisher.h"
#include "app/routes.h"
#include "app/v2_table.h"
#include "base/json.h"
#include "query/execute.h"

enum { MOST_BYTES = 16 * 1024 * 1024 };

/* The rows are JSON already, with numbers that a tree could not hold. */
static struct http_response *answer(const struct directory_table *table, GBytes *rows)
{
	gsize size;
	const char *text = g_bytes_get_data(rows, &size);
	g_autoptr(json_t) id = json_string(table->id), source = json_string(v2_table_source(table));
	g_autofree char *id_text = json_to_text(id), *source_text = json_to_text(source);
	g_autofree char *body = g_strdup_printf("{\"table_id\":%s,\"rows\":%.*s,\"source\":%s}",
						id_text, (int)size, text, source_text);
	size_t length = strlen(body);
	g_autoptr(GBytes) bytes = g_bytes_new_take(g_steal_pointer(&body), length);
	return http_json_bytes(200, bytes);
}

static struct http_response *get_sample(struct http_request *request)
{
	struct http_response *refusal;
	const char *id = http_request_text(request, "table_id");
	g_autofree char *unknown = g_strdup_printf("table '%s' not found", id);
	const struct directory_table *table = v2_table_find(
		request, id, "not authorized for this table", unknown, &refusal);
	g_autoptr(edition) edition = publisher_edition(app_of(request)->publisher);
	if (!table || !v2_table_file(app_of(request), table, edition, &refusal))
		return refusal;
	int64_t count = http_request_int(request, "n");
	g_autoptr(json_t) scan = json_pack("{ss ss sI}", "table", table->name, "alias", table->id,
					   "limit", (json_int_t)count);
	g_autofree char *shown = g_strdup_printf("sample of %s: %" G_GINT64_FORMAT " rows",
						 table->id, count);
	const struct delivery_wish wish = {
		.action = "sample",
		.resource = table->id,
		.sql = shown,
		.scan = scan,
		.format = "sample",
		.limit = QUERY_NO_LIMIT,
		.most_bytes = MOST_BYTES,
	};
	g_autoptr(GBytes) rows = delivery_collect(request, &wish, &refusal);
	return rows ? answer(table, rows) : refusal;
}

static const struct http_field fields[] = {
	{"table_id", HTTP_IN_PATH, HTTP_STRING, .required = true, .meaning = "its id or its name"},
	{"n", HTTP_IN_QUERY, HTTP_INTEGER, .initial = "5", .least = 1, .most = 100,
	 .meaning = "how many rows"},
	{0},
};
static const struct http_answer answers[] = {{404, "No such table, or it has no file"},
					     {413, "The rows are too large for a sample"},
					     {0}};

const struct http_route v2_sample_routes[] = {
	{HTTP_GET, "/api/v2/sample/{table_id}", ACCESS_USER, HTTP_BLOCKING, .fields = fields,
	 .tag = "v2", .answers = answers, .summary = "The first rows of a table",
	 .handle = get_sample},
	{0},
};
