/* From files to parquet: one COPY. */
#include "base/error.h"
#include "connectors/local/lines.h"
#include "connectors/local/prepare.h"
#include "connectors/local/reader.h"
#include "connectors/local/rejects.h"
#include "connectors/local/session.h"
#include "duck/query.h"
#include "duck/sql.h"

#include <stdint.h>
#include <string.h>

bool local_job_prepare(const struct local_job *job, GPtrArray *files, GError **error)
{
	for (guint i = 0; i < files->len;) {
		struct local_file *file = g_ptr_array_index(files, i);
		const struct local_preparation how = {
			.encoding = job->options->encoding,
			.longest_line = file->format == LOCAL_JSON ? INT64_MAX
								   : job->options->longest_line,
			.folder = job->session->scratch,
		};
		bool empty = file->status.st_size == 0;
		if (connector_cancelled(job->session->run, error) ||
		    (file->format != LOCAL_PARQUET &&
		     !local_file_prepare(file, &how, &empty, error)))
			return false;
		if (empty && files->len == 1) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "%s has nothing in it, not even a header; the last version of "
				    "the table stays",
				    file->name);
			return false;
		}
		if (empty)
			g_ptr_array_remove_index(files, i);
		else
			i++;
	}
	return true;
}

static char *copy_sql(const struct local_job *job, const char *select,
		      const struct local_target *target)
{
	g_autofree char *options = duck_sql(
		"FORMAT parquet, COMPRESSION %S, KV_METADATA {" LOCAL_MARK ": %L}",
		job->options->compression, target->mark);
	if (!target->month)
		return duck_sql("COPY (%S) TO %L (%S)", select, target->path, options);
	return duck_sql("COPY (SELECT *, coalesce(strftime(TRY_CAST(%I AS TIMESTAMP), '%%Y-%%m'),"
			" 'none') AS " LOCAL_MONTH " FROM (%S)) TO %L"
			" (%S, PARTITION_BY (" LOCAL_MONTH "), OVERWRITE)",
			target->month, select, target->path, options);
}

static int64_t copy(const struct local_job *job, const GPtrArray *files,
		    const struct local_target *target, bool thorough, GError **error)
{
	g_autofree char *select = local_reader_sql(files, job->options, thorough, error);
	if (!select)
		return -1;
	g_autofree char *sql = copy_sql(job, select, target);
	return duck_change(job->session->connection, error, sql, NULL);
}

/* Whether it is the content that DuckDB did not like. */
static bool is_about_content(const GError *cause)
{
	return g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_INVALID) ||
	       g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_FAILED) ||
	       g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_CORRUPT);
}

/*
 * DuckDB's reader of JSON knows no rejects. Most files are good and of one shape, so that is tried
 * first; then all of the file decides on the types; then lines that are not JSON are sieved out.
 */
static int64_t copy_json(const struct local_job *job, const GPtrArray *files,
			 const struct local_target *target, GError **error)
{
	g_autoptr(GError) cause = NULL;
	const struct local_file *first = g_ptr_array_index(files, 0);
	int64_t rows = copy(job, files, target, false, &cause);
	if (rows < 0 && is_about_content(cause)) {
		g_debug("%s: %s", job->table->name, cause->message);
		g_clear_error(&cause);
		rows = copy(job, files, target, true, &cause);
	}
	if (rows < 0 && is_about_content(cause) && first->format == LOCAL_NDJSON) {
		g_clear_error(&cause);
		rows = local_lines_sieve(job->session, files, &cause)
			       ? copy(job, files, target, true, &cause)
			       : -1;
	}
	if (cause)
		g_propagate_error(error, g_steal_pointer(&cause));
	return rows;
}

static gboolean name_of_descriptor(const GMatchInfo *match, GString *message, void *data)
{
	const GPtrArray *files = data;
	g_autofree char *path = g_match_info_fetch(match, 0);
	for (guint i = 0; i < files->len; i++) {
		const struct local_file *file = g_ptr_array_index(files, i);
		if (strcmp(file->path, path) == 0) {
			g_string_append(message, file->name);
			return FALSE;
		}
	}
	g_string_append(message, path);
	return FALSE;
}

/* DuckDB calls the files by their descriptors, and quotes our statement. */
static void name_files(GError *cause, const GPtrArray *files)
{
	g_autoptr(GRegex) pattern = g_regex_new("/proc/self/fd/[0-9]+", 0, 0, NULL);
	char *statement = strstr(cause->message, "\n\nLINE ");
	if (statement)
		*statement = '\0';
	char *message = g_regex_replace_eval(pattern, cause->message, -1, 0, 0, name_of_descriptor,
					     (void *)files, NULL);
	if (!message) /* not UTF-8 */
		return;
	g_free(cause->message);
	cause->message = message;
}

int64_t local_load(const struct local_job *job, const GPtrArray *files,
		   const struct local_target *target, GError **error)
{
	g_autoptr(GError) cause = NULL;
	const struct local_file *first = g_ptr_array_index(files, 0);
	bool json = first->format == LOCAL_JSON || first->format == LOCAL_NDJSON;
	connector_watch(job->session->run, job->session->connection);
	int64_t rows = json ? copy_json(job, files, target, &cause)
			    : copy(job, files, target, false, &cause);
	connector_watch(job->session->run, NULL);
	if (cause) {
		name_files(cause, files);
		g_propagate_error(error, g_steal_pointer(&cause));
		return -1;
	}
	if (!local_rejects_gather(job->session, files, error) ||
	    !local_files_unchanged(files, error))
		return -1;
	return rows;
}
