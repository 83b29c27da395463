/* The last runs, and their rows in the state. */
#include "app/sync/ledger.h"

#include "app/wire.h"
#include "state/sync_runs.h"

#include <string.h>

enum {
	MOST_RECENT = 20,
	MOST_TABLES = 1000, /* of a run that is over */
};

struct ledger {
	struct state *state;
	GMutex lock;   /* for what follows */
	GQueue recent; /* of json_t, newest first */
};

/* A run that found nothing to do. */
static bool is_idle(const json_t *run)
{
	return run && json_array_size(json_object_get(run, "sources")) == 0 &&
	       g_strcmp0(json_string_value(json_object_get(run, "status")), SYNC_RUN_DONE) == 0;
}

/* Takes over `run`. The id of the run whose place it takes, or NULL. */
static char *remember(struct ledger *ledger, json_t *run)
{
	char *replaced = NULL;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&ledger->lock);
	if (is_idle(run) && is_idle(g_queue_peek_head(&ledger->recent))) {
		g_autoptr(json_t) last = g_queue_pop_head(&ledger->recent);
		replaced = g_strdup(json_string_value(json_object_get(last, "id")));
	}
	g_queue_push_head(&ledger->recent, run);
	while (g_queue_get_length(&ledger->recent) > MOST_RECENT)
		json_decref(g_queue_pop_tail(&ledger->recent));
	return replaced;
}

/* Of a run whose server died there is no report: only when it began. */
static json_t *recall(const struct stored_run *row)
{
	json_t *run = row->report ? json_parse(row->report, strlen(row->report), "run", NULL)
				  : NULL;
	if (!json_is_object(run)) {
		json_decref(run);
		run = json_pack("{ss so so so s[]}", "id", row->id, "started_by",
				wire_text(row->started_by), "started_at",
				wire_time_offset(row->started_at), "finished_at",
				wire_time_offset(row->finished_at), "sources");
	}
	/* Nothing runs when a server starts, whatever the row still says. */
	bool open = strcmp(row->status, SYNC_RUN_RUNNING) == 0;
	json_object_set_new(run, "status", json_string(open ? SYNC_RUN_INTERRUPTED : row->status));
	return run;
}

static void mark_cut_off(struct ledger *ledger)
{
	g_autoptr(GError) error = NULL;
	int64_t cut_off = sync_runs_mark_interrupted(ledger->state, &error);
	if (cut_off > 0)
		g_message("a sync run was cut off when the server ended; its tables are due again");
	else if (cut_off < 0)
		g_warning("a sync run that was cut off cannot be marked: %s", error->message);
}

static void recall_all(struct ledger *ledger)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) rows = sync_runs_list(ledger->state, MOST_RECENT, &error);
	if (!rows) {
		g_warning("the last sync runs cannot be read: %s", error->message);
		return;
	}
	for (guint i = rows->len; i-- > 0;)
		g_free(remember(ledger, recall(g_ptr_array_index(rows, i))));
}

struct ledger *ledger_new(struct state *state)
{
	struct ledger *ledger = g_new0(struct ledger, 1);
	ledger->state = state;
	g_mutex_init(&ledger->lock);
	g_queue_init(&ledger->recent);
	mark_cut_off(ledger);
	recall_all(ledger);
	return ledger;
}

static void forget(gpointer run)
{
	json_decref(run);
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	g_queue_clear_full(&ledger->recent, forget);
	g_mutex_clear(&ledger->lock);
	g_free(ledger);
}

/* Names of the tables that are not up to date yet, as JSON text; NULL: none. */
static char *list_owed(const struct report *report)
{
	g_autoptr(json_t) names = json_array();
	const GPtrArray *sources = report_sources(report);
	for (guint i = 0; i < sources->len; i++) {
		const struct report_source *source = g_ptr_array_index(sources, i);
		for (guint j = 0; j < source->tables->len; j++) {
			const struct report_table *table = g_ptr_array_index(source->tables, j);
			if (table->phase < REPORT_DONE)
				json_array_append_new(names, json_string(table->name));
		}
	}
	return json_array_size(names) > 0 ? json_to_text(names) : NULL;
}

void ledger_begin(struct ledger *ledger, const struct report *report, const char *user)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *owed = list_owed(report);
	const struct stored_run row = {.id = report_id(report),
				       .started_at = report_started(report),
				       .finished_at = DUCK_NO_TIME,
				       .status = SYNC_RUN_RUNNING,
				       .started_by = user,
				       .owed = owed};
	if (!sync_runs_begin(ledger->state, &row, &error))
		g_warning("the beginning of a sync run cannot be recorded: %s", error->message);
}

void ledger_end(struct ledger *ledger, struct report *report, const char *status, const char *user)
{
	g_autoptr(GError) error = NULL;
	bool interrupted = strcmp(status, SYNC_RUN_INTERRUPTED) == 0;
	g_autofree char *owed = interrupted ? list_owed(report) : NULL;
	json_t *drawn = report_to_json(report, MOST_TABLES);
	g_autofree char *text = json_to_text(drawn);
	const struct stored_run row = {.id = report_id(report),
				       .started_at = report_started(report),
				       .finished_at = g_get_real_time(),
				       .status = status,
				       .started_by = user,
				       .owed = owed,
				       .report = text};
	g_autofree char *replaced = remember(ledger, drawn);
	if (!sync_runs_finish(ledger->state, &row, replaced, &error))
		g_warning("the end of a sync run cannot be recorded: %s", error->message);
}

json_t *ledger_recent(struct ledger *ledger)
{
	json_t *recent = json_array();
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&ledger->lock);
	for (GList *each = ledger->recent.head; each; each = each->next)
		json_array_append(recent, each->data);
	return recent;
}
