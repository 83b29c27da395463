/* A JSON file: {table: {"of": digest of the files, "is": stamp of the parquet file}}. */
#include "connectors/local/marks.h"

#include "base/files.h"
#include "base/json.h"
#include "extract/fingerprint.h"
#include "extract/writer.h"

#include <string.h>

enum { LARGEST_FILE = 16 * 1024 * 1024, TICK_SECONDS = 2 };

struct local_marks {
	const struct connector_run *run;
	char *path;
	json_t *known;
	bool changed;
};

struct local_marks *local_marks_load(const struct connector_run *run)
{
	struct local_marks *marks = g_new0(struct local_marks, 1);
	size_t size;
	marks->run = run;
	marks->path = g_build_filename(run->data_dir, "extracts", run->connector->name,
				       ".marks.json", NULL);
	g_autofree char *text = files_read(marks->path, LARGEST_FILE, &size, NULL);
	marks->known = text ? json_parse(text, size, marks->path, NULL) : NULL;
	if (json_is_object(marks->known))
		return marks;
	json_decref(marks->known);
	marks->known = json_object();
	return marks;
}

void local_marks_free(struct local_marks *marks)
{
	if (!marks)
		return;
	json_decref(marks->known);
	g_free(marks->path);
	g_free(marks);
}

/* "inode:size:mtime"; NULL: there is no such file. */
static char *stamp_of(const char *path)
{
	struct stat status;
	if (lstat(path, &status) < 0)
		return NULL;
	struct file_stamp stamp = file_stamp_of(&status);
	return g_strdup_printf("%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT,
			       stamp.inode, stamp.size, stamp.mtime_ns);
}

static const char *text_of(const json_t *entry, const char *member)
{
	return json_string_value(json_object_get(entry, member));
}

static bool is_settled(const struct local_file *file)
{
	return file->status.st_ctim.tv_sec + TICK_SECONDS <= g_get_real_time() / G_USEC_PER_SEC;
}

char *local_marks_digest(const struct local_job *job)
{
	const struct local_options *options = job->options;
	const char *description = job->table->description;
	g_autoptr(GString) all = g_string_new(job->table->sync_strategy);
	g_string_append_printf(all, "\n%s\n%s\n%s\n%jd %jd %g\n", options->digest,
			       options->compression, description ? description : "",
			       (intmax_t)options->longest_line, (intmax_t)options->most_rejects,
			       options->most_rejected_share);
	for (guint i = 0; i < job->files->len; i++) {
		const struct local_file *file = g_ptr_array_index(job->files, i);
		const struct stat *status = &file->status;
		if (!is_settled(file))
			return NULL;
		g_string_append_printf(all, "%s %ju %ju %jd %jd.%09ld %jd.%09ld\n", file->name,
				       (uintmax_t)status->st_dev, (uintmax_t)status->st_ino,
				       (intmax_t)status->st_size, (intmax_t)status->st_mtim.tv_sec,
				       status->st_mtim.tv_nsec, (intmax_t)status->st_ctim.tv_sec,
				       status->st_ctim.tv_nsec);
	}
	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, all->str, (gssize)all->len);
}

bool local_marks_hold(const struct local_marks *marks, const char *table, const char *digest)
{
	const json_t *entry = json_object_get(marks->known, table);
	if (!entry || !digest || !extract_writer_had(marks->run->writer, table))
		return false;
	g_autofree char *file = g_strconcat(table, ".parquet", NULL);
	g_autofree char *path = g_build_filename(marks->run->data_dir, "extracts",
						 marks->run->connector->name, "data", file, NULL);
	g_autofree char *stamp = stamp_of(path);
	return stamp && g_strcmp0(text_of(entry, "is"), stamp) == 0 &&
	       g_strcmp0(text_of(entry, "of"), digest) == 0;
}

void local_marks_note(struct local_marks *marks, const char *table, const char *digest,
		      const char *staged)
{
	g_autofree char *stamp = stamp_of(staged);
	if (stamp && digest)
		marks->changed |= json_object_set_new(
					  marks->known, table,
					  json_pack("{s:s, s:s}", "of", digest, "is", stamp)) == 0;
	else
		marks->changed |= json_object_del(marks->known, table) == 0;
}

bool local_marks_save(const struct local_marks *marks, const char *scratch, GError **error)
{
	g_autofree char *text = marks->changed ? json_to_text(marks->known) : NULL;
	g_autofree char *draft = g_build_filename(scratch, "marks.json", NULL);
	return !text || (files_replace(draft, text, strlen(text), 0600, error) &&
			 files_publish(draft, marks->path, error));
}
