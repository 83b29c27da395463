/* Publishing one source: run the reader, try again when the source changes meanwhile, save. */
#include "extract/publish.h"

#include "base/error.h"
#include "base/files.h"
#include "base/sandbox.h"
#include "extract/answer.h"
#include "extract/fingerprint.h"
#include "extract/reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* How often a source is read that changes while it is read. */
enum { MOST_ATTEMPTS = 3 };

const struct publish_limits publish_default_limits = {
	.memory_mb = 1024,
	.threads = 2,
	.seconds = 600,
	.newest_landlock = SANDBOX_ANY_LANDLOCK,
};

char *publish_folder(const char *data_dir, const char *source)
{
	return g_build_filename(data_dir, "published", source, NULL);
}

/* Of everything that decides what the reader will find. */
static char *fingerprint(const struct publish_request *request, const char *extract, GError **error)
{
	g_autofree char *folder = fingerprint_folder(extract, error);
	if (!folder)
		return NULL;
	g_autofree char *names = request->materialized
					 ? g_strjoinv(" ", (char **)request->materialized)
					 : g_strdup("");
	g_autofree char *both = g_strconcat(folder, " ", names, NULL);
	return g_compute_checksum_for_string(G_CHECKSUM_MD5, both, -1);
}

static bool reset_work(const char *work, GError **error)
{
	return files_remove_tree(work, error) && files_make_folder(work, error);
}

/* What stays when the source as a whole cannot be read: all that was there, and the reason. */
static struct published_source *keep_previous(const struct published_source *previous,
					      const char *stamp, const char *message)
{
	struct published_source *source = published_source_new(previous->name);
	for (guint i = 0; i < previous->tables->len; i++)
		g_ptr_array_add(source->tables,
				published_table_copy(g_ptr_array_index(previous->tables, i)));
	for (guint i = 0; i < previous->attached->len; i++) {
		const struct published_attach *attach = g_ptr_array_index(previous->attached, i);
		published_source_add_attach(source, attach->alias, attach->extension, attach->url,
					    attach->token_env);
	}
	published_source_add_failure(source, NULL, message);
	g_free(source->fingerprint);
	source->fingerprint = g_strdup(stamp);
	return source;
}

struct published_source *publish_keep(struct published_source *previous, const char *message)
{
	const struct published_failure *failure = previous->failures->len == 1
							  ? g_ptr_array_index(previous->failures, 0)
							  : NULL;
	/* Said before, it is no news, and no reason for another edition. */
	if (*previous->fingerprint == '\0' && failure && !failure->name &&
	    strcmp(failure->message, message) == 0)
		return published_source_ref(previous);
	/* Without a fingerprint, so that the next rebuild tries again. */
	return keep_previous(previous, "", message);
}

static struct published_source *read_once(const struct publish_request *request,
					  const struct answer_folders *folders, const char *stamp,
					  GError **error)
{
	g_autoptr(GError) cause = NULL;
	struct published_source *source = NULL;
	if (!reset_work(folders->work, error))
		return NULL;
	source = answer_read(request, folders, stamp, &cause);
	if (source)
		return source;
	if (g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_BUSY)) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return NULL;
	}
	return keep_previous(request->previous, stamp, cause->message);
}

static const struct published_table *find_table(const struct published_source *source,
						const char *name)
{
	for (guint i = 0; i < source->tables->len; i++) {
		const struct published_table *table = g_ptr_array_index(source->tables, i);
		if (g_ascii_strcasecmp(table->name, name) == 0)
			return table;
	}
	return NULL;
}

/*
 * Of a source that changed while it was read: tables that may mix two states of it give way to
 * their last version.
 */
static void withdraw_unsettled(struct published_source *source,
			       const struct published_source *previous)
{
	g_autoptr(GError) conflict = g_error_new(
		AGNES_ERROR, AGNES_ERROR_CONFLICT,
		"the extract was changed while it was read, %d times over; it is tried again with "
		"the next rebuild",
		MOST_ATTEMPTS);
	for (guint i = 0; i < source->tables->len;) {
		const struct published_table *table = g_ptr_array_index(source->tables, i);
		const struct published_table *last = find_table(previous, table->name);
		if (!table->key || !g_str_has_prefix(table->key, READER_QUERY_KEY) ||
		    (last && g_strcmp0(last->key, table->key) == 0)) {
			i++;
			continue;
		}
		published_source_add_failure(source, table->name, conflict->message);
		g_ptr_array_remove_index(source->tables, i);
		if (last)
			g_ptr_array_insert(source->tables, (gint)i++, published_table_copy(last));
	}
	g_free(source->fingerprint);
	source->fingerprint = g_strdup("");
}

/* Reads until the source is the same before and after, or for the last time. */
static struct published_source *read_settled(const struct publish_request *request,
					     const struct answer_folders *folders, char *stamp,
					     GError **error)
{
	g_autofree char *before = stamp;
	for (int attempt = 1;; attempt++) {
		g_autoptr(published_source) source = read_once(request, folders, before, error);
		g_autofree char *after = source ? fingerprint(request, folders->extract, NULL)
						: NULL;
		if (!source || g_strcmp0(before, after) == 0)
			return g_steal_pointer(&source);
		if (!after || attempt == MOST_ATTEMPTS) {
			withdraw_unsettled(source, request->previous);
			return g_steal_pointer(&source);
		}
		g_info("source '%s' changed while it was read; reading it again", request->source);
		g_free(before);
		before = g_steal_pointer(&after);
	}
}

static void remember_files(const struct published_source *source, GHashTable *files)
{
	for (guint i = 0; i < source->tables->len; i++) {
		const struct published_table *table = g_ptr_array_index(source->tables, i);
		if (table->file)
			g_hash_table_add(files, g_path_get_basename(table->file));
	}
}

/*
 * Removes the files of versions before the last. The last one's (NULL: there is none to keep) stay
 * for those who opened analytics/server.duckdb or looked a path up a moment ago.
 */
static void remove_outdated(const char *folder, const struct published_source *source,
			    const struct published_source *previous)
{
	g_autoptr(GHashTable) files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	remember_files(source, files);
	if (previous)
		remember_files(previous, files);
	g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
	for (const char *name; listing && (name = g_dir_read_name(listing));) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (g_str_has_suffix(name, ".parquet") && !g_hash_table_contains(files, name))
			files_remove(path, NULL);
	}
}

/* Takes over `stamp`. */
static struct published_source *publish_changed(const struct publish_request *request,
						const struct answer_folders *folders, char *stamp,
						GError **error)
{
	g_autoptr(published_source) source = read_settled(request, folders, stamp, error);
	/* The work goes first: after the save, nobody would come back to it. */
	if (!source || !files_remove_tree(folders->work, error) ||
	    !files_sync_folder(folders->published, error) ||
	    !publication_save(source, folders->published, error))
		return NULL;
	remove_outdated(folders->published, source, request->previous);
	return g_steal_pointer(&source);
}

static struct published_source *publish(const struct publish_request *request, GError **error)
{
	g_autofree char *published = publish_folder(request->data_dir, request->source);
	g_autofree char *work = g_build_filename(published, ".work", NULL);
	g_autofree char *named = g_build_filename(request->data_dir, "extracts", request->source,
						  NULL);
	g_autofree char *extract = files_resolve(named, error);
	const struct answer_folders folders = {
		.extract = extract, .published = published, .work = work};
	if (!extract || !files_make_folder(published, error))
		return NULL;
	g_autofree char *stamp = fingerprint(request, extract, error);
	if (!stamp)
		return NULL;
	if (!request->again && strcmp(stamp, request->previous->fingerprint) == 0)
		return published_source_ref(request->previous);
	return publish_changed(request, &folders, g_steal_pointer(&stamp), error);
}

struct published_source *publish_source(const struct publish_request *request)
{
	g_autoptr(GError) error = NULL;
	struct published_source *source = publish(request, &error);
	return source ? source : publish_keep(request->previous, error->message);
}

void publish_sweep(const char *data_dir, const struct published_source *source, int64_t seconds)
{
	g_autofree char *folder = publish_folder(data_dir, source->name);
	int64_t published = publication_time(folder);
	if (published > 0 && g_get_real_time() / G_USEC_PER_SEC - published >= seconds)
		remove_outdated(folder, source, NULL);
}

bool publish_remove(const char *data_dir, const char *source, GError **error)
{
	g_autofree char *folder = publish_folder(data_dir, source);
	return files_remove_tree(folder, error);
}
