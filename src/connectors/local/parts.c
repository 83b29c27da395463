/* Reading the marks of parts. */
#include "connectors/local/parts.h"

#include "base/files.h"
#include "duck/query.h"
#include "duck/sql.h"

#include <string.h>

char *local_part_mark(const char *strategy, const char *text)
{
	return g_strconcat(strategy, ":", text, NULL);
}

static bool has_parts(const char *folder)
{
	g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
	return listing && g_dir_read_name(listing);
}

/* False with *foreign: a part was not made by this strategy. */
static bool read_parts(const struct local_job *job, const char *folder, const char *strategy,
		       GHashTable *parts, bool *foreign, GError **error)
{
	g_autofree char *pattern = g_build_filename(folder, "*.parquet", NULL);
	g_autofree char *prefix = local_part_mark(strategy, "");
	g_autofree char *sql = duck_sql(
		"SELECT file, mark FROM glob(%L) LEFT JOIN (SELECT file_name AS file,"
		" try(decode(value)) AS mark FROM parquet_kv_metadata(%L) WHERE key = '" LOCAL_MARK
		"'::BLOB) USING (file)",
		pattern, pattern);
	g_autoptr(duck_rows) rows = duck_query(job->session->connection, error, sql, NULL);
	if (!rows)
		return false;
	while (duck_rows_next(rows)) {
		const char *mark = duck_rows_text(rows, 1);
		*foreign |= !mark || !g_str_has_prefix(mark, prefix);
		if (!*foreign)
			g_hash_table_insert(parts, g_strdup(duck_rows_text(rows, 0)),
					    g_strdup(mark + strlen(prefix)));
	}
	return true;
}

char *local_parts_stage(const struct local_job *job, const char *strategy, GHashTable **parts,
			GError **error)
{
	struct extract_writer *writer = job->session->run->writer;
	g_autofree char *folder = extract_writer_stage_folder(writer, job->table->name, true,
							      error);
	g_autoptr(GHashTable)
		found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	bool foreign = false;
	if (!folder ||
	    (has_parts(folder) && !read_parts(job, folder, strategy, found, &foreign, error)))
		return NULL;
	if (foreign) {
		g_message("table '%s' was made by another strategy and starts anew",
			  job->table->name);
		g_hash_table_remove_all(found);
		if (!files_remove_tree(folder, error))
			return NULL;
		g_clear_pointer(&folder, g_free);
		folder = extract_writer_stage_folder(writer, job->table->name, false, error);
		if (!folder)
			return NULL;
	}
	*parts = g_steal_pointer(&found);
	return g_steal_pointer(&folder);
}
