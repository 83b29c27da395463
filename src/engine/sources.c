/* Listing extracts/ and published/, and the pool that publishes. */
#include "engine/sources.h"

#include "base/error.h"
#include "base/order.h"
#include "extract/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
	g_ptr_array_sort(names, order_texts);
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

/* Whether there is something to publish under a name, as far as one can see. */
enum presence {
	PRESENT,
	ABSENT,
	UNREADABLE, /* there is no telling: what was published last stays */
};

/*
 * A source is gone when its folder is, and extracts/ is there to say so: a file that is missing in
 * it may be on its way, and a disk that cannot be read may come back.
 */
static enum presence find_source(const struct sources_plan *plan, const char *name,
				 const struct published_source *previous, char **why)
{
	struct stat status;
	g_autofree char *extracts = g_build_filename(plan->data_dir, "extracts", NULL);
	g_autofree char *folder = g_build_filename(extracts, name, NULL);
	g_autofree char *file = g_build_filename(folder, "extract.duckdb", NULL);
	if (stat(extracts, &status) < 0) {
		*why = g_strdup_printf("cannot read %s: %s; if its disk is not mounted, mount it",
				       extracts, g_strerror(errno));
		return UNREADABLE;
	}
	if (lstat(folder, &status) < 0 && errno == ENOENT)
		return ABSENT;
	bool there = stat(file, &status) == 0;
	if (!there && errno == ENOENT && !(previous && publication_is_described(previous)))
		return g_hash_table_contains(plan->materialized, name) ? PRESENT : ABSENT;
	/* One that never was published fails with the reason when it is. */
	if (there || !previous)
		return PRESENT;
	*why = g_strdup_printf("cannot read %s: %s; extract it again, or remove %s to withdraw "
			       "its tables",
			       file, g_strerror(errno), folder);
	return UNREADABLE;
}

/* The names in `folders`, and those of what is published without a folder there. */
static GPtrArray *list_candidates(const struct sources_plan *plan, const GPtrArray *folders)
{
	GPtrArray *names = g_ptr_array_new();
	for (guint i = 0; i < folders->len; i++)
		g_ptr_array_add(names, g_ptr_array_index(folders, i));
	for (guint i = 0; i < plan->previous->len; i++) {
		const struct published_source *source = g_ptr_array_index(plan->previous, i);
		if (!g_ptr_array_find_with_equal_func(names, source->name, g_str_equal, NULL))
			g_ptr_array_add(names, source->name);
	}
	g_ptr_array_sort(names, order_texts);
	return names;
}

/* False when there is nothing to do about the name. */
static bool plan_job(const struct sources_plan *plan, const char *name, struct job *job)
{
	g_autofree char *why = NULL;
	g_autoptr(published_source) previous = find_previous(plan, name);
	enum presence presence = find_source(plan, name, previous, &why);
	if (presence == ABSENT || (presence == UNREADABLE && !previous))
		return false;
	*job = (struct job){.plan = plan, .name = name};
	if (!is_chosen(plan, name)) {
		/* One that was never published waits for its own turn. */
		job->result = g_steal_pointer(&previous);
		return job->result != NULL;
	}
	if (presence == UNREADABLE)
		job->result = publish_keep(previous, why);
	job->previous = previous ? g_steal_pointer(&previous) : published_source_new(name);
	return true;
}

static GArray *plan_jobs(const struct sources_plan *plan, const GPtrArray *folders)
{
	g_autoptr(GPtrArray) names = list_candidates(plan, folders);
	GArray *jobs = g_array_new(FALSE, TRUE, sizeof(struct job));
	for (guint i = 0; i < names->len; i++) {
		struct job job;
		if (plan_job(plan, g_ptr_array_index(names, i), &job))
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
