/* GET /api/health, /api/health/detailed, /api/version and the API's own description. */
#include "app/health.h"

#include "app/app.h"
#include "app/freshness.h"
#include "app/routes.h"
#include "app/wire.h"
#include "http/openapi.h"
#include "state/schema.h"

#include <string.h>

enum {
	MOST_FAILURES = 100,  /* that are listed with their errors */
	LONGEST_ERROR = 1000, /* bytes of each */
};

static const char *environment_or(const char *name, const char *otherwise)
{
	const char *value = g_getenv(name);
	return value && *value ? value : otherwise;
}

static json_t *build_identity(const struct app *app)
{
	return json_pack("{ss ss ss ss si so}", "version", environment_or("AGNES_VERSION", "dev"),
			 "channel", environment_or("RELEASE_CHANNEL", "dev"), "image_tag",
			 environment_or("AGNES_TAG", "unknown"), "commit_sha",
			 environment_or("AGNES_COMMIT_SHA", "unknown"), "schema_version",
			 SCHEMA_VERSION, "deployed_at", wire_time_offset(app->started));
}

static struct http_response *get_health(struct http_request *request)
{
	g_autoptr(GBytes) answer = health_answer(app_of(request)->health);
	return http_json_bytes(200, answer);
}

/* The same for load balancers, which look at the status code. */
static struct http_response *get_ready(struct http_request *request)
{
	struct app *app = app_of(request);
	g_autoptr(GBytes) answer = health_answer(app->health);
	return http_json_bytes(health_schema(app->health) == HEALTH_OK ? 200 : 503, answer);
}

static struct http_response *get_version(struct http_request *request)
{
	return http_json(200, build_identity(app_of(request)));
}

static void add_failure(json_t *failures, const struct directory_table *table)
{
	const char *error = table->synced->error ? table->synced->error : "";
	g_autofree char *shown = g_utf8_make_valid(error, (gssize)strnlen(error, LONGEST_ERROR));
	if (json_array_size(failures) < MOST_FAILURES)
		json_array_append_new(failures,
				      json_pack("{ss ss}", "table", table->name, "error", shown));
}

/* Of the tables that the caller may read: the names of others are not for everybody. */
static json_t *data_service(const struct caller *caller)
{
	const struct directory *directory = caller->directory;
	json_t *stale = json_array(), *failures = json_array();
	int64_t rows = 0, tables = 0, failing = 0, now = g_get_real_time();
	for (size_t i = 0; i < directory->table_count; i++) {
		const struct directory_table *table = directory->tables[i];
		if (!table->synced || !directory_may_read(directory, caller->user, table))
			continue;
		tables++;
		if (table->synced->rows != RECORD_NO_INT)
			rows += table->synced->rows;
		if (freshness_is_stale(table, now))
			json_array_append_new(stale, json_string(table->name));
		if (freshness_is_failing(table)) {
			failing++;
			add_failure(failures, table);
		}
	}
	bool fine = json_array_size(stale) == 0 && failing == 0;
	json_t *service = json_pack("{ss sI sI so sI}", "status", fine ? "ok" : "warning", "tables",
				    (json_int_t)tables, "total_rows", (json_int_t)rows,
				    "stale_tables", stale, "failing", (json_int_t)failing);
	/* An error may tell of the source more than its readers are to know. */
	if (caller->user->is_admin)
		json_object_set(service, "failing_tables", failures);
	json_decref(failures);
	return service;
}

static json_t *schema_service(enum health_schema schema)
{
	static const char *const names[] = {"ok", "mismatch", "unreachable"};
	json_t *service = json_pack("{ss}", "db_schema", names[schema]);
	if (schema == HEALTH_OK) {
		json_object_set_new(service, "current", json_integer(SCHEMA_VERSION));
		json_object_set_new(service, "expected", json_integer(SCHEMA_VERSION));
	}
	return service;
}

static json_t *services(const struct caller *caller, enum health_schema schema)
{
	json_t *state = schema == HEALTH_UNREACHABLE
				? json_pack(
					  "{ss ss}", "status", "error", "detail",
					  "the state database cannot be read; see the server's log")
				: json_pack("{ss}", "status", "ok");
	return json_pack("{so so so s{ss sI}}", "duckdb_state", state, "db_schema",
			 schema_service(schema), "data", data_service(caller), "users", "status",
			 "ok", "count", (json_int_t)pmap_size(caller->directory->users));
}

static bool any_warning(const json_t *services)
{
	const json_t *data = json_object_get(services, "data");
	return g_strcmp0(json_string_value(json_object_get(data, "status")), "warning") == 0;
}

static struct http_response *get_health_detailed(struct http_request *request)
{
	struct app *app = app_of(request);
	enum health_schema schema = health_schema(app->health);
	json_t *parts = services(caller_of(request), schema);
	const char *status = schema != HEALTH_OK  ? "unhealthy"
			     : any_warning(parts) ? "degraded"
						  : "healthy";
	json_t *answer = json_pack("{ss}", "status", status);
	json_object_update_new(answer, build_identity(app));
	json_object_set_new(answer, "timestamp", wire_time_offset(g_get_real_time()));
	json_object_set_new(answer, "services", parts);
	return http_json(200, answer);
}

static struct http_response *get_openapi(struct http_request *request)
{
	return http_json(200, http_openapi(app_of(request)->application));
}

static const struct http_answer not_ready[] = {{503, "The state cannot be used"}, {0}};

const struct http_route health_routes[] = {
	{HTTP_GET, "/api/health", ACCESS_ANYBODY, .tag = "health",
	 .summary = "Whether the server is well; always 200", .handle = get_health},
	{HTTP_GET, "/api/health/ready", ACCESS_ANYBODY, .tag = "health", .answers = not_ready,
	 .summary = "The same, with the status code for load balancers", .handle = get_ready},
	{HTTP_GET, "/api/health/detailed", ACCESS_USER, .tag = "health",
	 .summary = "The parts of the server, stale and failing tables",
	 .handle = get_health_detailed},
	{HTTP_GET, "/api/version", ACCESS_ANYBODY, .tag = "health",
	 .summary = "Which build this is", .handle = get_version},
	{HTTP_GET, "/openapi.json", ACCESS_ANYBODY, .tag = "documentation",
	 .summary = "This description", .handle = get_openapi},
	{0},
};
