/* The child's way into its sandbox, and its answers. */
#include "extract/reader.h"

#include "base/child.h"
#include "base/error.h"
#include "extract/reader_private.h"

#include <stdlib.h>
#include <unistd.h>

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
	duck_jail_clear(&reader->jail);
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
	int described;
	json_error_t problem;
	g_autoptr(extract_reader) reader = g_new0(struct extract_reader, 1);
	if (json_unpack_ex(request, &problem, JSON_STRICT, "{ss ss ss ss sb si si si so so}",
			   "source", &source, "folder", &folder, "work", &work, "stamp", &stamp,
			   "described", &described, "memory_mb", &reader->memory_mb, "threads",
			   &reader->threads, "newest_landlock", &reader->newest_landlock,
			   "materialized", &materialized, "known", &known) < 0) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "request: %s", problem.text);
		return NULL;
	}
	reader->source = g_strdup(source);
	reader->folder = g_strdup(folder);
	reader->work = g_strdup(work);
	reader->stamp = g_strdup(stamp);
	reader->described = described;
	reader->materialized = json_incref(materialized);
	reader->known = json_incref(known);
	reader->checksums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
						  (GDestroyNotify)promise_free);
	reader->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	reader->pending = g_ptr_array_new_with_free_func((GDestroyNotify)reader_file_free);
	return g_steal_pointer(&reader);
}

static bool read_source(GError **error)
{
	g_autoptr(extract_reader) reader = parse_request(error);
	if (!reader)
		return false;
	const struct duck_jail_options options = {
		.readable = reader->folder,
		.writable = reader->work,
		.memory_mb = reader->memory_mb,
		.threads = reader->threads,
		.profile = SANDBOX_OFFLINE,
		.newest_landlock = reader->newest_landlock,
	};
	if (!duck_jail_open(&reader->jail, &options, error) ||
	    !duck_jail_enter(&reader->jail, error) || !duck_jail_close(&reader->jail, error) ||
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
	if (read_source(&error))
		child_answer(json_pack("{sb}", "done", 1));
	else
		answer_failure(error);
	/* LeakSanitizer would want ptrace(), and there is nothing left to flush. */
	_exit(EXIT_SUCCESS);
}
