/* Counting and keeping rejected rows. */
#include "connectors/local/rejects.h"

#include "base/error.h"
#include "base/files.h"
#include "connectors/local/reader.h"
#include "duck/query.h"
#include "duck/sql.h"

/* How much of a rejected line is kept, in characters. */
#define KEPT_TEXT "1000"

bool local_rejects_begin(const struct local_session *session, GError **error)
{
	return duck_exec(session->connection, error,
			 "CREATE OR REPLACE TEMPORARY TABLE " LOCAL_GATHERED
			 " (file VARCHAR, line BIGINT, column_name VARCHAR, kind VARCHAR,"
			 "  reason VARCHAR, text VARCHAR)",
			 NULL);
}

static char *names_sql(const GPtrArray *files)
{
	GString *sql = g_string_new("(VALUES ");
	for (guint i = 0; i < files->len; i++) {
		const struct local_file *file = g_ptr_array_index(files, i);
		duck_sql_append(sql, "%S(%L, %L)", i ? ", " : "", file->path, file->name);
	}
	g_string_append(sql, ") names(path, name)");
	return g_string_free(sql, FALSE);
}

bool local_rejects_forget(const struct local_session *session, GError **error)
{
	return duck_exec(
		session->connection, error,
		"DROP TABLE IF EXISTS " LOCAL_REJECTS "; DROP TABLE IF EXISTS " LOCAL_SCANS, NULL);
}

static bool has_notes(const struct local_session *session)
{
	g_autoptr(duck_rows) rows = duck_query(
		session->connection, NULL,
		"FROM duckdb_tables() WHERE temporary AND table_name = ?", "s", LOCAL_REJECTS);
	return rows && duck_rows_next(rows);
}

bool local_rejects_gather(const struct local_session *session, const GPtrArray *files,
			  GError **error)
{
	if (!has_notes(session))
		return true;
	g_autofree char *names = names_sql(files);
	g_autofree char *sql = duck_sql(
		"INSERT INTO " LOCAL_GATHERED " SELECT name, line, column_name,"
		" error_type::VARCHAR, split_part(error_message, chr(10), 1), left(csv_line, " KEPT_TEXT
		") FROM " LOCAL_REJECTS " JOIN " LOCAL_SCANS " USING (scan_id, file_id)"
		" JOIN %S ON file_path = path",
		names);
	return duck_exec(session->connection, error, sql, NULL) &&
	       local_rejects_forget(session, error);
}

/* What was gathered, in one row. */
struct summary {
	int64_t rows;
	bool cut_off;	 /* there were more than DuckDB tells */
	bool open_quote; /* what it swallowed is not known */
	char *first;
};

static bool summarise(const struct local_session *session, struct summary *summary, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		session->connection, error,
		"SELECT (SELECT count(*) FROM (SELECT DISTINCT file, line FROM " LOCAL_GATHERED
		")),"
		" (SELECT coalesce(max(faults), 0) FROM (SELECT count(*) AS faults FROM " LOCAL_GATHERED
		"  GROUP BY file)), coalesce(bool_or(kind = 'UNQUOTED VALUE'), false),"
		" min_by(concat(file, ' line ', line, ': ', lower(kind), ', ', reason),"
		"  (kind <> 'UNQUOTED VALUE', file, line)) FROM " LOCAL_GATHERED,
		NULL);
	if (!rows || !duck_rows_next(rows))
		return false;
	summary->rows = duck_rows_int(rows, 0);
	summary->cut_off = duck_rows_int(rows, 1) >= LOCAL_MOST_FAULTS;
	summary->open_quote = duck_rows_bool(rows, 2);
	summary->first = g_strdup(duck_rows_text(rows, 3));
	return true;
}

static char *kept_sql(const GPtrArray *reread, const char *path)
{
	GString *sql = g_string_new(NULL);
	g_string_append(sql,
			"SELECT file, line, column_name, kind, reason, text FROM " LOCAL_GATHERED);
	if (!reread || !g_file_test(path, G_FILE_TEST_EXISTS))
		return g_string_free(sql, FALSE);
	duck_sql_append(sql, " UNION ALL FROM read_parquet(%L) WHERE NOT list_contains([", path);
	for (guint i = 0; i < reread->len; i++) {
		const char *name = g_ptr_array_index(reread, i);
		duck_sql_append(sql, "%S%L", i ? ", " : "", name);
	}
	g_string_append(sql, "], file)");
	return g_string_free(sql, FALSE);
}

static bool keep(const struct local_job *job, const GPtrArray *reread, GError **error)
{
	g_autofree char *folder = g_build_filename(job->session->run->data_dir, "extracts",
						   job->session->run->connector->name, "data",
						   ".rejects", NULL);
	g_autofree char *name = g_strconcat(job->table->name, ".parquet", NULL);
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autofree char *made = g_build_filename(job->session->scratch, "rejects.parquet", NULL);
	g_autofree char *select = kept_sql(reread, path);
	g_autofree char *sql = duck_sql("COPY (%S ORDER BY file, line) TO %L (FORMAT parquet)",
					select, made);
	int64_t rows = duck_change(job->session->connection, error, sql, NULL);
	if (rows > 0)
		return files_make_folder(folder, error) && files_publish(made, path, error);
	return rows == 0 && files_remove(made, error) && files_remove(path, error);
}

static bool fail(const struct local_job *job, const struct summary *summary, int64_t rows,
		 GError **error)
{
	g_set_error(
		error, AGNES_ERROR, AGNES_ERROR_INVALID,
		"%s%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT
		" rows could not be read, first %s. data/.rejects/%s.parquet has them; mend the "
		"file, say how it is to be read (local.tables.%s), or raise "
		"local.reject_threshold",
		summary->open_quote ? "a quote is opened and never closed, so rows are lost; "
		: summary->cut_off  ? "at least "
				    : "",
		(gint64)summary->rows, (gint64)(rows + summary->rows), summary->first,
		job->table->name, job->table->name);
	return false;
}

bool local_rejects_finish(const struct local_job *job, const GPtrArray *reread, int64_t rows,
			  int64_t *count, GError **error)
{
	struct summary summary = {0};
	bool good = summarise(job->session, &summary, error) && keep(job, reread, error);
	g_autofree char *first = summary.first;
	if (!good || summary.rows == 0)
		return good;
	*count = summary.rows;
	double all = (double)(rows + summary.rows);
	bool allowed = job->options->most_rejects >= 0
			       ? summary.rows <= job->options->most_rejects
			       : (double)summary.rows <= job->options->most_rejected_share * all;
	if (!allowed || summary.cut_off || summary.open_quote)
		return fail(job, &summary, rows, error);
	g_warning("table '%s': %" G_GINT64_FORMAT " of %.0f rows were set aside, first %s",
		  job->table->name, (gint64)summary.rows, all, first);
	return true;
}
