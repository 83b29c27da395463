/* The thread of the runs, what waits for it, and what it remembers. */
#include "app/sync/runner.h"

#include "app/app.h"
#include "app/publisher.h"
#include "app/sync/connectors.h"
#include "app/sync/discovery.h"
#include "app/sync/events.h"
#include "app/sync/job.h"
#include "app/sync/ledger.h"
#include "app/sync/profiles.h"
#include "app/sync/retention.h"
#include "app/wire.h"
#include "base/error.h"
#include "state/sync_runs.h"

#include <string.h>

enum {
	/* When what is old is let go: soon after the start, then daily. */
	FIRST_CLEANING_SECONDS = 5,
	CLEANING_SECONDS = 24 * 60 * 60,
};

/* What waits for the next run. */
struct wish {
	bool all;
	GHashTable *ids; /* set; NULL: none */
	char *user;	 /* the first who asked */
	bool unseen;	 /* new files may have come since somebody looked for them */
	bool closed;	 /* its run is being planned: who asks now waits for the next */
};

struct sync_runner {
	struct app *app;
	struct sync_events *events;
	struct profile_queue *profiles;
	struct discovery *discovery;
	struct ledger *ledger;
	GThread *thread;
	atomic_bool stopping;
	GMutex lock; /* for what follows */
	GCond changed;
	struct wish *wish;	/* NULL: nobody waits */
	struct wish *taken;	/* by the run that is being planned; borrowed, or NULL */
	struct report *current; /* NULL: nothing runs */
	struct sync_figures figures;
};

static void wish_free(struct wish *wish)
{
	if (!wish)
		return;
	g_clear_pointer(&wish->ids, g_hash_table_unref);
	g_free(wish->user);
	g_free(wish);
}
DEFINE_AUTOPTR(wish)

/* With the lock held. */
static struct wish *open_wish(struct sync_runner *runner, const char *user)
{
	if (runner->taken && !runner->taken->closed)
		return runner->taken;
	if (!runner->wish) {
		runner->wish = g_new0(struct wish, 1);
		runner->wish->user = g_strdup(user);
	}
	return runner->wish;
}

void sync_runner_trigger(struct sync_runner *runner, char **ids, const char *user)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&runner->lock);
	struct wish *wish = open_wish(runner, user);
	wish->all |= !ids;
	wish->unseen |= !ids;
	if (ids && !wish->ids)
		wish->ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (; ids && *ids; ids++)
		g_hash_table_add(wish->ids, g_strdup(*ids));
	g_cond_broadcast(&runner->changed);
}

/* --- a run --- */

static bool pause_job(void *data, gint64 microseconds)
{
	struct sync_runner *runner = data;
	gint64 end = g_get_monotonic_time() + microseconds;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&runner->lock);
	while (!atomic_load(&runner->stopping)) {
		if (!g_cond_wait_until(&runner->changed, &runner->lock, end))
			return true;
	}
	return false;
}

static void run_job(gpointer data, gpointer unused)
{
	job_run(data);
}

static GPtrArray *make_plan(struct sync_runner *runner, const struct wish *wish,
			    const struct configuration *config, const struct directory *directory)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) owed = sync_runs_owed(runner->app->state, &error);
	if (!owed)
		g_warning("what the last sync run owes cannot be read: %s", error->message);
	g_autoptr(edition) edition = publisher_edition(runner->app->publisher);
	g_autoptr(sync_connectors) connectors = sync_connectors_new(config, directory, edition);
	const struct plan_request request = {
		.directory = directory,
		.connectors = sync_connectors_list(connectors),
		.default_source = config_text(config, "data_source.type"),
		.all = wish->all,
		.ids = wish->ids,
		.owed = owed,
		.now = g_get_real_time(),
	};
	return plan_make(&request);
}

static void add_tables(struct report_source *source, const GPtrArray *tables, bool materialized)
{
	for (guint i = 0; i < tables->len; i++) {
		const struct directory_table *table = g_ptr_array_index(tables, i);
		report_add_table(source, table->name, materialized);
	}
}

static struct report *make_report(struct sync_runner *runner, const GPtrArray *plan,
				  const char *user)
{
	g_autofree char *id = g_uuid_string_random();
	struct report *report = report_new(id, user, g_get_real_time(), runner->events);
	for (guint i = 0; i < plan->len; i++) {
		const struct plan_source *planned = g_ptr_array_index(plan, i);
		struct report_source *source = report_add_source(report, planned->name,
								 planned->whole);
		add_tables(source, planned->extracted, false);
		add_tables(source, planned->materialized, true);
	}
	return report;
}

static void set_current(struct sync_runner *runner, struct report *report)
{
	g_mutex_lock(&runner->lock);
	report_free(runner->current);
	runner->current = report ? report_ref(report) : NULL;
	runner->taken = NULL;
	g_mutex_unlock(&runner->lock);
}

static void run_jobs(struct sync_runner *runner, const GPtrArray *plan, struct report *report,
		     const struct configuration *config)
{
	const GPtrArray *sources = report_sources(report);
	g_autofree struct job *jobs = g_new0(struct job, plan->len);
	GThreadPool *pool = g_thread_pool_new(
		run_job, NULL, (int)config_int(config, "sync.parallel"), FALSE, NULL);
	for (guint i = 0; i < plan->len; i++) {
		jobs[i] = (struct job){
			.app = runner->app,
			.config = config,
			.plan = g_ptr_array_index(plan, i),
			.source = g_ptr_array_index(sources, i),
			.cancelled = &runner->stopping,
			.pause = pause_job,
			.data = runner,
		};
		g_thread_pool_push(pool, &jobs[i], NULL);
	}
	g_thread_pool_free(pool, FALSE, TRUE);
}

static const char *status_of(struct sync_runner *runner, struct report *report)
{
	struct report_counts counts;
	report_count(report, &counts);
	int failed = counts.in[REPORT_FAILED];
	const GPtrArray *sources = report_sources(report);
	bool broken = failed > 0;
	for (guint i = 0; i < sources->len; i++) {
		const struct report_source *source = g_ptr_array_index(sources, i);
		broken |= source->error != NULL;
	}
	int good = counts.in[REPORT_DONE] + counts.in[REPORT_UNCHANGED];
	if (good + failed < counts.total || (broken && atomic_load(&runner->stopping)))
		return SYNC_RUN_INTERRUPTED;
	if (!broken)
		return SYNC_RUN_DONE;
	return good > 0 ? SYNC_RUN_PARTIAL : SYNC_RUN_FAILED;
}

/* Extracts that came by other ways: from a command, or with a run that was cut off. */
static void publish_rest(struct sync_runner *runner)
{
	g_autoptr(GError) error = NULL;
	if (!publisher_publish(runner->app->publisher, &error))
		g_warning("the extracts cannot be published: %s", error->message);
}

static void profile_new_versions(struct sync_runner *runner, const struct report *report)
{
	const GPtrArray *sources = report_sources(report);
	for (guint i = 0; i < sources->len; i++) {
		const struct report_source *source = g_ptr_array_index(sources, i);
		for (guint j = 0; j < source->tables->len; j++) {
			const struct report_table *table = g_ptr_array_index(source->tables, j);
			if (table->phase == REPORT_DONE)
				profile_queue_add(runner->profiles, table->name);
		}
	}
}

static void add_figures(struct sync_runner *runner, const char *status,
			const struct report_counts *counts, double seconds)
{
	struct sync_figures *figures = &runner->figures;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&runner->lock);
	figures->done += strcmp(status, SYNC_RUN_DONE) == 0;
	figures->partial += strcmp(status, SYNC_RUN_PARTIAL) == 0;
	figures->failed += strcmp(status, SYNC_RUN_FAILED) == 0;
	figures->interrupted += strcmp(status, SYNC_RUN_INTERRUPTED) == 0;
	figures->tables_new += (uint64_t)counts->in[REPORT_DONE];
	figures->tables_unchanged += (uint64_t)counts->in[REPORT_UNCHANGED];
	figures->tables_failed += (uint64_t)counts->in[REPORT_FAILED];
	figures->finished = g_get_real_time();
	figures->seconds = seconds;
}

static void count_run(struct sync_runner *runner, struct report *report, const char *status)
{
	struct report_counts counts;
	report_count(report, &counts);
	double seconds = (double)(g_get_real_time() - report_started(report)) / G_USEC_PER_SEC;
	g_message("sync run %s: %s in %.3f s; %d tables: %d new, %d unchanged, %d failed",
		  report_id(report), status, seconds, counts.total, counts.in[REPORT_DONE],
		  counts.in[REPORT_UNCHANGED], counts.in[REPORT_FAILED]);
	add_figures(runner, status, &counts, seconds);
}

static void discover(struct sync_runner *runner, const struct configuration *config)
{
	g_autoptr(GError) error = NULL;
	if (!discovery_run(runner->discovery, runner->app, config, &runner->stopping, &error))
		g_warning("new files were not looked for: %s", error->message);
}

/* Looks for new files, again if somebody asks meanwhile, and has the wish be what is planned. */
static void close_wish(struct sync_runner *runner, struct wish *wish,
		       const struct configuration *config)
{
	g_mutex_lock(&runner->lock);
	while (wish->unseen && !atomic_load(&runner->stopping)) {
		wish->unseen = false;
		g_mutex_unlock(&runner->lock);
		discover(runner, config);
		g_mutex_lock(&runner->lock);
	}
	wish->closed = true;
	g_mutex_unlock(&runner->lock);
}

static void run(struct sync_runner *runner, struct wish *wish)
{
	g_autoptr(configuration) config = app_config(runner->app);
	close_wish(runner, wish, config);
	g_autoptr(directory_view) directory = directory_store_get(runner->app->directory);
	g_autoptr(GPtrArray) plan = make_plan(runner, wish, config, directory);
	g_autoptr(report) report = make_report(runner, plan, wish->user);
	set_current(runner, report);
	if (plan->len > 0)
		ledger_begin(runner->ledger, report, wish->user);
	report_begin(report);
	run_jobs(runner, plan, report, config);
	if (!atomic_load(&runner->stopping))
		publish_rest(runner);
	const char *status = status_of(runner, report);
	report_finish(report, status);
	count_run(runner, report, status);
	ledger_end(runner->ledger, report, status, wish->user);
	set_current(runner, NULL);
	profile_new_versions(runner, report);
}

/* With the lock held, which is let go meanwhile. */
static void clean_or_wait(struct sync_runner *runner, gint64 *cleaning)
{
	if (g_get_monotonic_time() < *cleaning) {
		g_cond_wait_until(&runner->changed, &runner->lock, *cleaning);
		return;
	}
	*cleaning = g_get_monotonic_time() + CLEANING_SECONDS * G_TIME_SPAN_SECOND;
	g_mutex_unlock(&runner->lock);
	retention_run(runner->app);
	g_mutex_lock(&runner->lock);
}

static gpointer run_loop(gpointer data)
{
	struct sync_runner *runner = data;
	gint64 cleaning = g_get_monotonic_time() + FIRST_CLEANING_SECONDS * G_USEC_PER_SEC;
	g_mutex_lock(&runner->lock);
	while (!atomic_load(&runner->stopping)) {
		if (!runner->wish) {
			clean_or_wait(runner, &cleaning);
			continue;
		}
		g_autoptr(wish) wish = g_steal_pointer(&runner->wish);
		runner->taken = wish;
		g_mutex_unlock(&runner->lock);
		run(runner, wish);
		g_mutex_lock(&runner->lock);
	}
	g_mutex_unlock(&runner->lock);
	return NULL;
}

/* --- from outside --- */

static json_t *draw_wish(const struct wish *wish)
{
	GHashTableIter each;
	gpointer id;
	if (!wish)
		return json_null();
	json_t *ids = json_array();
	if (wish->ids) {
		g_hash_table_iter_init(&each, wish->ids);
		while (g_hash_table_iter_next(&each, &id, NULL))
			json_array_append_new(ids, json_string(id));
	}
	return json_pack("{sb so}", "all", wish->all, "tables", ids);
}

static json_t *draw_status(void *data)
{
	struct sync_runner *runner = data;
	g_mutex_lock(&runner->lock);
	g_autoptr(report) current = runner->current ? report_ref(runner->current) : NULL;
	json_t *queued = draw_wish(runner->taken ? runner->taken : runner->wish);
	g_mutex_unlock(&runner->lock);
	return json_pack("{so so so}", "current",
			 current ? report_to_json(current, SIZE_MAX) : json_null(), "queued",
			 queued, "recent", ledger_recent(runner->ledger));
}

void sync_runner_figures(struct sync_runner *runner, struct sync_figures *figures)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&runner->lock);
	*figures = runner->figures;
	figures->running = runner->current || runner->taken;
	figures->queued = runner->wish != NULL;
}

json_t *sync_runner_status(struct sync_runner *runner)
{
	return draw_status(runner);
}

int sync_runner_listen(struct sync_runner *runner, GError **error)
{
	return sync_events_listen(runner->events, draw_status, runner, error);
}

struct sync_runner *sync_runner_new(struct app *app, GError **error)
{
	g_autoptr(sync_runner) runner = g_new0(struct sync_runner, 1);
	runner->app = app;
	g_mutex_init(&runner->lock);
	g_cond_init(&runner->changed);
	runner->figures.finished = DUCK_NO_TIME;
	runner->events = sync_events_new(error);
	if (!runner->events)
		return NULL;
	runner->ledger = ledger_new(app->state);
	runner->profiles = profile_queue_new(app);
	runner->discovery = discovery_new(app);
	runner->thread = g_thread_new("sync", run_loop, runner);
	return g_steal_pointer(&runner);
}

void sync_runner_stop(struct sync_runner *runner)
{
	sync_events_close(runner->events);
	g_mutex_lock(&runner->lock);
	atomic_store(&runner->stopping, true);
	g_cond_broadcast(&runner->changed);
	g_mutex_unlock(&runner->lock);
}

void sync_runner_free(struct sync_runner *runner)
{
	if (!runner)
		return;
	if (runner->thread) {
		sync_runner_stop(runner);
		g_thread_join(runner->thread);
	}
	profile_queue_free(runner->profiles);
	discovery_free(runner->discovery);
	sync_events_free(runner->events);
	ledger_free(runner->ledger);
	report_free(runner->current);
	wish_free(runner->wish);
	g_mutex_clear(&runner->lock);
	g_cond_clear(&runner->changed);
	g_free(runner);
}
