/* What the files of the local connector share while it runs. */
#pragma once

#include "base/cleanup.h"
#include "connectors/local/files.h"
#include "connectors/local/options.h"
#include "connectors/run.h"
#include "duck/database.h"

struct local_session {
	struct connector_run *run;
	struct duck_database *database; /* in memory, with the limits of the settings */
	struct duck_connection *connection;
	char *scratch;		   /* see extract_writer_scratch() */
	struct local_marks *marks; /* of tables that are one file */
};

/* A table that is being extracted. */
struct local_job {
	struct local_session *session;
	const struct connector_table *table;
	const struct local_options *options;
	GPtrArray *files; /* struct local_file */
};

/*
 * Readies the job's files for DuckDB and leaves out those with nothing in them. INVALID: no file
 * has anything in it.
 */
bool local_job_prepare(const struct local_job *job, GPtrArray *files, GError **error);

/*
 * Copies all that is in the files, which are prepared, to parquet at `target`: a file, or with
 * `month` a folder that is partitioned by the month of that column. `mark` is kept in the parquet.
 * Lines that cannot be read are set aside, see rejects.h. Returns the number of rows, -1 on error.
 */
struct local_target {
	const char *path;
	const char *month; /* or NULL */
	const char *mark;
};
int64_t local_load(const struct local_job *job, const GPtrArray *files,
		   const struct local_target *target, GError **error);

/* The column that holds the month while a table is partitioned by it. */
#define LOCAL_MONTH "agnes_month"
/* The key of local_target.mark in the metadata of a parquet file. */
#define LOCAL_MARK "agnes_part"

/* The strategies. Each stages the table and says what became of it. */
bool local_full_refresh(const struct local_job *job, struct connector_outcome *outcome,
			GError **error);
bool local_incremental(const struct local_job *job, struct connector_outcome *outcome,
		       GError **error);
bool local_partitioned(const struct local_job *job, struct connector_outcome *outcome,
		       GError **error);
