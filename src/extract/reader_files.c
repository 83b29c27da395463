/* Getting the one parquet file of each table ready, and looking into it. */
#include "base/child.h"
#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "extract/reader.h"
#include "extract/reader_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_STEP = 1024 * 1024 };

static char *work_path(const struct extract_reader *reader, const char *table)
{
	g_autofree char *name = g_strconcat(table, ".parquet", NULL);
	return g_build_filename(reader->work, name, NULL);
}

/* Answers at once when the parent has the table as it was made from the same. */
static bool is_known(struct extract_reader *reader, const struct reader_table *table,
		     const char *key)
{
	const char *known = json_string_value(json_object_get(reader->known, table->name));
	if (g_strcmp0(known, key) != 0)
		return false;
	json_t *answer = reader_table_answer(table);
	json_object_set_new(answer, "same", json_true());
	child_answer(answer);
	return true;
}

/* Takes over `path` and `answer`. */
static void add_pending(struct extract_reader *reader, char *path, json_t *answer)
{
	struct reader_file *file = g_new0(struct reader_file, 1);
	file->path = path;
	file->answer = answer;
	g_ptr_array_add(reader->pending, file);
}

/* A file that lies in the work folder. Takes over `path`. */
static void add_work(struct extract_reader *reader, const struct reader_table *table, char *path,
		     const char *key, const char *md5)
{
	g_autofree char *name = g_path_get_basename(path);
	json_t *answer = reader_table_answer(table);
	json_object_set_new(answer, "key", json_string(key));
	json_object_set_new(answer, "work", json_string(name));
	json_object_set_new(answer, "md5", json_string(md5));
	add_pending(reader, path, answer);
}

/* A file that stays where it is and is never written into. */
static void add_link(struct extract_reader *reader, const struct reader_table *table,
		     const char *path, const char *key, const struct promise *promise)
{
	json_t *answer = reader_table_answer(table);
	json_object_set_new(answer, "key", json_string(key));
	json_object_set_new(answer, "link", json_string(path + strlen(reader->folder) + 1));
	json_object_set_new(answer, "md5", json_string(promise->md5));
	json_object_set_new(answer, "inode", json_integer(promise->stamp.inode));
	json_object_set_new(answer, "size", json_integer(promise->stamp.size));
	json_object_set_new(answer, "mtime_ns", json_integer(promise->stamp.mtime_ns));
	add_pending(reader, g_strdup(path), answer);
}

/* Symlinks within the source's own folder are followed, those out of it refused. */
static char *resolve(const struct extract_reader *reader, const char *path, GError **error)
{
	char *found = realpath(path, NULL);
	g_autofree char *resolved = g_strdup(found);
	g_autofree char *prefix = g_strconcat(reader->folder, "/", NULL);
	free(found);
	if (!resolved) {
		agnes_set_errno(error, errno, "cannot find its file %s", path);
		return NULL;
	}
	if (g_str_has_prefix(resolved, prefix))
		return g_steal_pointer(&resolved);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_DENIED,
		    "its file %s is a symlink that leads out of the source's own folder", path);
	return NULL;
}

static int open_parquet(const char *path, struct file_stamp *stamp, GError **error)
{
	struct stat status;
	int fd = files_open_regular(path, &status, error);
	if (fd >= 0)
		*stamp = file_stamp_of(&status);
	return fd;
}

static void append_stamp(GString *key, const struct extract_reader *reader, const char *path,
			 const struct file_stamp *stamp)
{
	g_string_append_printf(
		key, " %s:%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT,
		path + strlen(reader->folder) + 1, stamp->inode, stamp->size, stamp->mtime_ns);
}

static bool copy_step(int from, int to, char *step, GChecksum *sum, bool *end)
{
	ssize_t got = read(from, step, COPY_STEP);
	if (got < 0)
		return errno == EINTR;
	*end = got == 0;
	g_checksum_update(sum, (const guchar *)step, got);
	for (ssize_t done = 0; done < got;) {
		ssize_t written = write(to, step + done, (size_t)(got - done));
		if (written < 0 && errno != EINTR)
			return false;
		done += MAX(written, 0);
	}
	return true;
}

/* Copies and hashes in one go; the MD5. */
static char *copy_hashed(int from, const char *to, GError **error)
{
	g_autofree char *step = g_malloc(COPY_STEP);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_MD5);
	AUTO_FD target = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	bool end = false;
	bool copied = target >= 0;
	while (copied && !end)
		copied = copy_step(from, target, step, sum, &end);
	if (copied && fsync(target) == 0)
		return g_strdup(g_checksum_get_string(sum));
	agnes_set_errno(error, errno, "cannot write %s", to);
	return NULL;
}

static bool check_unchanged(const char *path, const struct file_stamp *before, GError **error)
{
	struct stat status;
	if (stat(path, &status) == 0) {
		struct file_stamp now = file_stamp_of(&status);
		if (file_stamp_equal(&now, before))
			return true;
	}
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
		    "%s was changed while it was read; it is tried again with the next rebuild",
		    path);
	return false;
}

/* Who may write into the file at any time gets it copied: what is published never changes. */
static bool take_copy(struct extract_reader *reader, const struct reader_table *table,
		      const char *path, int fd, const struct file_stamp *stamp, const char *key,
		      GError **error)
{
	g_autofree char *copy = work_path(reader, table->name);
	g_autofree char *md5 = copy_hashed(fd, copy, error);
	if (!md5 || !check_unchanged(path, stamp, error))
		return false;
	add_work(reader, table, g_steal_pointer(&copy), key, md5);
	return true;
}

bool reader_take_file(struct extract_reader *reader, const struct reader_table *table,
		      const char *path, GError **error)
{
	g_autofree char *resolved = resolve(reader, path, error);
	struct file_stamp stamp;
	AUTO_FD fd = resolved ? open_parquet(resolved, &stamp, error) : -1;
	if (fd < 0)
		return false;
	g_autoptr(GString) key = g_string_new("file");
	append_stamp(key, reader, resolved, &stamp);
	if (is_known(reader, table, key->str))
		return true;
	const struct promise *promise = g_hash_table_lookup(reader->checksums, table->name);
	if (!promise || !file_stamp_equal(&promise->stamp, &stamp))
		return take_copy(reader, table, resolved, fd, &stamp, key->str, error);
	add_link(reader, table, resolved, key->str, promise);
	return true;
}

/* Runs a COPY into the work folder and hashes what it wrote. */
static bool take_result(struct extract_reader *reader, const struct reader_table *table,
			const char *select, const char *key, GError **error)
{
	g_autofree char *path = work_path(reader, table->name);
	g_autofree char *sql = duck_sql("COPY (%S) TO %L (FORMAT parquet)", select, path);
	if (!duck_exec(reader->jail.connection, error, sql, NULL))
		return false;
	g_autofree char *md5 = hash_file(path, error);
	if (!md5 || !files_sync(path, error))
		return false;
	add_work(reader, table, g_steal_pointer(&path), key, md5);
	return true;
}

static char *key_of_files(const struct extract_reader *reader, const GPtrArray *paths,
			  GString *list, GError **error)
{
	g_autoptr(GString) key = g_string_new("files");
	for (guint i = 0; i < paths->len; i++) {
		struct file_stamp stamp;
		g_autofree char *path = resolve(reader, g_ptr_array_index(paths, i), error);
		AUTO_FD fd = path ? open_parquet(path, &stamp, error) : -1;
		if (fd < 0)
			return NULL;
		append_stamp(key, reader, path, &stamp);
		duck_sql_append(list, i == 0 ? "%L" : ", %L", path);
	}
	return g_compute_checksum_for_string(G_CHECKSUM_MD5, key->str, (gssize)key->len);
}

bool reader_take_files(struct extract_reader *reader, const struct reader_table *table,
		       const GPtrArray *paths, bool union_by_name, GError **error)
{
	g_autoptr(GString) list = g_string_new(NULL);
	g_autofree char *before = key_of_files(reader, paths, list, error);
	g_autofree char *key = g_strconcat(union_by_name ? "union " : "files ", before, NULL);
	if (!before)
		return false;
	if (is_known(reader, table, key))
		return true;
	g_autofree char *select = duck_sql("SELECT * FROM read_parquet([%S], union_by_name = %S, "
					   "hive_partitioning = false)",
					   list->str, union_by_name ? "true" : "false");
	if (!take_result(reader, table, select, key, error))
		return false;
	g_autofree char *after = key_of_files(reader, paths, list, error);
	if (g_strcmp0(before, after) == 0)
		return true;
	/* What was merged may be of two versions. */
	g_ptr_array_set_size(reader->pending, (gint)reader->pending->len - 1);
	if (after)
		g_set_error_literal(
			error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
			"its files were changed while they were merged; they are tried again "
			"with the next rebuild");
	return false;
}

bool reader_take_query(struct extract_reader *reader, const struct reader_table *table,
		       GError **error)
{
	/* It may read anything of the source, so anything that changes there may change it. */
	g_autofree char *key = g_strconcat(READER_QUERY_KEY, reader->stamp, NULL);
	if (is_known(reader, table, key))
		return true;
	g_autofree char *select = duck_sql("SELECT * FROM extract.main.%I", table->name);
	return take_result(reader, table, select, key, error);
}

static void answer_bad_file(const struct reader_file *file, const char *message)
{
	g_autofree char *valid = g_utf8_make_valid(message, -1);
	child_answer(json_pack("{sO ss}", "table", json_object_get(file->answer, "table"), "error",
			       valid));
}

/* Rows and columns of parquet files, from their footers; false when one of them has none. */
static GHashTable *read_footers(struct extract_reader *reader, GPtrArray *files, GError **error)
{
	g_autoptr(GString) list = g_string_new(NULL);
	for (guint i = 0; i < files->len; i++) {
		const struct reader_file *file = g_ptr_array_index(files, i);
		duck_sql_append(list, i == 0 ? "%L" : ", %L", file->path);
	}
	g_autofree char *sql = duck_sql(
		"SELECT f.file_name, f.num_rows::BIGINT, s.num_children::BIGINT "
		"FROM parquet_file_metadata([%S]) f JOIN parquet_schema([%S]) s "
		"ON s.file_name = f.file_name AND s.column_id = 0",
		list->str, list->str);
	g_autoptr(duck_rows) rows = duck_query(reader->jail.connection, error, sql, NULL);
	if (!rows)
		return NULL;
	GHashTable *footers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
						    (GDestroyNotify)json_decref);
	while (duck_rows_next(rows))
		g_hash_table_replace(footers, g_strdup(duck_rows_text(rows, 0)),
				     json_pack("[II]", (json_int_t)duck_rows_int(rows, 1),
					       (json_int_t)duck_rows_int(rows, 2)));
	return footers;
}

static void answer_file(const struct reader_file *file, GHashTable *footers)
{
	const json_t *footer = g_hash_table_lookup(footers, file->path);
	if (!footer) {
		answer_bad_file(file, "its parquet file has no footer");
		return;
	}
	json_object_set(file->answer, "rows", json_array_get(footer, 0));
	json_object_set(file->answer, "columns", json_array_get(footer, 1));
	child_answer(json_incref(file->answer));
}

static void finish_one(struct extract_reader *reader, struct reader_file *file)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) one = g_ptr_array_new();
	g_ptr_array_add(one, file);
	g_autoptr(GHashTable) footers = read_footers(reader, one, &error);
	if (footers) {
		answer_file(file, footers);
		return;
	}
	g_autofree char *message = child_error_text(error);
	answer_bad_file(file, message);
}

void reader_finish_files(struct extract_reader *reader)
{
	if (reader->pending->len == 0)
		return;
	/* All at once is much faster; one bad file makes it necessary to ask for each. */
	g_autoptr(GHashTable) footers = read_footers(reader, reader->pending, NULL);
	for (guint i = 0; i < reader->pending->len; i++) {
		struct reader_file *file = g_ptr_array_index(reader->pending, i);
		if (footers)
			answer_file(file, footers);
		else
			finish_one(reader, file);
	}
}
