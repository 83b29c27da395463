/* The child's way into its sandbox, and its answers. */
#include "extract/reader.h"

#include "base/child.h"
#include "base/error.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "extract/reader_private.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	MEGABYTE = 1024 * 1024,
	/* DuckDB's own limit is no wall, and below some multiple of it DuckDB itself crashes. */
	ADDRESS_SPACE_FACTOR = 4,
	ADDRESS_SPACE_BASE_MB = 2048,
	MOST_OPEN_FILES = 4096,
};

void promise_free(struct promise *promise)
{
	if (!promise)
		return;
	g_free(promise->md5);
	g_free(promise);
}

void reader_file_free(struct reader_file *file)
{
	if (!file)
		return;
	g_free(file->path);
	json_decref(file->answer);
	g_free(file);
}

static void extract_reader_free(struct extract_reader *reader)
{
	if (!reader)
		return;
	duck_connection_free(reader->connection);
	duck_database_free(reader->database);
	json_decref(reader->materialized);
	json_decref(reader->known);
	g_clear_pointer(&reader->checksums, g_hash_table_unref);
	g_clear_pointer(&reader->seen, g_hash_table_unref);
	g_clear_pointer(&reader->pending, g_ptr_array_unref);
	g_free(reader->source);
	g_free(reader->folder);
	g_free(reader->work);
	g_free(reader->stamp);
	g_free(reader);
}
DEFINE_AUTOPTR(extract_reader)

bool reader_may_pass(const GError *error)
{
	return g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NO_SPACE) ||
	       g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT) ||
	       g_error_matches(error, AGNES_ERROR, AGNES_ERROR_BUSY);
}

json_t *reader_table_answer(const struct reader_table *table)
{
	g_autofree char *description = g_utf8_make_valid(table->description, -1);
	return json_pack("{ss ss sI}", "table", table->name, "description", description,
			 "extracted_at", (json_int_t)table->extracted_at);
}

static struct extract_reader *parse_request(GError **error)
{
	g_autoptr(json_t) request = child_read_request(error);
	if (!request)
		return NULL;
	const char *source, *folder, *work, *stamp;
	json_t *materialized, *known;
	json_error_t problem;
	g_autoptr(extract_reader) reader = g_new0(struct extract_reader, 1);
	if (json_unpack_ex(request, &problem, JSON_STRICT, "{ss ss ss ss si si si so so}", "source",
			   &source, "folder", &folder, "work", &work, "stamp", &stamp, "memory_mb",
			   &reader->memory_mb, "threads", &reader->threads, "newest_landlock",
			   &reader->newest_landlock, "materialized", &materialized, "known",
			   &known) < 0) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "request: %s", problem.text);
		return NULL;
	}
	reader->source = g_strdup(source);
	reader->folder = g_strdup(folder);
	reader->work = g_strdup(work);
	reader->stamp = g_strdup(stamp);
	reader->materialized = json_incref(materialized);
	reader->known = json_incref(known);
	reader->checksums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
						  (GDestroyNotify)promise_free);
	reader->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	reader->pending = g_ptr_array_new_with_free_func((GDestroyNotify)reader_file_free);
	return g_steal_pointer(&reader);
}

static bool open_database(struct extract_reader *reader, GError **error)
{
	g_autofree char *memory = g_strdup_printf("%dMB", reader->memory_mb);
	const struct duck_options options = {
		.threads = 1,
		.memory_limit = memory,
		.temp_directory = reader->work,
	};
	reader->database = duck_database_open(NULL, &options, error);
	reader->connection = reader->database ? duck_connect(reader->database, error) : NULL;
	return reader->connection != NULL;
}

static bool enter_sandbox(const struct extract_reader *reader, GError **error)
{
	const struct sandbox_path paths[] = {
		{reader->folder, SANDBOX_READ},
		{reader->work, SANDBOX_READ_WRITE},
	};
	const struct sandbox_plan plan = {
		.profile = SANDBOX_OFFLINE,
		.paths = paths,
		.path_count = G_N_ELEMENTS(paths),
		.newest_landlock = reader->newest_landlock,
	};
	return sandbox_enter(&plan, error) && process_end_with_parent(STDIN_FILENO, error);
}

/* The wall is the sandbox; these settings give better messages and hold where Landlock is absent.
 */
static bool confine_database(struct extract_reader *reader, GError **error)
{
	g_autofree char *sql = duck_sql(
		"SET threads = %d; SET allowed_directories = [%L, %L]; "
		"SET enable_external_access = false; SET lock_configuration = true",
		reader->threads, reader->folder, reader->work);
	return duck_exec(reader->connection, error, sql, NULL);
}

static bool read_source(GError **error)
{
	g_autoptr(extract_reader) reader = parse_request(error);
	if (!reader)
		return false;
	const struct sandbox_limits limits = {
		.address_space = ((uint64_t)reader->memory_mb * ADDRESS_SPACE_FACTOR +
				  ADDRESS_SPACE_BASE_MB) *
				 MEGABYTE,
		.open_files = MOST_OPEN_FILES,
	};
	if (!sandbox_limit(&limits, error) || !open_database(reader, error) ||
	    !enter_sandbox(reader, error) || !confine_database(reader, error) ||
	    !reader_describe(reader, error))
		return false;
	reader_finish_files(reader);
	return true;
}

static void answer_failure(const GError *error)
{
	g_autofree char *message = child_error_text(error);
	child_answer(json_pack("{ss sb}", "error", message, "retry", reader_may_pass(error)));
}

void reader_run(void)
{
	g_autoptr(GError) error = NULL;
	/* A full disk or a limit on sizes is then an error of the table and not the end. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (read_source(&error))
		child_answer(json_pack("{sb}", "done", 1));
	else
		answer_failure(error);
	/* LeakSanitizer would want ptrace(), and there is nothing left to flush. */
	_exit(EXIT_SUCCESS);
}
