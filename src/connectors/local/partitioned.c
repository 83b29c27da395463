/*
 * By the month of a column: the months that the files hold replace the same months of the table,
 * older ones stay. A month may have several parts, for DuckDB writes with several threads.
 */
#include "base/error.h"
#include "connectors/local/parts.h"
#include "connectors/local/rejects.h"
#include "connectors/local/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char strategy[] = "partitioned";
static const char month_prefix[] = LOCAL_MONTH "=";

/* Parts are named <month>.<number>.parquet. */
static void remove_month(GHashTable *parts, const char *month)
{
	GHashTableIter all;
	gpointer path;
	g_autofree char *prefix = g_strconcat(month, ".", NULL);
	g_hash_table_iter_init(&all, parts);
	while (g_hash_table_iter_next(&all, &path, NULL)) {
		g_autofree char *name = g_path_get_basename(path);
		if (g_str_has_prefix(name, prefix))
			unlink(path);
	}
}

static bool move_month(const char *made, const char *month, const char *folder, GError **error)
{
	g_autoptr(GDir) listing = g_dir_open(made, 0, error);
	int number = 0;
	if (!listing)
		return false;
	for (const char *name; (name = g_dir_read_name(listing));) {
		g_autofree char *from = g_build_filename(made, name, NULL);
		g_autofree char *part = g_strdup_printf("%s/%s.%d.parquet", folder, month,
							number++);
		if (rename(from, part) < 0) {
			agnes_set_errno(error, errno, "cannot move %s to %s", from, part);
			return false;
		}
	}
	return true;
}

static bool replace_months(const char *made, const char *folder, GHashTable *parts, GError **error)
{
	g_autoptr(GDir) listing = g_dir_open(made, 0, error);
	if (!listing)
		return false;
	for (const char *name; (name = g_dir_read_name(listing));) {
		const char *month = name + strlen(month_prefix);
		g_autofree char *path = g_build_filename(made, name, NULL);
		if (!g_str_has_prefix(name, month_prefix))
			continue;
		remove_month(parts, month);
		if (!move_month(path, month, folder, error))
			return false;
	}
	return true;
}

bool local_partitioned(const struct local_job *job, struct connector_outcome *outcome,
		       GError **error)
{
	if (!job->options->partition_by) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "a partitioned table needs the column to partition by: set "
			    "local.tables.%s.partition_by",
			    job->table->name);
		return false;
	}
	g_autoptr(GHashTable) parts = NULL;
	g_autofree char *folder = local_parts_stage(job, strategy, &parts, error);
	g_autofree char *made = g_build_filename(job->session->scratch, "months", NULL);
	g_autofree char *mark = local_part_mark(strategy, job->options->partition_by);
	const struct local_target target = {
		.path = made, .month = job->options->partition_by, .mark = mark};
	if (!folder || !local_rejects_begin(job->session, error) ||
	    !local_job_prepare(job, job->files, error))
		return false;
	int64_t rows = local_load(job, job->files, &target, error);
	return rows >= 0 && local_rejects_finish(job, NULL, rows, &outcome->rejected, error) &&
	       replace_months(made, folder, parts, error);
}
