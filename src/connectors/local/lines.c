/* Sieving NDJSON in DuckDB. */
#include "connectors/local/lines.h"

#include "base/error.h"
#include "connectors/local/reader.h"
#include "connectors/local/rejects.h"
#include "duck/query.h"
#include "duck/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The whole line is one column: no delimiter, no quote. */
static bool read_lines(const struct local_session *session, const struct local_file *file,
		       GError **error)
{
	g_autofree char *sql = duck_sql(
		"CREATE OR REPLACE TEMPORARY TABLE local_lines AS"
		" SELECT number, line, json_valid(line) AS good"
		" FROM (SELECT row_number() OVER () AS number, line"
		" FROM read_csv(%L, columns = {'line': 'VARCHAR'}, header = false, auto_detect = false,"
		"  delim = '', quote = '', escape = '', compression = %L, parallel = false,"
		"  store_rejects = true, rejects_table = '" LOCAL_REJECTS
		"', rejects_scan = '" LOCAL_SCANS "', rejects_limit = %d)"
		") WHERE trim(line) <> ''",
		file->path, local_compression_name(file->compression), LOCAL_MOST_FAULTS);
	return duck_exec(session->connection, error, sql, NULL);
}

static bool sieve_file(const struct local_session *session, struct local_file *file, GError **error)
{
	g_autofree char *path = g_build_filename(session->scratch, "lines.ndjson", NULL);
	g_autofree char *copy = duck_sql(
		"COPY (SELECT line FROM local_lines WHERE good) TO %L"
		" (FORMAT csv, HEADER false, DELIMITER '', QUOTE '', ESCAPE '')",
		path);
	if (!read_lines(session, file, error) ||
	    !duck_exec(
		    session->connection, error,
		    "INSERT INTO " LOCAL_GATHERED
		    " SELECT ?, number, NULL, 'NOT JSON', 'the line is not JSON', left(line, 1000)"
		    " FROM local_lines WHERE NOT good",
		    "s", file->name) ||
	    !duck_exec(session->connection, error, copy, NULL))
		return false;
	descriptor_close(&file->copy);
	file->copy = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (file->copy < 0) {
		agnes_set_errno(error, errno, "cannot open the good lines of %s", file->name);
		return false;
	}
	unlink(path);
	return true;
}

bool local_lines_sieve(const struct local_session *session, const GPtrArray *files, GError **error)
{
	for (guint i = 0; i < files->len; i++) {
		struct local_file *file = g_ptr_array_index(files, i);
		if (!sieve_file(session, file, error))
			return false;
	}
	if (!local_rejects_gather(session, files, error))
		return false;
	for (guint i = 0; i < files->len; i++) {
		struct local_file *file = g_ptr_array_index(files, i);
		g_free(file->path);
		file->path = g_strdup_printf("/proc/self/fd/%d", file->copy);
		file->compression = LOCAL_PLAIN;
	}
	return true;
}
