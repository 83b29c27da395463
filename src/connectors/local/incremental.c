/*
 * Only files that are new or changed: each has its part, whose mark says which state of the file it
 * is of. What became of a file and what is remembered of it are thus one and the same file. Files
 * that vanish leave their rows.
 */
#include "base/error.h"
#include "connectors/local/parts.h"
#include "connectors/local/rejects.h"
#include "connectors/local/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char strategy[] = "incremental";

struct totals {
	int64_t rows;
	GPtrArray *reread; /* names, borrowed */
};

/* What must be the same for a file to count as unchanged. */
static char *state_of(const struct local_job *job, const struct local_file *file)
{
	return g_strdup_printf("%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT ".%09ld:%s",
			       (gint64)file->status.st_size, (gint64)file->status.st_mtim.tv_sec,
			       file->status.st_mtim.tv_nsec, job->options->digest);
}

/* A new part replaces the old by rename, for the old is the published file's other name. */
static bool load_part(const struct local_job *job, GPtrArray *one, const char *part,
		      const char *state, struct totals *totals, GError **error)
{
	const struct local_file *file = g_ptr_array_index(one, 0);
	g_autofree char *made = g_build_filename(job->session->scratch, "part.parquet", NULL);
	g_autofree char *mark = local_part_mark(strategy, state);
	const struct local_target target = {.path = made, .mark = mark};
	g_ptr_array_add(totals->reread, file->name);
	if (!local_job_prepare(job, one, error))
		return false;
	int64_t rows = local_load(job, one, &target, error);
	if (rows < 0)
		return false;
	totals->rows += rows;
	if (rename(made, part) == 0)
		return true;
	agnes_set_errno(error, errno, "cannot move the part of %s to %s", file->name, part);
	return false;
}

static bool load_file(const struct local_job *job, struct local_file *file, const char *folder,
		      GHashTable *parts, struct totals *totals, GError **error)
{
	g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_MD5, file->name, -1);
	g_autofree char *name = g_strconcat(digest, ".parquet", NULL);
	g_autofree char *part = g_build_filename(folder, name, NULL);
	g_autofree char *state = state_of(job, file);
	const char *known = g_hash_table_lookup(parts, part);
	if (g_strcmp0(known, state) == 0)
		return true;
	/* The array does not own it: the job's files do. */
	g_autoptr(GPtrArray) one = g_ptr_array_new();
	g_ptr_array_add(one, file);
	/* A file may come into being before its content does. */
	if (file->status.st_size == 0 && !known)
		return true;
	return load_part(job, one, part, state, totals, error);
}

bool local_incremental(const struct local_job *job, struct connector_outcome *outcome,
		       GError **error)
{
	g_autoptr(GHashTable) parts = NULL;
	g_autoptr(GPtrArray) reread = g_ptr_array_new();
	struct totals totals = {.reread = reread};
	g_autofree char *folder = local_parts_stage(job, strategy, &parts, error);
	if (!folder || !local_rejects_begin(job->session, error))
		return false;
	for (guint i = 0; i < job->files->len; i++) {
		if (!load_file(job, g_ptr_array_index(job->files, i), folder, parts, &totals,
			       error))
			return false;
	}
	outcome->unchanged = reread->len == 0 && g_hash_table_size(parts) > 0;
	return reread->len == 0 ||
	       local_rejects_finish(job, reread, totals.rows, &outcome->rejected, error);
}
