/* The local connector: a table at a time, by the strategy of its registry row. */
#include "connectors/local/local.h"

#include "base/error.h"
#include "connectors/local/discover.h"
#include "connectors/local/marks.h"
#include "connectors/local/session.h"
#include "connectors/run.h"
#include "duck/query.h"

#include <string.h>

/* A file that somebody writes to just then is often whole a moment later. */
enum { ATTEMPTS = 2 };

static const struct {
	const char *name;
	bool (*load)(const struct local_job *job, struct connector_outcome *outcome,
		     GError **error);
} strategies[] = {
	{"full_refresh", local_full_refresh},
	{"incremental", local_incremental},
	{"partitioned", local_partitioned},
};

static bool load_table(const struct local_job *job, struct connector_outcome *outcome,
		       GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(strategies); i++) {
		if (strcmp(strategies[i].name, job->table->sync_strategy) == 0)
			return strategies[i].load(job, outcome, error);
	}
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "no sync strategy '%s': there are full_refresh, incremental and partitioned",
		    job->table->sync_strategy);
	return false;
}

static bool attempt(struct local_session *session, const struct connector_table *table,
		    const struct local_options *options, struct connector_outcome *outcome,
		    GError **error)
{
	g_autoptr(GPtrArray)
		files = local_files_open(session->run->settings, session->run->data_dir, table,
					 options->has_format ? &options->format : NULL, error);
	const struct local_job job = {session, table, options, files};
	return files && load_table(&job, outcome, error);
}

static bool extract_table(struct connector_run *run, const struct connector_table *table,
			  void *data, struct connector_outcome *outcome, GError **error)
{
	g_auto(local_options) options = {0};
	if (strcmp(table->query_mode, "local") != 0) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
			    "local files cannot be a table of mode '%s'", table->query_mode);
		return false;
	}
	if (!local_options_init(&options, run->settings, table, error))
		return false;
	for (int i = 1;; i++) {
		g_autoptr(GError) cause = NULL;
		if (attempt(data, table, &options, outcome, &cause))
			return true;
		if (i >= ATTEMPTS || !g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_CONFLICT)) {
			g_propagate_error(error, g_steal_pointer(&cause));
			return false;
		}
		g_info("table '%s', once more: %s", table->name, cause->message);
	}
}

static bool open_session(struct local_session *session, GError **error)
{
	session->scratch = extract_writer_scratch(session->run->writer, error);
	if (!session->scratch)
		return false;
	struct duck_options options = session->run->limits;
	options.temp_directory = session->scratch;
	session->database = duck_database_open(NULL, &options, error);
	session->connection = session->database ? duck_connect(session->database, error) : NULL;
	return session->connection && duck_exec(session->connection, error,
						"SET enable_progress_bar = true;"
						"SET enable_progress_bar_print = false",
						NULL);
}

static bool extract(struct connector_run *run, GError **error)
{
	g_autoptr(local_marks) marks = local_marks_load(run);
	struct local_session session = {.run = run, .marks = marks};
	bool done = open_session(&session, error) &&
		    connector_each_table(run, extract_table, &session, error) &&
		    local_marks_save(marks, session.scratch, error);
	duck_connection_free(session.connection);
	duck_database_free(session.database);
	g_free(session.scratch);
	return done;
}

const struct connector connector_local = {
	.name = "local",
	.summary = "Files in folders of this machine: CSV, JSON and parquet",
	.section = "local",
	.extract = extract,
	.discover = local_discover,
	.test = local_test,
};
