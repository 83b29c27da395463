/* A run of a connector: its rows, the loop over its tables, and the result. */
#include "connectors/run.h"

#include "base/error.h"
#include "base/json.h"
#include "connectors/run_private.h"
#include "connectors/settings.h"
#include "extract/bounds.h"
#include "extract/names.h"

#include <string.h>

static const char *text_of(const json_t *row, const char *field)
{
	const char *text = json_string_value(json_object_get(row, field));
	return text && *text ? text : NULL;
}

static bool serves(enum connector_purpose purpose, const char *query_mode)
{
	bool materialized = strcmp(query_mode, "materialized") == 0;
	return materialized == (purpose == CONNECTOR_MATERIALIZE);
}

static void add_row(struct connector_run *run, const json_t *row)
{
	const char *mode = text_of(row, "query_mode");
	const char *strategy = text_of(row, "sync_strategy");
	const struct connector_table table = {
		.id = text_of(row, "id"),
		.name = text_of(row, "name"),
		.bucket = text_of(row, "bucket"),
		.source_table = text_of(row, "source_table"),
		.source_query = text_of(row, "source_query"),
		.description = text_of(row, "description"),
		.query_mode = mode ? mode : "local",
		.sync_strategy = strategy ? strategy : "full_refresh",
		.row = row,
	};
	if (!serves(run->private->purpose, table.query_mode)) {
		g_info("Skipping %s: its mode is %s", table.name ? table.name : "a row",
		       table.query_mode);
		return;
	}
	if (name_is_strict(table.name))
		g_ptr_array_add(run->tables, g_memdup2(&table, sizeof table));
	else
		run_fail(run, table.name ? table.name : "",
			 "unsafe identifier: a table's name is letters, digits and _, at most 64",
			 false);
}

static bool add_rows(struct connector_run *run, GError **error)
{
	size_t index;
	const json_t *row;
	if (!json_is_array(run->private->rows) ||
	    json_array_size(run->private->rows) > EXTRACT_MOST_TABLES) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "the rows must be an array of at most %d registry rows",
			    EXTRACT_MOST_TABLES);
		return false;
	}
	json_array_foreach(run->private->rows, index, row)
	{
		if (!json_is_object(row)) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "row %zu is not a JSON object", index + 1);
			return false;
		}
		add_row(run, row);
	}
	return true;
}

struct connector_run *connector_run_new(const struct connector *connector, const char *data_dir,
					enum connector_purpose purpose, json_t *rows,
					const struct configuration *config, const json_t *given,
					int output, GError **error)
{
	g_autoptr(connector_run) run = g_new0(struct connector_run, 1);
	run->connector = connector;
	run->data_dir = g_canonicalize_filename(data_dir, NULL);
	run->tables = g_ptr_array_new_with_free_func(g_free);
	run->private = run_private_new(purpose, rows, output);
	run->private->memory_limit = g_strdup_printf("%" G_GUINT64_FORMAT "B",
						     config_size(config, "extract.memory_limit"));
	run->limits.memory_limit = run->private->memory_limit;
	run->limits.threads = (int)config_int(config, "extract.threads");
	run->settings = connector_settings_new(connector, config, given, error);
	if (!run->settings || !add_rows(run, error))
		return NULL;
	return g_steal_pointer(&run);
}

void connector_run_free(struct connector_run *run)
{
	if (!run)
		return;
	extract_writer_free(run->writer);
	run_private_free(run->private);
	json_decref(run->settings);
	g_ptr_array_unref(run->tables);
	g_free(run->data_dir);
	g_free(run);
}

static bool finish_table(struct connector_run *run, const struct connector_table *table,
			 const struct connector_outcome *outcome, GError **error)
{
	if (outcome->unchanged || strcmp(table->query_mode, "remote") == 0)
		return true;
	const struct extract_local local = {
		.name = table->name,
		.description = table->description,
		.rows = outcome->rows,
		.extracted_at = run->private->started,
		.md5 = outcome->md5,
	};
	return extract_writer_add_local(run->writer, &local, error);
}

static bool each_table(struct connector_run *run, const struct connector_table *table,
		       connector_table_function function, void *data)
{
	g_autoptr(GError) cause = NULL;
	struct connector_outcome outcome = {.rows = -1};
	gint64 started = g_get_monotonic_time();
	run_start_table(run, table->name);
	bool done = function(run, table, data, &outcome, &cause) &&
		    finish_table(run, table, &outcome, &cause);
	gint64 elapsed = g_get_monotonic_time() - started;
	if (done)
		run_finish_table(run, table->name, &outcome, elapsed / 1000);
	else
		run_fail(run, table->name, cause->message, connector_may_pass(cause));
	g_free(outcome.md5);
	return !g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_CANCELLED);
}

bool connector_each_table(struct connector_run *run, connector_table_function function, void *data,
			  GError **error)
{
	for (guint i = 0; i < run->tables->len; i++) {
		const struct connector_table *table = g_ptr_array_index(run->tables, i);
		if (connector_cancelled(run, error) || !each_table(run, table, function, data))
			return !connector_cancelled(run, error);
	}
	return true;
}

static bool materialize_table(struct connector_run *run, const struct connector_table *table,
			      void *data, struct connector_outcome *outcome, GError **error)
{
	if (!run->connector->materialize || !table->source_query) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
			    run->connector->materialize
				    ? "table '%s' has no source_query (source_type='%s')"
				    : "table '%s': materialized path not supported for "
				      "source_type='%s'",
			    table->name, run->connector->name);
		return false;
	}
	g_autofree char *path = extract_writer_stage_file(run->writer, table->name, error);
	return path && run->connector->materialize(run, table, path, error);
}

static bool produce(struct connector_run *run, GError **error)
{
	if (run->private->purpose == CONNECTOR_MATERIALIZE)
		return connector_each_table(run, materialize_table, NULL, error);
	return run->connector->extract(run, error);
}

/* What was neither done nor reported by the time that all was over. */
static void fail_the_rest(struct connector_run *run, const GError *cause)
{
	bool transient = connector_may_pass(cause);
	run_error(run, "*", cause->message, transient);
	for (guint i = 0; i < run->tables->len; i++) {
		const struct connector_table *table = g_ptr_array_index(run->tables, i);
		if (!run_has_ended(run, table->name))
			run_fail(run, table->name, cause->message, transient);
	}
}

/* A run that was cancelled publishes nothing, also not what it had done by then. */
static void publish(struct connector_run *run)
{
	g_autoptr(GError) cause = NULL;
	if (!run->private->staged)
		return;
	if (connector_cancelled(run, &cause) || !extract_writer_commit(run->writer, &cause))
		run_fail_all(run, cause->message, connector_may_pass(cause));
}

bool connector_may_pass(const GError *error)
{
	static const enum agnes_error passing[] = {AGNES_ERROR_BUSY, AGNES_ERROR_TIMEOUT,
						   AGNES_ERROR_UNAVAILABLE, AGNES_ERROR_CONFLICT};
	for (size_t i = 0; i < G_N_ELEMENTS(passing); i++) {
		if (g_error_matches(error, AGNES_ERROR, (gint)passing[i]))
			return true;
	}
	return false;
}

json_t *connector_run_refusal(const struct connector_run *run, const GError *error)
{
	json_t *entry = json_pack("{s:s, s:s}", "table", "*", "error", error->message);
	if (connector_may_pass(error))
		json_object_set_new(entry, "transient", json_true());
	return json_pack("{s:i, s:i, s:[o]}", "tables_extracted", 0, "tables_failed",
			 MAX(1, (int)run->tables->len), "errors", entry);
}

json_t *connector_run_extract(struct connector_run *run, GError **error)
{
	g_autoptr(GError) cause = NULL;
	if (run->connector->run_program)
		return run->connector->run_program(run, error);
	run->writer = extract_writer_begin(run->data_dir, run->connector->name, error);
	if (!run->writer)
		return NULL;
	run->private->started = g_get_real_time();
	if (!produce(run, &cause))
		fail_the_rest(run, cause);
	publish(run);
	g_clear_pointer(&run->writer, extract_writer_free);
	return run_result(run);
}

int connector_run_exit_code(const struct connector_run *run, const json_t *result)
{
	size_t given = json_array_size(run->private->rows);
	size_t failed = (size_t)json_integer_value(json_object_get(result, "tables_failed"));
	bool broken = json_array_size(json_object_get(result, "errors")) > 0;
	if (!broken)
		return 0;
	return failed >= given ? 1 : 2;
}
