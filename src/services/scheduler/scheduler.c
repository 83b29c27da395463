/* The loop of the scheduler: what is due is called on a thread, its outcome comes back here. */
#include "services/scheduler/scheduler.h"

#include "base/error.h"
#include "base/files.h"
#include "base/http_client.h"
#include "services/scheduler/history.h"
#include "services/scheduler/jobs.h"
#include "services/scheduler/plan.h"

#include <errno.h>
#include <sys/eventfd.h>

#define REPEAT_PROBLEM_AFTER ((gint64)3600 * G_USEC_PER_SEC)

enum {
	LOCK_MILLISECONDS = 1000,
	FIRST_PAUSE_SECONDS = 5, /* after a failure, unless a tick is shorter */
	LONGEST_ANSWER = 1024 * 1024,
	SHOWN_ANSWER = 200, /* characters of an answer, in the log */
	TICK_SPREAD = 10,   /* per cent by which a tick may be shorter */
};

/* A job, and its call while there is one. */
struct runner {
	struct scheduler *scheduler;
	const struct scheduler_job *job;
	struct plan plan;
	struct http_client *client;
	GThread *thread; /* NULL: no call is under way */
	int64_t started;
	/* What came of it: the thread's, until it has ended. */
	char *problem;	  /* NULL: fine */
	int problem_kind; /* what makes it the same as the last one */
	/* The one that was logged last. */
	int told_kind; /* 0: none */
	gint64 told_at;
};

struct scheduler {
	struct scheduler_settings *settings;
	GMainLoop *loop;
	struct runner *runners; /* one a job */
	char *authorization;	/* a header, or NULL */
	int cancel;		/* readable once it is stopping */
	int lock;
	int under_way; /* calls */
	bool stopping;
	json_t *history;
	char *history_path; /* NULL: not kept */
	bool history_fails; /* and that was told */
};

/* What a status that is no success means here. */
static char *explain_reply(const struct scheduler_job *job, const struct http_reply *reply)
{
	gsize size;
	const char *body = g_bytes_get_data(reply->body, &size);
	g_autofree char *text = g_utf8_make_valid(body ? body : "",
						  (gssize)MIN(size, SHOWN_ANSWER));
	if (reply->status == 401 || reply->status == 403)
		return g_strdup_printf("status %d: the server does not take SCHEDULER_API_TOKEN. "
				       "It must be the same for both, 32 characters at least",
				       reply->status);
	if (reply->status == 404)
		return g_strdup_printf("status 404: this server has no %s", job->path);
	if (reply->status >= 300 && reply->status < 400)
		return g_strdup_printf("status %d, which is not followed: API_URL must be where "
				       "the server itself is",
				       reply->status);
	return g_strdup_printf("status %d: %s", reply->status, text);
}

static gboolean take_outcome(gpointer data);

/* On a thread of its own. */
static gpointer call_server(gpointer data)
{
	struct runner *runner = data;
	const struct scheduler_job *job = runner->job;
	const struct scheduler *scheduler = runner->scheduler;
	const char *const headers[] = {scheduler->authorization, NULL};
	g_autofree char *url = g_strconcat(scheduler->settings->url, job->path, NULL);
	const struct http_call call = {
		.method = job->method,
		.url = url,
		.headers = headers,
		.idle_seconds = job->patience,
		.total_seconds = job->patience,
		.longest_body = LONGEST_ANSWER,
		.cancel = scheduler->cancel,
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(http_reply) reply = http_client_call(runner->client, &call, &error);
	if (!reply) {
		runner->problem = g_strdup(error->message);
		runner->problem_kind = -1 - error->code;
	} else if (!http_reply_is_fine(reply)) {
		runner->problem = explain_reply(job, reply);
		runner->problem_kind = reply->status;
	}
	g_idle_add(take_outcome, runner);
	return NULL;
}

static void start_call(struct runner *runner, int64_t now)
{
	runner->started = now;
	g_clear_pointer(&runner->problem, g_free);
	runner->scheduler->under_way++;
	runner->thread = g_thread_new(runner->job->name, call_server, runner);
}

static void start_due_calls(struct scheduler *scheduler)
{
	int64_t now = g_get_real_time();
	gint64 passed = g_get_monotonic_time();
	for (size_t i = 0; i < scheduler_job_count && !scheduler->stopping; i++) {
		struct runner *runner = &scheduler->runners[i];
		if (!runner->thread && plan_is_due(&runner->plan, now, passed))
			start_call(runner, now);
	}
}

static gboolean wake_up(gpointer scheduler)
{
	start_due_calls(scheduler);
	return G_SOURCE_REMOVE;
}

static void wake_in(struct scheduler *scheduler, gint64 microseconds)
{
	/* One more, because the timer counts milliseconds and must not come too early. */
	g_timeout_add((guint)(microseconds / 1000 + 1), wake_up, scheduler);
}

/* Ticks differ a little, so that many installations do not call their sources in step. */
static gboolean tick(gpointer data)
{
	struct scheduler *scheduler = data;
	guint milliseconds = (guint)scheduler->settings->tick * 1000;
	start_due_calls(scheduler);
	g_timeout_add(milliseconds - (guint)g_random_int_range(
					     0, (gint32)(milliseconds / 100 * TICK_SPREAD) + 1),
		      tick, scheduler);
	return G_SOURCE_REMOVE;
}

static void keep_history(struct scheduler *scheduler)
{
	g_autoptr(GError) error = NULL;
	if (!scheduler->history_path)
		return;
	bool kept = history_write(scheduler->history, scheduler->history_path, &error);
	if (!kept && !scheduler->history_fails)
		g_warning("after a restart jobs may run too early: %s", error->message);
	scheduler->history_fails = !kept;
}

static void take_success(struct runner *runner)
{
	struct scheduler *scheduler = runner->scheduler;
	if (runner->plan.failures > 0)
		g_message("%s works again, after %d failures", runner->job->name,
			  runner->plan.failures);
	else
		g_info("%s is done", runner->job->name);
	plan_succeed(&runner->plan, runner->started);
	runner->told_kind = 0;
	history_set(scheduler->history, runner->job->name, runner->started);
	keep_history(scheduler);
}

/* The same problem is told once an hour: what the server does not have yet must not fill the log.
 */
static void take_failure(struct runner *runner)
{
	gint64 passed = g_get_monotonic_time();
	gint64 least = MIN(runner->scheduler->settings->tick, FIRST_PAUSE_SECONDS) * G_USEC_PER_SEC;
	gint64 pause = plan_fail(&runner->plan, passed, least, g_random_double());
	bool known = runner->told_kind == runner->problem_kind &&
		     passed - runner->told_at < REPEAT_PROBLEM_AFTER;
	g_log(G_LOG_DOMAIN, known ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_WARNING,
	      "%s failed %s%d: %s; next try in %d s", runner->job->name,
	      runner->plan.failures > 1 ? "again, number " : "", runner->plan.failures,
	      runner->problem, (int)(pause / G_USEC_PER_SEC));
	if (!known) {
		runner->told_kind = runner->problem_kind;
		runner->told_at = passed;
	}
	wake_in(runner->scheduler, pause);
}

static gboolean take_outcome(gpointer data)
{
	struct runner *runner = data;
	struct scheduler *scheduler = runner->scheduler;
	g_thread_join(g_steal_pointer(&runner->thread));
	scheduler->under_way--;
	if (!runner->problem)
		take_success(runner);
	else if (!scheduler->stopping)
		take_failure(runner);
	if (scheduler->stopping && scheduler->under_way == 0)
		g_main_loop_quit(scheduler->loop);
	return G_SOURCE_REMOVE;
}

/* Only one scheduler a data directory; the server would run nothing twice at once, but too often.
 */
static bool open_history(struct scheduler *scheduler, const char *folder, GError **error)
{
	g_autofree char *lock = g_build_filename(folder, "scheduler.lock", NULL);
	g_autoptr(GError) problem = NULL;
	scheduler->lock = files_lock(lock, LOCK_MILLISECONDS, &problem);
	if (scheduler->lock >= 0) {
		scheduler->history_path = g_build_filename(folder, "scheduler.json", NULL);
		scheduler->history = history_read(scheduler->history_path);
		return true;
	}
	if (g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_BUSY)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_BUSY,
			    "another scheduler works for the data directory of %s", folder);
		return false;
	}
	g_message("when jobs last ran is not kept: %s", problem->message);
	scheduler->history = json_object();
	return true;
}

static bool init_runner(struct scheduler *scheduler, size_t index, GError **error)
{
	struct schedule schedule;
	struct runner *runner = &scheduler->runners[index];
	runner->scheduler = scheduler;
	runner->job = &scheduler_jobs[index];
	runner->client = http_client_new("agnes-scheduler/" AGNES_VERSION, error);
	if (!runner->client ||
	    !schedule_parse(scheduler->settings->schedules[index], &schedule, error))
		return false;
	plan_init(&runner->plan, &schedule, history_get(scheduler->history, runner->job->name),
		  g_get_real_time(), g_get_monotonic_time() + runner->job->first * G_USEC_PER_SEC);
	return true;
}

struct scheduler *scheduler_new(struct scheduler_settings *settings, const char *folder,
				GError **error)
{
	g_autoptr(scheduler) scheduler = g_new0(struct scheduler, 1);
	scheduler->settings = settings;
	scheduler->lock = -1;
	scheduler->loop = g_main_loop_new(NULL, FALSE);
	scheduler->runners = g_new0(struct runner, scheduler_job_count);
	if (settings->token)
		scheduler->authorization = g_strconcat("Authorization: Bearer ", settings->token,
						       NULL);
	scheduler->cancel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (scheduler->cancel < 0) {
		agnes_set_errno(error, errno, "cannot make an event descriptor");
		return NULL;
	}
	if (!open_history(scheduler, folder, error))
		return NULL;
	for (size_t i = 0; i < scheduler_job_count; i++) {
		if (!init_runner(scheduler, i, error))
			return NULL;
	}
	return g_steal_pointer(&scheduler);
}

void scheduler_free(struct scheduler *scheduler)
{
	if (!scheduler)
		return;
	for (size_t i = 0; i < scheduler_job_count; i++) {
		http_client_free(scheduler->runners[i].client);
		g_free(scheduler->runners[i].problem);
	}
	g_free(scheduler->runners);
	descriptor_close(&scheduler->cancel);
	descriptor_close(&scheduler->lock);
	json_decref(scheduler->history);
	g_free(scheduler->history_path);
	g_free(scheduler->authorization);
	g_main_loop_unref(scheduler->loop);
	scheduler_settings_free(scheduler->settings);
	g_free(scheduler);
}

static void introduce(const struct scheduler *scheduler)
{
	g_message("%zu jobs for %s, a look at the clock every %d s", scheduler_job_count,
		  scheduler->settings->url, scheduler->settings->tick);
	for (size_t i = 0; i < scheduler_job_count; i++)
		g_info("%s: %s", scheduler_jobs[i].name, scheduler->settings->schedules[i]);
	if (!scheduler->authorization)
		g_warning("SCHEDULER_API_TOKEN is not set: the server will refuse all calls but "
			  "the health check, unless nobody signs in there");
}

void scheduler_run(struct scheduler *scheduler)
{
	introduce(scheduler);
	for (size_t i = 0; i < scheduler_job_count; i++)
		wake_in(scheduler, scheduler_jobs[i].first * G_USEC_PER_SEC);
	tick(scheduler);
	g_main_loop_run(scheduler->loop);
}

void scheduler_stop(struct scheduler *scheduler)
{
	scheduler->stopping = true;
	if (eventfd_write(scheduler->cancel, 1) < 0)
		g_warning("calls under way cannot be given up: %s", g_strerror(errno));
	if (scheduler->under_way == 0)
		g_main_loop_quit(scheduler->loop);
}
