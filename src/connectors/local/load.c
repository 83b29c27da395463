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

static bool has_column(struct duck_rows *columns, const char *name)
{
	while (duck_rows_next(columns)) {
		if (g_ascii_strcasecmp(duck_rows_text(columns, 0), name) == 0)
			return true;
	}
	return false;
}

/* A type for a column that is not there is a mistake, about which DuckDB does not speak here. */
static bool check_columns(const struct local_job *job, const char *select, GError **error)
{
	const char *name;
	json_t *type;
	g_autofree char *sql = duck_sql("SELECT column_name FROM (DESCRIBE %S)", select);
	json_object_foreach(json_object_get(job->options->given, "types"), name, type)
	{
		g_autoptr(duck_rows)
			columns = duck_query(job->session->connection, error, sql, NULL);
		if (!columns || !local_rejects_forget(job->session, error))
			return false;
		if (has_column(columns, name))
			continue;
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "there is no column '%s', which local.tables.%s.types names", name,
			    job->table->name);
		return false;
	}
	return true;
}

static int64_t copy(const struct local_job *job, const GPtrArray *files,
		    const struct local_target *target, bool thorough, GError **error)
{
	g_autofree char *select = local_reader_sql(files, job->options, thorough, error);
	if (!select || !check_columns(job, select, error))
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

/*
 * Where no delimiter makes sense of all lines of the sample, DuckDB takes one that does not occur,
 * and the whole line is one column.
 */
static bool check_split(const struct local_job *job, const struct local_file *first,
			const struct local_target *target, GError **error)
{
	if (first->format != LOCAL_CSV || local_options_get(job->options, "delimiter"))
		return true;
	g_autofree char *files = target->month
					 ? g_build_filename(target->path, "*", "*.parquet", NULL)
					 : g_strdup(target->path);
	g_autofree char *sql = duck_sql(
		"SELECT any_value(name) FROM parquet_schema(%L) WHERE type IS NOT NULL"
		" GROUP BY file_name HAVING count(*) = 1",
		files);
	g_autoptr(duck_rows) rows = duck_query(job->session->connection, error, sql, NULL);
	if (!rows)
		return false;
	const char *name = duck_rows_next(rows) ? duck_rows_text(rows, 0) : "";
	if (!strpbrk(name, ",;|\t"))
		return true;
	g_set_error(
		error, AGNES_ERROR, AGNES_ERROR_INVALID,
		"%s: lines do not have the same number of columns, so that all of a line would be "
		"one column, '%.200s': is a quote opened and never closed? Mend the file, or name "
		"the delimiter in local.tables.%s",
		first->name, name, job->table->name);
	return false;
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
	if (!check_split(job, first, target, error) ||
	    !local_rejects_gather(job->session, files, error) ||
	    !local_files_unchanged(files, error))
		return -1;
	return rows;
}
