/* The parent's side: says what to build, checks the outcome, swaps. */
#include "engine/analytics.h"

#include "base/child.h"
#include "base/error.h"
#include "base/files.h"
#include "engine/remote_catalogs.h"

#include <stdlib.h>
#include <string.h>

/* Beside the file: which edition it was written from. */
#define DIGEST_NAME ".edition"

enum {
	DIGEST_MODE = 0600,
	LONGEST_DIGEST = 100,
	LOCK_MILLISECONDS = 10 * 60 * 1000,
	LONGEST_LINE = 64 * 1024,
	LONGEST_ANSWER = 64 * 1024 * 1024,
};

static json_t *list_tables(const struct edition *edition)
{
	json_t *tables = json_array();
	for (guint i = 0; i < edition->tables->len; i++) {
		const struct edition_table *entry = g_ptr_array_index(edition->tables, i);
		const struct published_table *table = entry->table;
		const char *source = entry->source->name;
		json_array_append_new(
			tables, table->file ? json_pack("[sss]", source, table->name, table->file)
					    : json_pack("[sssss]", source, table->name,
							table->alias, table->schema, table->table));
	}
	return tables;
}

static bool take_answers(struct child *child, GError **error)
{
	bool done = false;
	g_autoptr(GError) cause = NULL;
	for (json_t *next; (next = child_next(child, &cause));) {
		g_autoptr(json_t) answer = next;
		const char *note = json_string_value(json_object_get(answer, "note"));
		const char *failure = json_string_value(json_object_get(answer, "error"));
		done = json_is_true(json_object_get(answer, "done"));
		if (note)
			g_warning("analytics/server.duckdb: %s", note);
		if (failure) {
			g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_FAILED, failure);
			return false;
		}
	}
	if (done)
		return true;
	g_autofree char *end = cause ? g_strdup(cause->message) : child_end_text(child);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED, "its writer %s", end);
	return false;
}

static bool build(const char *data_dir, const char *work, const struct edition *edition,
		  const struct publish_limits *limits, GError **error)
{
	const struct child_options options = {
		.command = "build-analytics",
		.what = "its writer",
		.seconds = limits->seconds,
		.longest_line = LONGEST_LINE,
		.longest_answer = LONGEST_ANSWER,
	};
	g_autofree char *published = g_build_filename(data_dir, "published", NULL);
	g_autoptr(json_t)
		request = json_pack("{ss ss si si si so so}", "published", published, "work", work,
				    "memory_mb", limits->memory_mb, "threads", limits->threads,
				    "newest_landlock", limits->newest_landlock, "tables",
				    list_tables(edition), "attached", remote_catalogs(edition));
	g_autoptr(child) child = child_start(&options, request, error);
	return child && take_answers(child, error);
}

/* The same for editions that make the same file. */
static char *digest(const struct edition *edition)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_MD5);
	g_autoptr(json_t) tables = list_tables(edition);
	g_autoptr(json_t) wanted = json_array();
	for (guint i = 0; i < edition->sources->len; i++) {
		const struct published_source *source = g_ptr_array_index(edition->sources, i);
		for (guint j = 0; j < source->attached->len; j++) {
			const struct published_attach *attach = g_ptr_array_index(source->attached,
										  j);
			json_array_append_new(wanted,
					      json_pack("[ssss]", attach->alias, attach->extension,
							attach->url, attach->token_env));
		}
	}
	g_autoptr(json_t) whole = json_pack("{sO sO}", "tables", tables, "attached", wanted);
	char *text = json_dumps(whole, JSON_COMPACT | JSON_SORT_KEYS);
	g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text));
	free(text);
	return g_strdup(g_checksum_get_string(sum));
}

bool analytics_is_current(const char *data_dir, const struct edition *edition)
{
	g_autofree char *file = g_build_filename(data_dir, "analytics", "server.duckdb", NULL);
	g_autofree char *mark = g_build_filename(data_dir, "analytics", DIGEST_NAME, NULL);
	g_autofree char *expected = digest(edition);
	g_autofree char *found = files_read(mark, LONGEST_DIGEST, NULL, NULL);
	return g_file_test(file, G_FILE_TEST_IS_REGULAR) && g_strcmp0(found, expected) == 0;
}

/* Without the mark while the file changes: a death in between makes the next start write again. */
static bool swap(const char *folder, const char *built, const struct edition *edition,
		 GError **error)
{
	g_autofree char *final = g_build_filename(folder, "server.duckdb", NULL);
	g_autofree char *log = g_build_filename(folder, "server.duckdb.wal", NULL);
	g_autofree char *mark = g_build_filename(folder, DIGEST_NAME, NULL);
	g_autofree char *text = digest(edition);
	/* A log that another program left belongs to the file that goes. */
	return files_remove(mark, error) && files_remove(log, error) &&
	       files_publish(built, final, error) &&
	       files_replace(mark, text, strlen(text), DIGEST_MODE, error);
}

/*
 * Everything under the lock, the edition too: of two that wait, the later one would otherwise
 * write the older edition over the newer.
 */
static bool write_locked(const char *folder, const char *data_dir,
			 struct orchestrator *orchestrator, const struct publish_limits *limits,
			 GError **error)
{
	g_autofree char *lock_path = g_build_filename(folder, ".lock", NULL);
	g_autofree char *work = g_build_filename(folder, ".work", NULL);
	g_autofree char *built = g_build_filename(work, "server.duckdb", NULL);
	AUTO_FD lock = files_lock(lock_path, LOCK_MILLISECONDS, error);
	if (lock < 0)
		return false;
	g_autoptr(edition) edition = orchestrator_edition(orchestrator);
	bool written = files_remove_tree(work, error) && files_make_folder(work, error) &&
		       build(data_dir, work, edition, limits, error) &&
		       swap(folder, built, edition, error);
	files_remove_tree(work, NULL);
	return written;
}

bool analytics_write(const char *data_dir, struct orchestrator *orchestrator,
		     const struct publish_limits *limits, GError **error)
{
	g_autofree char *root = g_canonicalize_filename(data_dir, NULL);
	g_autofree char *folder = g_build_filename(root, "analytics", NULL);
	bool written = files_make_folder(folder, error) &&
		       write_locked(folder, root, orchestrator, limits, error);
	if (!written)
		g_prefix_error(error, "cannot write %s/server.duckdb: ", folder);
	return written;
}
