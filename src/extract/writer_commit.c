/*
 * Making the staged tables the source's tables. The order is what protects the last version: new
 * files are durable before they take their place, extract.duckdb follows them, and only then goes
 * what it no longer names.
 */
#include "base/error.h"
#include "base/files.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "extract/writer_files.h"
#include "extract/writer_private.h"

/* Whether the last run's table is a folder; a crash may have left a file and a folder of a name. */
static bool is_folder(const struct extract_writer *writer, const struct described_table *table)
{
	if (table->md5)
		return false;
	g_autofree char *folder = writer_place_of(writer, table->name, true);
	return g_file_test(folder, G_FILE_TEST_IS_DIR);
}

/* Brings the description up to the file, which is newer when a crash came before extract.duckdb. */
static bool refresh(struct extract_writer *writer, struct described_table *table, const char *path,
		    bool folder, bool *same, GError **error)
{
	g_autoptr(described_table) before = g_new0(struct described_table, 1);
	before->size_bytes = table->size_bytes;
	before->inode = table->inode;
	before->mtime_ns = table->mtime_ns;
	if (!writer_measure(table, path, folder, error))
		return false;
	*same = table->size_bytes == before->size_bytes && table->inode == before->inode &&
		table->mtime_ns == before->mtime_ns;
	if (*same)
		return true;
	table->rows = writer_count_rows(writer, path, folder, error);
	if (table->rows < 0)
		return false;
	g_clear_pointer(&table->md5, g_free);
	return writer_measure(table, path, folder, error);
}

/* The entry that keeps a table of the last run; NULL when its files are gone. */
static struct writer_entry *keep_table(struct extract_writer *writer, struct described_table *table)
{
	bool folder = is_folder(writer, table);
	g_autofree char *path = writer_place_of(writer, table->name, folder);
	g_autoptr(GError) cause = NULL;
	bool same = false;
	if (!refresh(writer, table, path, folder, &same, &cause)) {
		g_warning("source '%s': table '%s' of the last run is left out: %s", writer->source,
			  table->name, cause->message);
		return NULL;
	}
	struct writer_entry *entry = g_new0(struct writer_entry, 1);
	entry->table = table;
	entry->folder = folder;
	entry->same = same;
	return entry;
}

static bool keep_untouched(struct extract_writer *writer, GError **error)
{
	GHashTableIter tables;
	gpointer table;
	g_hash_table_iter_init(&tables, writer->previous);
	while (g_hash_table_iter_next(&tables, NULL, &table)) {
		const struct described_table *previous = table;
		g_autofree char *folded = g_ascii_strdown(previous->name, -1);
		if (g_hash_table_contains(writer->names, folded))
			continue;
		struct writer_entry *entry = keep_table(writer, table);
		if (!entry)
			continue;
		g_hash_table_iter_steal(&tables);
		if (!writer_add_entry(writer, entry, error))
			return false;
	}
	return true;
}

static bool place_files(struct extract_writer *writer, GError **error)
{
	for (guint i = 0; i < writer->entries->len; i++) {
		const struct writer_entry *entry = g_ptr_array_index(writer->entries, i);
		if (!entry->staged)
			continue;
		g_autofree char *place = writer_place_of(writer, entry->table->name, entry->folder);
		if (!writer_place(entry->staged, place, entry->folder, error))
			return false;
	}
	g_autofree char *data = writer_path(writer, "data");
	return files_sync_folder(data, error);
}

static char *view_over(const struct extract_writer *writer, const struct writer_entry *entry)
{
	g_autofree char *place = writer_place_of(writer, entry->table->name, entry->folder);
	if (!entry->folder)
		return duck_sql("SELECT * FROM read_parquet(%L, hive_partitioning = false)", place);
	g_autofree char *files = g_build_filename(place, "*.parquet", NULL);
	return duck_sql("SELECT * FROM read_parquet(%L, union_by_name = true, "
			"hive_partitioning = false)",
			files);
}

static gint compare_entries(gconstpointer a, gconstpointer b)
{
	const struct writer_entry *first = *(struct writer_entry *const *)a;
	const struct writer_entry *second = *(struct writer_entry *const *)b;
	return strcmp(first->table->name, second->table->name);
}

/* Whether that view is the table's, over the same files in the same place. */
static bool view_holds(const struct extract_writer *writer, const struct writer_entry *entry,
		       const char *view)
{
	if (!view || !entry->same || entry->folder || entry->table->remote)
		return false;
	g_autofree char *place = writer_place_of(writer, entry->table->name, false);
	g_autofree char *literal = duck_sql("%L", place);
	return strstr(view, literal) != NULL;
}

static bool put_views(struct extract_writer *writer, struct duck_connection *connection,
		      GError **error)
{
	g_autoptr(GHashTable) views = description_views(connection, error);
	for (guint i = 0; views && i < writer->entries->len; i++) {
		const struct writer_entry *entry = g_ptr_array_index(writer->entries, i);
		struct described_table *table = entry->table;
		bool holds = view_holds(writer, entry, g_hash_table_lookup(views, table->name));
		g_hash_table_remove(views, table->name);
		if (holds)
			continue;
		if (!table->remote)
			table->select = view_over(writer, entry);
		if (table->select && !description_put_view(connection, table, error)) {
			g_prefix_error(error, "table '%s': ", table->name);
			return false;
		}
	}
	GHashTableIter each;
	gpointer name;
	if (!views)
		return false;
	g_hash_table_iter_init(&each, views);
	while (g_hash_table_iter_next(&each, &name, NULL)) {
		if (!description_drop_view(connection, name, error))
			return false;
	}
	return true;
}

static bool describe_tables(struct extract_writer *writer, struct duck_connection *connection,
			    GError **error)
{
	g_auto(duck_transaction) transaction = {0};
	g_autoptr(GPtrArray) tables = g_ptr_array_new();
	if (!duck_transaction_begin(&transaction, connection, error))
		return false;
	g_ptr_array_sort(writer->entries, compare_entries);
	for (guint i = 0; i < writer->entries->len; i++) {
		const struct writer_entry *entry = g_ptr_array_index(writer->entries, i);
		g_ptr_array_add(tables, entry->table);
	}
	if (!put_views(writer, connection, error) ||
	    !description_add_tables(connection, tables, error))
		return false;
	for (guint i = 0; i < writer->attached->len; i++) {
		if (!description_add_attach(connection, g_ptr_array_index(writer->attached, i),
					    error))
			return false;
	}
	return duck_transaction_commit(&transaction, error);
}

static bool swap_description(struct extract_writer *writer, GError **error)
{
	struct duck_connection *connection = extract_writer_connection(writer, error);
	if (!connection || !describe_tables(writer, connection, error) ||
	    !duck_exec(connection, error, "CHECKPOINT", NULL))
		return false;
	duck_connection_free(g_steal_pointer(&writer->connection));
	duck_database_free(g_steal_pointer(&writer->database));
	g_autofree char *built = writer_path(writer, "extract.duckdb.tmp");
	g_autofree char *final = writer_path(writer, "extract.duckdb");
	/* Its content is in the old database since the writer began, see fold_log(). */
	g_autofree char *log = writer_path(writer, "extract.duckdb.wal");
	return files_remove(log, error) && files_publish(built, final, error);
}

/* Only now does nothing name these files any more. */
static void remove_outdated(struct extract_writer *writer)
{
	for (guint i = 0; i < writer->entries->len; i++) {
		const struct writer_entry *entry = g_ptr_array_index(writer->entries, i);
		g_hash_table_remove(writer->dropped, entry->table->name);
		if (!entry->table->remote) {
			g_autofree char *other = writer_place_of(writer, entry->table->name,
								 !entry->folder);
			files_remove_tree(other, NULL);
		}
	}
	GHashTableIter names;
	gpointer name;
	g_hash_table_iter_init(&names, writer->dropped);
	while (g_hash_table_iter_next(&names, &name, NULL)) {
		g_autofree char *file = writer_place_of(writer, name, false);
		g_autofree char *folder = writer_place_of(writer, name, true);
		files_remove_tree(file, NULL);
		files_remove_tree(folder, NULL);
	}
}

bool extract_writer_commit(struct extract_writer *writer, GError **error)
{
	if (!keep_untouched(writer, error) || !place_files(writer, error) ||
	    !swap_description(writer, error)) {
		g_prefix_error(error, "cannot publish source '%s': ", writer->source);
		return false;
	}
	remove_outdated(writer);
	return true;
}
