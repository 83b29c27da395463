/* Gathering the figures from the parts of the server. */
#include "app/monitor/figures.h"

#include "app/app.h"
#include "app/auditor.h"
#include "app/freshness.h"
#include "app/health.h"
#include "app/monitor/exposition.h"
#include "app/monitor/process.h"
#include "app/monitor/traffic.h"
#include "app/queries.h"
#include "app/sync/runner.h"
#include "state/schema.h"

#include <string.h>

enum { MOST_TABLES = 1000 };

static double seconds_of(int64_t time)
{
	return (double)time / G_USEC_PER_SEC;
}

static void expose_server(struct app *app, GString *text)
{
	g_autofree char *schema = g_strdup_printf("%d", SCHEMA_VERSION);
	exposition_family(text, "agnes_build_info", "gauge", "Which build this is");
	exposition_sample(text, "agnes_build_info", 1, "version", AGNES_VERSION, "schema_version",
			  schema, NULL);
	exposition_single(text, "process_start_time_seconds", "gauge", "When the server started",
			  seconds_of(app->started));
	exposition_single(text, "agnes_healthy", "gauge", "1 if the state can be used",
			  health_schema(app->health) == HEALTH_OK);
}

static void expose_load(struct app *app, GString *text)
{
	const struct http_server *server = g_atomic_pointer_get(&app->server);
	int connections = 0, requests = 0;
	size_t waiting, lost;
	if (server)
		http_server_load(server, &connections, &requests);
	exposition_single(text, "agnes_http_connections", "gauge", "Open connections", connections);
	exposition_single(text, "agnes_http_requests_under_way", "gauge",
			  "Requests that are being answered", requests);
	auditor_load(app->auditor, &waiting, &lost);
	exposition_single(text, "agnes_audit_waiting", "gauge",
			  "Notes for the audit log that are not written yet", (double)waiting);
	exposition_single(text, "agnes_audit_lost_total", "counter",
			  "Notes that were lost because the audit log could not be written",
			  (double)lost);
}

static void expose_states(GString *text, const char *name, const char *help, const json_t *list,
			  const char *const *states)
{
	exposition_family(text, name, "gauge", help);
	for (; *states; states++) {
		int count = 0;
		for (size_t i = 0; i < json_array_size(list); i++) {
			const json_t *one = json_array_get(list, i);
			const char *state = json_string_value(json_object_get(one, "state"));
			count += g_strcmp0(state, *states) == 0;
		}
		exposition_sample(text, name, count, "state", *states, NULL);
	}
}

static void expose_queries(struct app *app, GString *text)
{
	static const char *const of_workers[] = {"starting", "idle", "busy", NULL};
	static const char *const of_queries[] = {"queued", "starting", "running", NULL};
	g_autoptr(json_t) report = query_pool_report(queries_pool(app->queries));
	const json_t *workers = json_object_get(report, "workers");
	double bytes = 0;
	for (size_t i = 0; i < json_array_size(workers); i++) {
		const json_t *pid = json_object_get(json_array_get(workers, i), "pid");
		bytes += process_resident_bytes((pid_t)json_integer_value(pid));
	}
	expose_states(text, "agnes_query_workers", "Processes that run queries", workers,
		      of_workers);
	expose_states(text, "agnes_queries", "Queries, waiting and running",
		      json_object_get(report, "queries"), of_queries);
	exposition_single(text, "agnes_query_workers_resident_bytes", "gauge",
			  "Memory that the processes of queries have in use", bytes);
}

static void expose_runs(const struct sync_figures *figures, GString *text)
{
	static const char runs[] = "agnes_sync_runs_total";
	exposition_family(text, runs, "counter", "Sync runs by how they ended");
	exposition_sample(text, runs, (double)figures->done, "status", "done", NULL);
	exposition_sample(text, runs, (double)figures->partial, "status", "partial", NULL);
	exposition_sample(text, runs, (double)figures->failed, "status", "failed", NULL);
	exposition_sample(text, runs, (double)figures->interrupted, "status", "interrupted", NULL);
	static const char tables[] = "agnes_sync_tables_total";
	exposition_family(text, tables, "counter", "Tables of sync runs by what came of them");
	exposition_sample(text, tables, (double)figures->tables_new, "result", "new", NULL);
	exposition_sample(text, tables, (double)figures->tables_unchanged, "result", "unchanged",
			  NULL);
	exposition_sample(text, tables, (double)figures->tables_failed, "result", "failed", NULL);
}

static void expose_sync(struct app *app, GString *text)
{
	struct sync_figures figures;
	sync_runner_figures(app->sync_runner, &figures);
	expose_runs(&figures, text);
	exposition_single(text, "agnes_sync_running", "gauge", "1 while a sync run is under way",
			  figures.running);
	exposition_single(text, "agnes_sync_queued", "gauge", "1 while another one waits",
			  figures.queued);
	if (figures.finished == DUCK_NO_TIME)
		return;
	exposition_single(text, "agnes_sync_last_finished_timestamp_seconds", "gauge",
			  "When the last sync run ended", seconds_of(figures.finished));
	exposition_single(text, "agnes_sync_last_seconds", "gauge", "How long it took",
			  figures.seconds);
}

static bool has_data(const struct directory_table *table)
{
	return table->synced && table->synced->last_sync != DUCK_NO_TIME;
}

static void expose_tables(const struct directory *directory, GString *text)
{
	size_t fresh = 0, stale = 0, empty = 0, failing = 0;
	int64_t now = g_get_real_time(), oldest = now;
	for (size_t i = 0; i < directory->table_count; i++) {
		const struct directory_table *table = directory->tables[i];
		bool old = freshness_is_stale(table, now);
		failing += freshness_is_failing(table);
		empty += !has_data(table);
		stale += old;
		fresh += has_data(table) && !old;
		if (has_data(table))
			oldest = MIN(oldest, table->synced->last_sync);
	}
	exposition_family(text, "agnes_tables", "gauge",
			  "Tables by the age of their data: stale after a day");
	exposition_sample(text, "agnes_tables", (double)fresh, "data", "fresh", NULL);
	exposition_sample(text, "agnes_tables", (double)stale, "data", "stale", NULL);
	exposition_sample(text, "agnes_tables", (double)empty, "data", "none", NULL);
	exposition_single(text, "agnes_tables_failing", "gauge",
			  "Tables whose last sync failed, whatever data they have",
			  (double)failing);
	exposition_single(text, "agnes_tables_oldest_seconds", "gauge",
			  "Age of the oldest data that a table has", seconds_of(now - oldest));
}

static void expose_each(const struct directory *directory, GString *text, const char *name,
			const char *help, double (*value)(const struct directory_table *table))
{
	size_t shown = 0;
	exposition_family(text, name, "gauge", help);
	for (size_t i = 0; i < directory->table_count && shown < MOST_TABLES; i++) {
		const struct directory_table *table = directory->tables[i];
		if (!has_data(table))
			continue;
		exposition_sample(text, name, value(table), "table", table->name, NULL);
		shown++;
	}
}

static double table_last_sync(const struct directory_table *table)
{
	return seconds_of(table->synced->last_sync);
}

static double table_failing(const struct directory_table *table)
{
	return freshness_is_failing(table);
}

static double table_rows(const struct directory_table *table)
{
	return table->synced->rows == RECORD_NO_INT ? 0 : (double)table->synced->rows;
}

char *figures_expose(struct app *app, bool each_table)
{
	GString *text = g_string_new(NULL);
	g_autoptr(directory_view) directory = directory_store_get(app->directory);
	expose_server(app, text);
	process_expose(text);
	expose_load(app, text);
	traffic_expose(app->traffic, text);
	expose_queries(app, text);
	expose_sync(app, text);
	expose_tables(directory, text);
	if (each_table) {
		expose_each(directory, text, "agnes_table_last_sync_timestamp_seconds",
			    "When the data of a table was extracted", table_last_sync);
		expose_each(directory, text, "agnes_table_failing", "1 if its last sync failed",
			    table_failing);
		expose_each(directory, text, "agnes_table_rows", "Rows of a table", table_rows);
	}
	return g_string_free(text, FALSE);
}
