/* The picture of a run: changed by its threads, drawn for whoever asks. */
#include "app/sync/report.h"

#include "app/wire.h"
#include "state/sync_runs.h"

#include <string.h>

enum { LONGEST_ERROR = 2000 }; /* bytes: an extractor may quote whole lines of a file */

struct report {
	char *id, *started_by;
	int64_t started, finished; /* microseconds since 1970; 0: not yet */
	struct sync_events *events;
	gint references;
	GMutex lock; /* for what follows */
	const char *status;
	GPtrArray *sources;
};

static const char *const phase_names[] = {
	[REPORT_WAITING] = "waiting",	    [REPORT_EXTRACTING] = "extracting",
	[REPORT_PUBLISHING] = "publishing", [REPORT_DONE] = "done",
	[REPORT_UNCHANGED] = "unchanged",   [REPORT_FAILED] = "failed",
};

/* In a shortened picture those stand first that somebody will look for. */
static const enum report_phase by_interest[] = {
	REPORT_FAILED, REPORT_EXTRACTING, REPORT_PUBLISHING,
	REPORT_DONE,   REPORT_WAITING,	  REPORT_UNCHANGED,
};

static void table_free(gpointer data)
{
	struct report_table *table = data;
	g_free(table->name);
	g_free(table->error);
	g_free(table);
}

static void source_free(gpointer data)
{
	struct report_source *source = data;
	g_hash_table_unref(source->by_name);
	g_ptr_array_unref(source->tables);
	g_free(source->name);
	g_free(source->error);
	g_free(source);
}

struct report *report_new(const char *id, const char *started_by, int64_t started,
			  struct sync_events *events)
{
	struct report *report = g_new0(struct report, 1);
	report->id = g_strdup(id);
	report->started_by = g_strdup(started_by);
	report->started = started;
	report->events = events;
	report->references = 1;
	report->status = SYNC_RUN_RUNNING;
	report->sources = g_ptr_array_new_with_free_func(source_free);
	g_mutex_init(&report->lock);
	return report;
}

struct report *report_ref(struct report *report)
{
	g_atomic_int_inc(&report->references);
	return report;
}

void report_free(struct report *report)
{
	if (!report || !g_atomic_int_dec_and_test(&report->references))
		return;
	g_ptr_array_unref(report->sources);
	g_mutex_clear(&report->lock);
	g_free(report->id);
	g_free(report->started_by);
	g_free(report);
}

const char *report_id(const struct report *report)
{
	return report->id;
}

int64_t report_started(const struct report *report)
{
	return report->started;
}

struct report_source *report_add_source(struct report *report, const char *name, bool whole)
{
	struct report_source *source = g_new0(struct report_source, 1);
	source->report = report;
	source->name = g_strdup(name);
	source->whole = whole;
	source->tables = g_ptr_array_new_with_free_func(table_free);
	source->by_name = g_hash_table_new(g_str_hash, g_str_equal);
	g_ptr_array_add(report->sources, source);
	return source;
}

struct report_table *report_add_table(struct report_source *source, const char *name,
				      bool materialized)
{
	struct report_table *table = g_new0(struct report_table, 1);
	table->name = g_strdup(name);
	table->materialized = materialized;
	table->rows = table->bytes = table->milliseconds = -1;
	table->percent = -1;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&source->report->lock);
	g_ptr_array_add(source->tables, table);
	g_hash_table_insert(source->by_name, table->name, table);
	return table;
}

const GPtrArray *report_sources(const struct report *report)
{
	return report->sources;
}

struct report_table *report_table(const struct report_source *source, const char *name)
{
	return g_hash_table_lookup(source->by_name, name);
}

/* --- drawing --- */

static void set_seconds(json_t *to, double seconds)
{
	json_object_set_new(to, "seconds", json_real((double)(int64_t)(seconds * 1000) / 1000));
}

static json_t *draw_table(const struct report_table *table)
{
	json_t *drawn = json_pack("{ss ss}", "table", table->name, "phase",
				  phase_names[table->phase]);
	if (table->rows >= 0)
		json_object_set_new(drawn, "rows", json_integer(table->rows));
	if (table->bytes >= 0)
		json_object_set_new(drawn, "bytes", json_integer(table->bytes));
	if (table->rejected > 0)
		json_object_set_new(drawn, "rejected", json_integer(table->rejected));
	if (table->percent >= 0 && table->phase == REPORT_EXTRACTING)
		json_object_set_new(drawn, "percent", json_integer(table->percent));
	if (table->milliseconds >= 0)
		set_seconds(drawn, (double)table->milliseconds / 1000);
	if (table->error)
		json_object_set_new(drawn, "error", json_string(table->error));
	return drawn;
}

static void count_source(const struct report_source *source, struct report_counts *counts)
{
	for (guint i = 0; i < source->tables->len; i++) {
		const struct report_table *table = g_ptr_array_index(source->tables, i);
		counts->total++;
		counts->in[table->phase]++;
	}
}

static json_t *draw_counts(const struct report_counts *counts)
{
	json_t *drawn = json_pack("{si}", "total", counts->total);
	for (size_t i = 0; i < G_N_ELEMENTS(phase_names); i++)
		json_object_set_new(drawn, phase_names[i], json_integer(counts->in[i]));
	return drawn;
}

static json_t *draw_tables(const struct report_source *source, size_t most)
{
	json_t *tables = json_array();
	if (source->tables->len <= most) {
		for (guint i = 0; i < source->tables->len; i++)
			json_array_append_new(tables,
					      draw_table(g_ptr_array_index(source->tables, i)));
		return tables;
	}
	for (size_t kind = 0; kind < G_N_ELEMENTS(by_interest); kind++) {
		for (guint i = 0; i < source->tables->len && json_array_size(tables) < most; i++) {
			const struct report_table *table = g_ptr_array_index(source->tables, i);
			if (table->phase == by_interest[kind])
				json_array_append_new(tables, draw_table(table));
		}
	}
	return tables;
}

static const char *source_phase(const struct report_source *source)
{
	if (source->ended)
		return source->error ? "failed" : "done";
	return source->started ? "running" : "waiting";
}

/* Without its tables. */
static json_t *draw_source(const struct report_source *source)
{
	struct report_counts counts = {0};
	count_source(source, &counts);
	json_t *drawn = json_pack("{ss ss si so}", "source", source->name, "phase",
				  source_phase(source), "attempts", source->attempts, "counts",
				  draw_counts(&counts));
	if (source->started) {
		gint64 end = source->ended ? source->ended : g_get_monotonic_time();
		set_seconds(drawn, (double)(end - source->started) / G_USEC_PER_SEC);
	}
	if (source->error)
		json_object_set_new(drawn, "error", json_string(source->error));
	return drawn;
}

/* Without its sources. */
static json_t *draw_run(const struct report *report)
{
	struct report_counts counts = {0};
	for (guint i = 0; i < report->sources->len; i++)
		count_source(g_ptr_array_index(report->sources, i), &counts);
	int64_t end = report->finished ? report->finished : g_get_real_time();
	json_t *drawn = json_pack(
		"{ss ss so so so so}", "id", report->id, "status", report->status, "started_by",
		wire_text(report->started_by), "started_at", wire_time_offset(report->started),
		"finished_at", report->finished ? wire_time_offset(report->finished) : json_null(),
		"counts", draw_counts(&counts));
	set_seconds(drawn, (double)(end - report->started) / G_USEC_PER_SEC);
	return drawn;
}

json_t *report_to_json(struct report *report, size_t most)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&report->lock);
	json_t *drawn = draw_run(report), *sources = json_array();
	for (guint i = 0; i < report->sources->len; i++) {
		const struct report_source *source = g_ptr_array_index(report->sources, i);
		json_t *tables = draw_tables(source, most), *one = draw_source(source);
		most -= json_array_size(tables);
		json_object_set_new(one, "tables", tables);
		json_array_append_new(sources, one);
	}
	json_object_set_new(drawn, "sources", sources);
	return drawn;
}

void report_count(struct report *report, struct report_counts *counts)
{
	*counts = (struct report_counts){0};
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&report->lock);
	for (guint i = 0; i < report->sources->len; i++)
		count_source(g_ptr_array_index(report->sources, i), counts);
}

/* --- changing; each tells of it with the lock held, so that events come in order --- */

static void tell(struct report *report, const char *event, json_t *drawn)
{
	json_object_set_new(drawn, "run", json_string(report->id));
	sync_events_send(report->events, event, drawn);
}

static void tell_table(const struct report_source *source, const struct report_table *table)
{
	struct report *report = source->report;
	if (!report->events || !sync_events_wanted(report->events))
		return;
	json_t *drawn = draw_table(table);
	json_object_set_new(drawn, "source", json_string(source->name));
	tell(report, "table", drawn);
}

static void tell_source(const struct report_source *source)
{
	struct report *report = source->report;
	if (report->events && sync_events_wanted(report->events))
		tell(report, "source", draw_source(source));
}

void report_begin(struct report *report)
{
	if (report->events && sync_events_wanted(report->events))
		tell(report, "run", report_to_json(report, SIZE_MAX));
}

void report_begin_attempt(struct report_source *source, int attempt)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&source->report->lock);
	source->attempts = attempt;
	if (!source->started)
		source->started = g_get_monotonic_time();
	tell_source(source);
}

void report_end_source(struct report_source *source, const char *error)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&source->report->lock);
	source->ended = g_get_monotonic_time();
	if (!source->started)
		source->started = source->ended;
	g_free(source->error);
	source->error = g_strdup(error);
	tell_source(source);
}

void report_set_phase(struct report_source *source, struct report_table *table,
		      enum report_phase phase)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&source->report->lock);
	table->phase = phase;
	table->transient = false;
	g_clear_pointer(&table->error, g_free);
	tell_table(source, table);
}

void report_set_size(struct report_source *source, struct report_table *table, int64_t rows,
		     int64_t bytes)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&source->report->lock);
	table->rows = rows;
	table->bytes = bytes;
}

void report_fail(struct report_source *source, struct report_table *table, const char *message,
		 bool transient)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&source->report->lock);
	g_free(table->error);
	table->error = g_utf8_make_valid(message, (gssize)strnlen(message, LONGEST_ERROR));
	table->phase = REPORT_FAILED;
	table->transient = transient;
	tell_table(source, table);
}

static int64_t number_of(const json_t *event, const char *member, int64_t otherwise)
{
	const json_t *value = json_object_get(event, member);
	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static void hear_state(struct report_source *source, struct report_table *table,
		       const json_t *event, const char *state)
{
	if (strcmp(state, "started") == 0) {
		report_set_phase(source, table, REPORT_EXTRACTING);
	} else if (strcmp(state, "failed") == 0) {
		const char *error = json_string_value(json_object_get(event, "error"));
		report_fail(source, table, error ? error : "the extractor does not say why",
			    json_is_true(json_object_get(event, "transient")));
	} else if (strcmp(state, "done") == 0 || strcmp(state, "unchanged") == 0) {
		g_mutex_lock(&source->report->lock);
		table->rows = number_of(event, "rows", table->rows);
		table->rejected = number_of(event, "rejected", 0);
		table->milliseconds = number_of(event, "milliseconds", -1);
		g_mutex_unlock(&source->report->lock);
		report_set_phase(source, table, REPORT_PUBLISHING);
	}
}

void report_hear(struct report_source *source, const json_t *event)
{
	const char *kind = json_string_value(json_object_get(event, "event"));
	const char *name = json_string_value(json_object_get(event, "table"));
	const char *state = json_string_value(json_object_get(event, "state"));
	struct report_table *table = name ? report_table(source, name) : NULL;
	if (!table || !kind)
		return;
	if (strcmp(kind, "table") == 0 && state) {
		hear_state(source, table, event, state);
	} else if (strcmp(kind, "progress") == 0) {
		g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&source->report->lock);
		table->percent = (int)CLAMP(number_of(event, "percent", -1), -1, 100);
		tell_table(source, table);
	}
}

void report_finish(struct report *report, const char *status)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&report->lock);
	report->status = status;
	report->finished = g_get_real_time();
	if (report->events && sync_events_wanted(report->events))
		tell(report, "run", draw_run(report));
}
