/* Extract, try again, publish, record. */
#include "app/sync/job.h"

#include "app/publisher.h"
#include "app/sync/extraction.h"
#include "base/error.h"
#include "state/sync_state.h"

#include <string.h>

/* How far the delay before another try may be off, in either direction: a fifth of it. */
#define JITTER 0.2

/* What became of the source beside its tables. */
struct job_outcome {
	char *error;	/* of no single table */
	bool transient; /* another try may go better */
};

static void job_outcome_clear(struct job_outcome *outcome)
{
	g_free(outcome->error);
}
DEFINE_AUTO(job_outcome)

static void set_error(struct job_outcome *outcome, const char *message, bool transient)
{
	g_free(outcome->error);
	outcome->error = g_strdup(message);
	outcome->transient = transient;
}

/* --- extracting --- */

static bool is_open(const struct report_table *table)
{
	return table->phase == REPORT_WAITING || table->phase == REPORT_EXTRACTING;
}

/* Whether an attempt takes the table up: the first all of them, later ones what may go better. */
static bool is_to_try(const struct report_table *table, bool materialized)
{
	return table->materialized == materialized &&
	       (is_open(table) || (table->phase == REPORT_FAILED && table->transient));
}

static json_t *rows_to_try(const struct job *job, bool materialized)
{
	const GPtrArray *planned = materialized ? job->plan->materialized : job->plan->extracted;
	json_t *rows = json_array();
	for (guint i = 0; i < planned->len; i++) {
		const struct directory_table *table = g_ptr_array_index(planned, i);
		if (is_to_try(report_table(job->source, table->name), materialized))
			json_array_append_new(rows, extraction_row(table->registered));
	}
	return rows;
}

/* Fails what is open, or else everything that the attempt was about. */
static void fail_tables(const struct job *job, bool materialized, bool open_only,
			const char *message, bool transient)
{
	for (guint i = 0; i < job->source->tables->len; i++) {
		struct report_table *table = g_ptr_array_index(job->source->tables, i);
		bool extracted = table->phase == REPORT_PUBLISHING && !open_only;
		if (table->materialized == materialized && (is_open(table) || extracted))
			report_fail(job->source, table, message, transient);
	}
}

static void take_error(const struct job *job, bool materialized, const json_t *result,
		       const json_t *entry, struct job_outcome *outcome)
{
	const char *name = json_string_value(json_object_get(entry, "table"));
	const char *message = json_string_value(json_object_get(entry, "error"));
	bool transient = json_is_true(json_object_get(entry, "transient"));
	if (!name || !message)
		return;
	if (strcmp(name, "*") == 0) {
		bool some = json_integer_value(json_object_get(result, "tables_extracted")) > 0;
		fail_tables(job, materialized, some, message, transient);
		set_error(outcome, message, transient);
		return;
	}
	struct report_table *table = report_table(job->source, name);
	if (table && table->materialized == materialized && table->phase != REPORT_FAILED)
		report_fail(job->source, table, message, transient);
}

static void take_result(const struct job *job, bool materialized, const json_t *result,
			struct job_outcome *outcome)
{
	size_t index;
	const json_t *entry, *errors = json_object_get(result, "errors");
	if (!json_is_array(errors)) {
		set_error(outcome, "the extractor ended without a result", false);
		fail_tables(job, materialized, true, outcome->error, false);
		return;
	}
	json_array_foreach(errors, index, entry)
		take_error(job, materialized, result, entry, outcome);
	/* A program in another language need not name what it did. */
	for (guint i = 0; i < job->source->tables->len; i++) {
		struct report_table *table = g_ptr_array_index(job->source->tables, i);
		if (table->materialized == materialized && is_open(table))
			report_set_phase(job->source, table, REPORT_PUBLISHING);
	}
}

static void hear(void *data, const json_t *event)
{
	report_hear(data, event);
}

/* False: cancelled. */
static bool attempt(const struct job *job, bool materialized, gint64 deadline,
		    struct job_outcome *outcome)
{
	g_autoptr(GError) cause = NULL;
	g_auto(extraction_end) end = {0};
	g_autoptr(json_t) rows = rows_to_try(job, materialized);
	const struct extraction extraction = {
		.data_dir = job->app->data_dir,
		.source = job->source->name,
		.mode = materialized ? "--materialize" : NULL,
		.rows = rows,
		.deadline = deadline,
		.cancelled = job->cancelled,
		.event = hear,
		.data = job->source,
	};
	g_clear_pointer(&outcome->error, g_free);
	outcome->transient = false;
	if (extraction_run(&extraction, &end, &cause)) {
		take_result(job, materialized, end.result, outcome);
		return true;
	}
	if (g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_CANCELLED))
		return false;
	set_error(outcome, cause->message, end.transient);
	fail_tables(job, materialized, false, cause->message, end.transient);
	return true;
}

static bool may_go_better(const struct job *job, bool materialized,
			  const struct job_outcome *outcome)
{
	for (guint i = 0; i < job->source->tables->len; i++) {
		if (is_to_try(g_ptr_array_index(job->source->tables, i), materialized))
			return true;
	}
	return outcome->transient;
}

static gint64 delay_before(const struct job *job, int attempts)
{
	double first = (double)config_int(job->config, "sync.retry_seconds") * G_USEC_PER_SEC;
	double jitter = g_random_double_range(1 - JITTER, 1 + JITTER);
	return (gint64)(first * (double)(1 << (attempts - 1)) * jitter);
}

/* False: cancelled. */
static bool extract(const struct job *job, bool materialized, gint64 deadline,
		    struct job_outcome *outcome)
{
	int most = (int)config_int(job->config, "sync.attempts");
	for (int attempts = 1;; attempts++) {
		if (atomic_load(job->cancelled))
			return false;
		report_begin_attempt(job->source, attempts);
		if (!attempt(job, materialized, deadline, outcome))
			return false;
		if (attempts >= most || !may_go_better(job, materialized, outcome))
			return true;
		gint64 delay = delay_before(job, attempts);
		if (g_get_monotonic_time() + delay >= deadline)
			return true;
		g_message("source '%s': attempt %d failed in part, another in %.1f seconds",
			  job->source->name, attempts, (double)delay / G_USEC_PER_SEC);
		if (!job->pause(job->data, delay))
			return false;
	}
}

/* --- publishing --- */

static const struct published_source *find_source(const struct edition *edition, const char *name)
{
	for (guint i = 0; i < edition->sources->len; i++) {
		const struct published_source *source = g_ptr_array_index(edition->sources, i);
		if (strcmp(source->name, name) == 0)
			return source;
	}
	return NULL;
}

/* Of that table, or of the source as a whole. */
static const char *publication_failure(const struct published_source *source, const char *table)
{
	for (guint i = 0; source && i < source->failures->len; i++) {
		const struct published_failure *failure = g_ptr_array_index(source->failures, i);
		if (!failure->name || strcmp(failure->name, table) == 0)
			return failure->message;
	}
	return NULL;
}

static void settle_table(const struct job *job, struct report_table *table,
			 const struct edition *before, const struct edition *after)
{
	const char *source = job->source->name;
	const char *failure = publication_failure(find_source(after, source), table->name);
	const struct edition_table *now = edition_find(after, table->name);
	if (failure) {
		report_fail(job->source, table, failure, false);
	} else if (!now || strcmp(now->source->name, source) != 0) {
		g_autofree char *message = g_strdup_printf(
			now ? "the table's name belongs to source '%s'"
			    : "the extract of the source has no such table",
			now ? now->source->name : "");
		report_fail(job->source, table, message, false);
	} else {
		const struct edition_table *then = edition_find(before, table->name);
		bool same = then && then->source == now->source;
		same |= then && g_strcmp0(then->table->md5, now->table->md5) == 0;
		report_set_size(job->source, table, now->table->rows, now->table->size_bytes);
		report_set_phase(job->source, table, same ? REPORT_UNCHANGED : REPORT_DONE);
	}
}

/* What a connector has that says itself which tables there are. */
static void add_published(const struct job *job, const struct edition *edition,
			  enum report_phase phase)
{
	const struct published_source *source = find_source(edition, job->source->name);
	for (guint i = 0; job->plan->whole && source && i < source->tables->len; i++) {
		const struct published_table *table = g_ptr_array_index(source->tables, i);
		if (!report_table(job->source, table->name))
			report_set_phase(job->source,
					 report_add_table(job->source, table->name, false), phase);
	}
}

static bool has_extracted(const struct job *job, const struct job_outcome *outcome)
{
	for (guint i = 0; i < job->source->tables->len; i++) {
		const struct report_table *table = g_ptr_array_index(job->source->tables, i);
		if (table->phase == REPORT_PUBLISHING)
			return true;
	}
	return job->plan->whole && !outcome->error;
}

static void publish(const struct job *job, const struct job_outcome *outcome,
		    const struct edition *before)
{
	g_autoptr(GError) error = NULL;
	if (!has_extracted(job, outcome))
		return;
	bool published = publisher_publish(job->app->publisher, &error);
	g_autoptr(edition) after = publisher_edition(job->app->publisher);
	if (published)
		add_published(job, after, REPORT_PUBLISHING);
	for (guint i = 0; i < job->source->tables->len; i++) {
		struct report_table *table = g_ptr_array_index(job->source->tables, i);
		if (table->phase != REPORT_PUBLISHING)
			continue;
		if (published)
			settle_table(job, table, before, after);
		else
			report_fail(job->source, table, error->message, false);
	}
}

/* --- recording --- */

/* Not again what the state says already, and nothing of a table that was removed meanwhile. */
static bool is_to_record(const struct directory *directory, const struct report_table *table)
{
	const struct directory_table *known = directory_table_named(directory, table->name);
	if (!known || strcmp(known->name, table->name) != 0)
		return false;
	return !known->synced || g_strcmp0(known->synced->status, "error") != 0 ||
	       g_strcmp0(known->synced->error, table->error) != 0;
}

static bool record(const struct job *job, int64_t started, GError **error)
{
	g_autoptr(GArray) current = g_array_new(FALSE, FALSE, sizeof(struct sync_current));
	g_autoptr(GArray) failures = g_array_new(FALSE, FALSE, sizeof(struct sync_failure));
	g_autoptr(directory_view) directory = directory_store_get(job->app->directory);
	for (guint i = 0; i < job->source->tables->len; i++) {
		const struct report_table *table = g_ptr_array_index(job->source->tables, i);
		const struct sync_failure failure = {table->name, table->error};
		const struct sync_current good = {table->name, table->milliseconds};
		if (table->phase == REPORT_DONE || table->phase == REPORT_UNCHANGED)
			g_array_append_val(current, good);
		else if (table->phase == REPORT_FAILED && !table->unsupported &&
			 is_to_record(directory, table))
			g_array_append_val(failures, failure);
	}
	return (current->len == 0 && failures->len == 0) ||
	       (sync_state_settle(job->app->state, current, started, failures, error) &&
		directory_reload_tables(job->app->directory, error));
}

/* --- all of it --- */

static void fail_unknown(const struct job *job, struct job_outcome *outcome)
{
	const char *name = job->source->name;
	g_autofree char *message = g_strdup_printf(
		"there is no connector for source_type='%s' on this server", name);
	g_autofree char *of_queries = g_strdup_printf(
		"materialized path not supported for source_type='%s'", name);
	for (guint i = 0; i < job->source->tables->len; i++) {
		struct report_table *table = g_ptr_array_index(job->source->tables, i);
		table->unsupported = table->materialized;
		report_fail(job->source, table, table->materialized ? of_queries : message, false);
	}
	set_error(outcome, message, false);
}

/* False: cancelled. */
static bool extract_all(const struct job *job, struct job_outcome *outcome)
{
	gint64 deadline = g_get_monotonic_time() +
			  config_int(job->config, "sync.timeout_seconds") * G_USEC_PER_SEC;
	if (!job->plan->known) {
		fail_unknown(job, outcome);
		return true;
	}
	if ((job->plan->extracted->len > 0 || job->plan->whole) &&
	    !extract(job, false, deadline, outcome))
		return false;
	g_auto(job_outcome) of_queries = {0};
	if (job->plan->materialized->len > 0 && !extract(job, true, deadline, &of_queries))
		return false;
	if (of_queries.error)
		set_error(outcome, of_queries.error, of_queries.transient);
	return true;
}

static void log_failures(const struct job *job, const struct job_outcome *outcome)
{
	if (outcome->error)
		g_warning("source '%s': %s", job->source->name, outcome->error);
	for (guint i = 0; i < job->source->tables->len; i++) {
		const struct report_table *table = g_ptr_array_index(job->source->tables, i);
		if (table->phase == REPORT_FAILED && g_strcmp0(table->error, outcome->error) != 0)
			g_warning("source '%s': table '%s': %s", job->source->name, table->name,
				  table->error);
	}
}

void job_run(const struct job *job)
{
	g_autoptr(GError) error = NULL;
	g_auto(job_outcome) outcome = {0};
	int64_t started = g_get_real_time();
	g_autoptr(edition) before = publisher_edition(job->app->publisher);
	add_published(job, before, REPORT_WAITING);
	if (!extract_all(job, &outcome)) {
		report_end_source(job->source, "the run was interrupted");
		return;
	}
	publish(job, &outcome, before);
	log_failures(job, &outcome);
	if (!record(job, started, &error))
		g_warning("source '%s': what the run came to cannot be recorded: %s",
			  job->source->name, error->message);
	report_end_source(job->source, outcome.error);
}
