/* The tally of a run, its progress events and its cancellation. */
#include "connectors/run_private.h"

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "duck/query.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	TICK_SECONDS = 1,
	LONGEST_MESSAGE = 2000, /* DuckDB quotes whole lines of a file */
};

struct connector_run_private *run_private_new(enum connector_purpose purpose, json_t *rows,
					      int output)
{
	struct connector_run_private *private = g_new0(struct connector_run_private, 1);
	private->purpose = purpose;
	private->rows = json_incref(rows);
	private->output = output;
	private->errors = json_array();
	private->ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_mutex_init(&private->lock);
	g_cond_init(&private->wake);
	return private;
}

static void stop_ticker(struct connector_run_private *private)
{
	if (!private->ticker)
		return;
	g_mutex_lock(&private->lock);
	private->over = true;
	g_cond_signal(&private->wake);
	g_mutex_unlock(&private->lock);
	g_thread_join(private->ticker);
}

void run_private_free(struct connector_run_private *private)
{
	if (!private)
		return;
	stop_ticker(private);
	json_decref(private->rows);
	g_free(private->memory_limit);
	json_decref(private->errors);
	g_hash_table_unref(private->ended);
	g_free(private->table);
	g_mutex_clear(&private->lock);
	g_cond_clear(&private->wake);
	g_free(private);
}

/* Whole lines, under the lock. Nobody reading them is no reason to stop extracting. */
static void write_event(struct connector_run_private *private, const json_t *event)
{
	g_autofree char *text = json_to_text(event);
	g_autofree char *line = g_strconcat(text, "\n", NULL);
	size_t size = strlen(line);
	for (size_t written = 0; private->output >= 0 && written < size;) {
		ssize_t step = write(private->output, line + written, size - written);
		if (step < 0 && errno != EINTR)
			return;
		written += step > 0 ? (size_t)step : 0;
	}
}

void connector_event(struct connector_run *run, json_t *event)
{
	g_autoptr(json_t) owned = event;
	g_mutex_lock(&run->private->lock);
	write_event(run->private, owned);
	g_mutex_unlock(&run->private->lock);
}

void run_start_table(struct connector_run *run, const char *table)
{
	g_mutex_lock(&run->private->lock);
	g_free(run->private->table);
	run->private->table = g_strdup(table);
	g_mutex_unlock(&run->private->lock);
	connector_event(run, json_pack("{s:s, s:s, s:s}", "event", "table", "table", table, "state",
				       "started"));
}

void run_finish_table(struct connector_run *run, const char *table,
		      const struct connector_outcome *outcome, gint64 milliseconds)
{
	run->private->extracted++;
	run->private->staged |= !outcome->unchanged;
	g_hash_table_insert(run->private->ended, g_strdup(table), GINT_TO_POINTER(1));
	json_t *event = json_pack("{s:s, s:s, s:s, s:I, s:I}", "event", "table", "table", table,
				  "state", outcome->unchanged ? "unchanged" : "done", "rejected",
				  (json_int_t)outcome->rejected, "milliseconds",
				  (json_int_t)milliseconds);
	if (outcome->rows >= 0)
		json_object_set_new(event, "rows", json_integer(outcome->rows));
	connector_event(run, event);
}

/* At most so many bytes, cut between two characters. */
static char *shorten(const char *message)
{
	g_autofree char *valid = g_utf8_make_valid(message,
						   (gssize)strnlen(message, LONGEST_MESSAGE));
	return strlen(message) <= LONGEST_MESSAGE ? g_steal_pointer(&valid)
						  : g_strconcat(valid, " ...", NULL);
}

/* {"table", "error"}, and "transient" where it is. */
static json_t *describe_error(const char *table, const char *message, bool transient)
{
	json_t *error = json_pack("{s:s, s:s}", "table", table, "error", message);
	if (transient)
		json_object_set_new(error, "transient", json_true());
	return error;
}

void run_error(struct connector_run *run, const char *table, const char *message, bool transient)
{
	g_autofree char *text = shorten(message);
	g_autofree char *name = g_utf8_make_valid(table, -1);
	json_t *event = json_pack("{s:s, s:s, s:s, s:s}", "event", "table", "table", name, "state",
				  "failed", "error", text);
	if (transient)
		json_object_set_new(event, "transient", json_true());
	json_array_append_new(run->private->errors, describe_error(name, text, transient));
	g_warning("source %s: %s: %s", run->connector->name, name, text);
	connector_event(run, event);
}

void run_fail(struct connector_run *run, const char *table, const char *message, bool transient)
{
	run->private->failed++;
	g_hash_table_insert(run->private->ended, g_strdup(table), GINT_TO_POINTER(0));
	run_error(run, table, message, transient);
}

bool run_has_ended(const struct connector_run *run, const char *table)
{
	return g_hash_table_contains(run->private->ended, table);
}

void run_fail_all(struct connector_run *run, const char *message, bool transient)
{
	run->private->failed += run->private->extracted;
	run->private->extracted = 0;
	run_error(run, "*", message, transient);
}

json_t *run_result(const struct connector_run *run)
{
	return json_pack("{s:i, s:i, s:O}", "tables_extracted", run->private->extracted,
			 "tables_failed", run->private->failed, "errors", run->private->errors);
}

/* Under the lock. */
static void interrupt_if_cancelled(struct connector_run_private *private)
{
	if (private->watched && private->cancelled)
		duck_interrupt(private->watched);
}

/* Says once a second how far the watched session is. */
static void *tick(void *data)
{
	struct connector_run_private *private = data;
	g_mutex_lock(&private->lock);
	while (!private->over) {
		gint64 next = g_get_monotonic_time() + TICK_SECONDS * G_USEC_PER_SEC;
		if (g_cond_wait_until(&private->wake, &private->lock, next) || !private->watched)
			continue;
		/* An interrupt between two statements is lost. */
		interrupt_if_cancelled(private);
		double percent = duck_progress(private->watched);
		if (percent < 0)
			continue;
		g_autoptr(json_t)
			event = json_pack("{s:s, s:s?, s:i}", "event", "progress", "table",
					  private->table, "percent", (int)percent);
		write_event(private, event);
	}
	g_mutex_unlock(&private->lock);
	return NULL;
}

static void start_ticker(struct connector_run_private *private)
{
	if (private->ticker)
		return;
	private->ticker = g_thread_new("progress", tick, private);
}

void connector_watch(struct connector_run *run, struct duck_connection *connection)
{
	struct connector_run_private *private = run->private;
	g_mutex_lock(&private->lock);
	private->watched = connection;
	interrupt_if_cancelled(private);
	start_ticker(private);
	g_mutex_unlock(&private->lock);
}

void connector_cancel(struct connector_run *run)
{
	g_mutex_lock(&run->private->lock);
	run->private->cancelled = true;
	interrupt_if_cancelled(run->private);
	g_mutex_unlock(&run->private->lock);
}

bool connector_cancelled(struct connector_run *run, GError **error)
{
	g_mutex_lock(&run->private->lock);
	bool cancelled = run->private->cancelled;
	g_mutex_unlock(&run->private->lock);
	if (cancelled && error)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CANCELLED,
			    "the extraction of '%s' was cancelled; the last version stays",
			    run->connector->name);
	return cancelled;
}
