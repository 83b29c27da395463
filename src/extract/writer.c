/* The writing side of the extract contract: lock the source, stage files, describe tables. */
#include "extract/writer.h"

#include "base/error.h"
#include "base/files.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "extract/bounds.h"
#include "extract/names.h"
#include "extract/writer_files.h"
#include "extract/writer_private.h"

enum { MANY_TABLES = 50 }; /* of the last run */

void writer_entry_free(struct writer_entry *entry)
{
	if (!entry)
		return;
	described_table_free(entry->table);
	g_free(entry->staged);
	g_free(entry);
}

char *writer_path(const struct extract_writer *writer, const char *name)
{
	return g_build_filename(writer->folder, name, NULL);
}

char *writer_place_of(const struct extract_writer *writer, const char *table, bool folder)
{
	g_autofree char *name = g_strconcat(table, folder ? "" : ".parquet", NULL);
	return g_build_filename(writer->folder, "data", name, NULL);
}

static bool take_lock(struct extract_writer *writer, GError **error)
{
	g_autofree char *path = writer_path(writer, ".lock");
	g_autoptr(GError) cause = NULL;
	writer->lock = files_lock(path, 0, &cause);
	if (writer->lock >= 0)
		return true;
	if (g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_BUSY))
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_BUSY,
			    "another extract of source '%s' is running; try again when it has "
			    "finished",
			    writer->source);
	else
		g_propagate_error(error, g_steal_pointer(&cause));
	return false;
}

bool writer_remove_leftovers(struct extract_writer *writer, GError **error)
{
	static const char *const names[] = {"extract.duckdb.tmp", "extract.duckdb.tmp.wal",
					    ".stage"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = writer_path(writer, names[i]);
		if (!files_remove_tree(path, error))
			return false;
	}
	return true;
}

/*
 * A producer that wrote in place may have left a write-ahead log. DuckDB would replay it into the
 * file that replaces this one, so it has to be gone before, its content in the database.
 */
static void fold_log(const struct extract_writer *writer, const char *path)
{
	g_autofree char *log = writer_path(writer, "extract.duckdb.wal");
	if (!g_file_test(log, G_FILE_TEST_EXISTS))
		return;
	g_autoptr(GError) error = NULL;
	g_autoptr(duck_database) database = duck_database_open(path, NULL, &error);
	g_autoptr(duck_connection) connection = database ? duck_connect(database, &error) : NULL;
	if (!connection || !duck_exec(connection, &error, "CHECKPOINT", NULL))
		g_warning("%s: its log cannot be replayed: %s", path, error->message);
}

static bool read_previous(struct extract_writer *writer, GError **error)
{
	g_autofree char *path = writer_path(writer, "extract.duckdb");
	g_autoptr(GError) cause = NULL;
	fold_log(writer, path);
	writer->previous = description_read(path, &writer->ours, &cause);
	if (writer->previous)
		return true;
	if (!g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_CORRUPT)) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return false;
	}
	g_warning("%s is damaged and will be written anew, with the tables of this run alone: %s",
		  path, cause->message);
	writer->previous = g_hash_table_new(g_str_hash, g_str_equal);
	return true;
}

static bool make_folders(struct extract_writer *writer, GError **error)
{
	g_autofree char *data = writer_path(writer, "data");
	g_autofree char *stage = writer_path(writer, ".stage");
	return files_make_folder(data, error) && files_make_folder(stage, error);
}

struct extract_writer *extract_writer_begin(const char *data_dir, const char *source,
					    GError **error)
{
	if (!name_is_strict(source)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "'%s' cannot name a source: use letters, digits and _ (at most 64)",
			    source ? source : "");
		return NULL;
	}
	g_autoptr(extract_writer) writer = g_new0(struct extract_writer, 1);
	g_autofree char *root = g_canonicalize_filename(data_dir, NULL);
	writer->source = g_strdup(source);
	writer->folder = g_build_filename(root, "extracts", source, NULL);
	writer->lock = -1;
	writer->dropped = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	writer->staged = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	writer->entries = g_ptr_array_new_with_free_func((GDestroyNotify)writer_entry_free);
	writer->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	writer->attached = g_ptr_array_new_with_free_func((GDestroyNotify)described_attach_free);
	if (!files_make_folder(writer->folder, error) || !take_lock(writer, error) ||
	    !writer_remove_leftovers(writer, error) || !make_folders(writer, error) ||
	    !read_previous(writer, error))
		return NULL;
	return g_steal_pointer(&writer);
}

static char *stage(struct extract_writer *writer, const char *table, bool folder, GError **error)
{
	if (!name_is_strict(table)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "'%s' cannot name a table: use letters, digits and _ (at most 64)",
			    table ? table : "");
		return NULL;
	}
	g_autofree char *name = g_strconcat(table, folder ? "" : ".parquet", NULL);
	g_autofree char *path = g_build_filename(writer->folder, ".stage", name, NULL);
	/* A second attempt finds what the first made. */
	if (!files_remove_tree(path, error))
		return NULL;
	g_hash_table_replace(writer->staged, g_strdup(table), g_strdup(path));
	return g_steal_pointer(&path);
}

char *extract_writer_stage_file(struct extract_writer *writer, const char *table, GError **error)
{
	return stage(writer, table, false, error);
}

char *extract_writer_stage_folder(struct extract_writer *writer, const char *table, bool keep,
				  GError **error)
{
	g_autofree char *path = stage(writer, table, true, error);
	g_autofree char *current = path ? writer_place_of(writer, table, true) : NULL;
	if (!path || !files_make_folder(path, error) ||
	    (keep && !writer_link_folder(current, path, error)))
		return NULL;
	return g_steal_pointer(&path);
}

/* Its name cannot be a table's. */
char *extract_writer_scratch(struct extract_writer *writer, GError **error)
{
	char *path = g_build_filename(writer->folder, ".stage", ".scratch", NULL);
	if (files_make_folder(path, error))
		return path;
	g_free(path);
	return NULL;
}

/*
 * The last extract.duckdb as a start, where binding its views again would cost more: those of
 * tables that stay the same are in it already.
 */
static bool start_with_last(struct extract_writer *writer, const char *path, GError **error)
{
	g_autofree char *last = writer_path(writer, "extract.duckdb");
	if (!writer->ours || g_hash_table_size(writer->previous) < MANY_TABLES)
		return true;
	return files_copy(last, path, error);
}

struct duck_connection *extract_writer_connection(struct extract_writer *writer, GError **error)
{
	if (writer->connection)
		return writer->connection;
	const struct duck_options options = {.threads = 1};
	g_autofree char *path = writer_path(writer, "extract.duckdb.tmp");
	if (!start_with_last(writer, path, error))
		return NULL;
	g_autoptr(duck_database) database = duck_database_open(path, &options, error);
	g_autoptr(duck_connection) connection = database ? duck_connect(database, error) : NULL;
	if (!connection || !description_create(connection, error))
		return NULL;
	writer->database = g_steal_pointer(&database);
	writer->connection = g_steal_pointer(&connection);
	return writer->connection;
}

int64_t writer_count_rows(struct extract_writer *writer, const char *path, bool folder,
			  GError **error)
{
	struct duck_connection *connection = extract_writer_connection(writer, error);
	if (!connection)
		return -1;
	g_autofree char *files = folder ? g_build_filename(path, "*.parquet", NULL)
					: g_strdup(path);
	g_autofree char *sql = duck_sql(
		"SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(%L)", files);
	g_autoptr(duck_rows) rows = duck_query(connection, error, sql, NULL);
	if (!rows)
		return -1;
	duck_rows_next(rows);
	return duck_rows_int(rows, 0);
}

bool writer_add_entry(struct extract_writer *writer, struct writer_entry *entry, GError **error)
{
	g_autofree char *folded = g_ascii_strdown(entry->table->name, -1);
	if (g_hash_table_contains(writer->names, folded)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
			    "source '%s' has table '%s' twice: names differ by more than case",
			    writer->source, entry->table->name);
		writer_entry_free(entry);
		return false;
	}
	g_hash_table_add(writer->names, g_steal_pointer(&folded));
	g_ptr_array_add(writer->entries, entry);
	if (writer->entries->len <= EXTRACT_MOST_TABLES)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
		    "source '%s' has more than %d tables; split it in two", writer->source,
		    EXTRACT_MOST_TABLES);
	return false;
}

bool extract_writer_add_local(struct extract_writer *writer, const struct extract_local *local,
			      GError **error)
{
	const char *path = g_hash_table_lookup(writer->staged, local->name);
	if (!path) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "table '%s' was described but not staged", local->name);
		return false;
	}
	bool folder = g_file_test(path, G_FILE_TEST_IS_DIR);
	g_autoptr(described_table) table = g_new0(struct described_table, 1);
	table->name = g_strdup(local->name);
	table->description = g_strdup(local->description ? local->description : "");
	table->extracted_at = local->extracted_at;
	table->md5 = g_strdup(local->md5);
	table->rows = local->rows < 0 ? writer_count_rows(writer, path, folder, error)
				      : local->rows;
	if (table->rows < 0 || !writer_sync(path, folder, error) ||
	    !writer_measure(table, path, folder, error))
		return false;
	struct writer_entry *entry = g_new0(struct writer_entry, 1);
	entry->table = g_steal_pointer(&table);
	entry->staged = g_strdup(path);
	entry->folder = folder;
	g_hash_table_remove(writer->staged, local->name);
	return writer_add_entry(writer, entry, error);
}

bool extract_writer_add_remote(struct extract_writer *writer, const struct extract_remote *remote,
			       GError **error)
{
	if (!name_is_strict(remote->name)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "'%s' cannot name a table",
			    remote->name ? remote->name : "");
		return false;
	}
	struct writer_entry *entry = g_new0(struct writer_entry, 1);
	entry->table = g_new0(struct described_table, 1);
	entry->table->name = g_strdup(remote->name);
	entry->table->description = g_strdup(remote->description ? remote->description : "");
	entry->table->extracted_at = remote->extracted_at;
	entry->table->select = g_strdup(remote->select);
	entry->table->remote = true;
	return writer_add_entry(writer, entry, error);
}

bool extract_writer_add_attach(struct extract_writer *writer, const char *alias,
			       const char *extension, const char *url, const char *token_env,
			       GError **error)
{
	if (!name_is_strict(alias) || !name_is_strict(extension) ||
	    (*token_env && !name_is_env(token_env))) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "cannot describe the remote database '%s': alias, extension or the "
			    "variable of its token is not a valid name",
			    alias ? alias : "");
		return false;
	}
	struct described_attach *attach = g_new0(struct described_attach, 1);
	attach->alias = g_strdup(alias);
	attach->extension = g_strdup(extension);
	attach->url = g_strdup(url);
	attach->token_env = g_strdup(token_env);
	g_ptr_array_add(writer->attached, attach);
	return true;
}

bool extract_writer_had(const struct extract_writer *writer, const char *table)
{
	return g_hash_table_contains(writer->previous, table);
}

void extract_writer_drop(struct extract_writer *writer, const char *table)
{
	if (g_hash_table_remove(writer->previous, table))
		g_hash_table_add(writer->dropped, g_strdup(table));
}

void extract_writer_free(struct extract_writer *writer)
{
	if (!writer)
		return;
	duck_connection_free(writer->connection);
	duck_database_free(writer->database);
	/* Without the lock, what lies there is somebody else's. */
	if (writer->previous) {
		writer_remove_leftovers(writer, NULL);
		g_hash_table_unref(writer->previous);
	}
	descriptor_close(&writer->lock);
	g_hash_table_unref(writer->dropped);
	g_hash_table_unref(writer->staged);
	g_ptr_array_unref(writer->entries);
	g_hash_table_unref(writer->names);
	g_ptr_array_unref(writer->attached);
	g_free(writer->folder);
	g_free(writer->source);
	g_free(writer);
}
