/* Listing extracts/ and published/, and the pool that publishes. */
#include "engine/sources.h"

#include "base/error.h"
#include "extract/names.h"

#include <stdlib.h>
#include <string.h>

static gint compare_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The folders in `folder` that may be sources, sorted; none when it does not exist. */
static GPtrArray *list_folders(const char *folder, GPtrArray *refused, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	if (!g_file_test(folder, G_FILE_TEST_EXISTS))
		return g_steal_pointer(&names);
	g_autoptr(GDir) listing = g_dir_open(folder, 0, error);
	if (!listing)
		return NULL;
	for (const char *name; (name = g_dir_read_name(listing));) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (*name == '.' || !g_file_test(path, G_FILE_TEST_IS_DIR))
			continue;
		if (name_is_strict(name))
			g_ptr_array_add(names, g_strdup(name));
		else if (refused)
			g_ptr_array_add(refused,
					g_strdup_printf("%s is ignored: '%s' cannot name a source",
							path, name));
	}
	g_ptr_array_sort(names, compare_text);
	return g_steal_pointer(&names);
}

GPtrArray *sources_load(const char *data_dir, GError **error)
{
	g_autofree char *folder = g_build_filename(data_dir, "published", NULL);
	g_autoptr(GPtrArray) names = list_folders(folder, NULL, error);
	if (!names)
		return NULL;
	GPtrArray *sources = g_ptr_array_new_with_free_func((GDestroyNotify)published_source_free);
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		g_autofree char *published = publish_folder(data_dir, name);
		g_ptr_array_add(sources, publication_load(published, name));
	}
	return sources;
}

/* Something to publish: a description of tables, or results of registered queries. */
static bool is_source(const struct sources_plan *plan, const char *name)
{
	g_autofree char *file = g_build_filename(plan->data_dir, "extracts", name, "extract.duckdb",
						 NULL);
	return g_file_test(file, G_FILE_TEST_EXISTS) ||
	       g_hash_table_contains(plan->materialized, name);
}

static struct published_source *find_previous(const struct sources_plan *plan, const char *name)
{
	for (guint i = 0; i < plan->previous->len; i++) {
		struct published_source *source = g_ptr_array_index(plan->previous, i);
		if (strcmp(source->name, name) == 0)
			return published_source_ref(source);
	}
	return NULL;
}

/* One source's work in the pool. */
struct job {
	const struct sources_plan *plan;
	const char *name;
	struct published_source *previous;
	struct published_source *result;
	gint64 microseconds;
};

static void run_job(gpointer data, gpointer unused)
{
	struct job *job = data;
	GPtrArray *names = g_hash_table_lookup(job->plan->materialized, job->name);
	g_autoptr(GPtrArray) materialized = g_ptr_array_new();
	for (guint i = 0; names && i < names->len; i++)
		g_ptr_array_add(materialized, g_ptr_array_index(names, i));
	g_ptr_array_add(materialized, NULL);
	const struct publish_request request = {
		.data_dir = job->plan->data_dir,
		.source = job->name,
		.materialized = (const char *const *)materialized->pdata,
		.previous = job->previous,
		.limits = job->plan->limits,
		.again = job->plan->only != NULL,
	};
	gint64 start = g_get_monotonic_time();
	job->result = publish_source(&request);
	job->microseconds = g_get_monotonic_time() - start;
}

static bool is_chosen(const struct sources_plan *plan, const char *name)
{
	return !plan->only || strcmp(plan->only, name) == 0;
}

static GArray *plan_jobs(const struct sources_plan *plan, const GPtrArray *names)
{
	GArray *jobs = g_array_new(FALSE, TRUE, sizeof(struct job));
	for (guint i = 0; i < names->len; i++) {
		struct job job = {.plan = plan, .name = g_ptr_array_index(names, i)};
		if (!is_source(plan, job.name))
			continue;
		job.previous = find_previous(plan, job.name);
		if (!is_chosen(plan, job.name)) {
			/* One that was never published waits for its own turn. */
			job.result = g_steal_pointer(&job.previous);
			if (!job.result)
				continue;
		} else if (!job.previous) {
			job.previous = published_source_new(job.name);
		}
		g_array_append_val(jobs, job);
	}
	return jobs;
}

static void run_jobs(const struct sources_plan *plan, GArray *jobs)
{
	GThreadPool *pool = g_thread_pool_new(run_job, NULL, plan->children, FALSE, NULL);
	for (guint i = 0; i < jobs->len; i++) {
		struct job *job = &g_array_index(jobs, struct job, i);
		if (!job->result)
			g_thread_pool_push(pool, job, NULL);
	}
	g_thread_pool_free(pool, FALSE, TRUE);
}

GPtrArray *sources_publish(const struct sources_plan *plan, GPtrArray *refused, gint64 *slowest,
			   GError **error)
{
	g_autofree char *extracts = g_build_filename(plan->data_dir, "extracts", NULL);
	g_autoptr(GPtrArray) names = list_folders(extracts, refused, error);
	if (!names)
		return NULL;
	g_autoptr(GArray) jobs = plan_jobs(plan, names);
	run_jobs(plan, jobs);
	g_autoptr(GPtrArray)
		sources = g_ptr_array_new_with_free_func((GDestroyNotify)published_source_free);
	bool found = plan->only == NULL;
	for (guint i = 0; i < jobs->len; i++) {
		struct job *job = &g_array_index(jobs, struct job, i);
		found = found || is_chosen(plan, job->name);
		*slowest = MAX(*slowest, job->microseconds);
		g_ptr_array_add(sources, job->result);
		published_source_free(job->previous);
	}
	if (found)
		return g_steal_pointer(&sources);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND,
		    "there is no source '%s': %s/%s/extract.duckdb does not exist", plan->only,
		    extracts, plan->only);
	return NULL;
}

static bool contains(const GPtrArray *sources, const char *name)
{
	for (guint i = 0; i < sources->len; i++) {
		const struct published_source *source = g_ptr_array_index(sources, i);
		if (strcmp(source->name, name) == 0)
			return true;
	}
	return false;
}

void sources_remove_gone(const char *data_dir, const GPtrArray *sources)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *folder = g_build_filename(data_dir, "published", NULL);
	g_autoptr(GPtrArray) names = list_folders(folder, NULL, &error);
	for (guint i = 0; names && i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		if (!contains(sources, name) && !publish_remove(data_dir, name, &error))
			break;
	}
	if (error)
		g_warning("%s", error->message);
}
