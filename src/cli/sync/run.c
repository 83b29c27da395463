/* The steps of a sync, one after the other. */
#include "cli/sync/run.h"

#include "base/error.h"
#include "base/hash.h"
#include "cli/output.h"
#include "cli/sync/adopt.h"
#include "cli/sync/interrupt.h"
#include "cli/sync/offer.h"
#include "cli/sync/plan.h"
#include "cli/sync/progress.h"
#include "cli/sync/refresh.h"
#include "cli/sync/shared_state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	LOCK_MILLISECONDS = 10 * 60 * 1000,
	SECONDS_IDLE = 300, /* of a download, unless DA_STREAM_TIMEOUT says otherwise */
	MOST_SECONDS = 3600,
	MOST_RETRIES = 10,
	ROUNDS = 2, /* the second is for tables that the server replaced during the first */
};

struct sync_job {
	const struct workspace *workspace;
	struct api *api;
	const struct sync_options *options;
	struct sync_report *report;
	struct sync_state *state;
	GHashTable *tokens;
	struct interrupt interrupt; /* its descriptor is -1 before downloads can begin */
	int folder, lock;
	bool changed; /* of the state, more than the time */
	bool stale;   /* a table was replaced on the server meanwhile */
};

static void sync_job_clear(struct sync_job *sync)
{
	sync_state_free(sync->state);
	g_clear_pointer(&sync->tokens, g_hash_table_unref);
	descriptor_close(&sync->folder);
	descriptor_close(&sync->lock);
	if (sync->interrupt.descriptor >= 0)
		interrupt_clear(&sync->interrupt);
}
DEFINE_AUTO(sync_job)

void sync_report_clear(struct sync_report *report)
{
	json_t *const lists[] = {report->wanted, report->downloaded, report->remote,
				 report->errors, report->gone,	     report->pruned,
				 report->absent, report->broken,     report->hidden};
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		json_decref(lists[i]);
	g_clear_error(&report->views_error);
}

static void report_start(struct sync_report *report)
{
	*report = (struct sync_report){.wanted = json_array(),
				       .downloaded = json_array(),
				       .remote = json_array(),
				       .errors = json_array(),
				       .gone = json_array(),
				       .pruned = json_array(),
				       .absent = json_array()};
}

static void add_error(const struct sync_job *sync, const char *table, const char *message)
{
	g_autofree char *name = sync_name_to_show(table);
	json_array_append_new(sync->report->errors,
			      json_pack("{ss ss}", "table", name, "error", message));
}

/* --- what this client decides about its own numbers --- */

static int number_of(const char *variable, int otherwise, int least, int most)
{
	gint64 value;
	const char *text = g_getenv(variable);
	bool given = text && g_ascii_string_to_signed(text, 10, G_MININT, G_MAXINT, &value, NULL);
	return given ? CLAMP((int)value, least, most) : otherwise;
}

/* --- loading --- */

static bool take_lock(struct sync_job *sync, GError **error)
{
	g_autoptr(GError) cause = NULL;
	sync->lock = workspace_lock(sync->workspace, 0, &cause);
	if (sync->lock < 0 && cause->code == AGNES_ERROR_BUSY) {
		if (sync->options->waits_aloud)
			output_warn("Another sync of this workspace is under way; waiting for it "
				    "to end.\n");
		sync->lock = workspace_lock(sync->workspace, LOCK_MILLISECONDS, error);
		return sync->lock >= 0;
	}
	if (sync->lock < 0)
		g_propagate_error(error, g_steal_pointer(&cause));
	return sync->lock >= 0;
}

/* A state that makes no sense is none: every file is looked at anew, and nothing is lost. */
static bool load_state(struct sync_job *sync, GError **error)
{
	g_autoptr(GError) cause = NULL;
	sync->state = sync_state_load(sync->workspace, &cause);
	if (sync->state)
		return true;
	if (cause->code != AGNES_ERROR_CORRUPT) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return false;
	}
	output_warn("Warning: %s is broken (%s); every table is checked anew\n", SYNC_STATE_FILE,
		    cause->message);
	if (!sync->options->dry_run)
		sync_state_set_aside(sync->workspace);
	sync->state = sync_state_new();
	return true;
}

static bool prepare(struct sync_job *sync, GError **error)
{
	bool writes = !sync->options->dry_run;
	if (writes && !take_lock(sync, error))
		return false;
	if (!load_state(sync, error))
		return false;
	sync->folder = (writes ? workspace_make_folder : workspace_folder)(
		sync->workspace, WORKSPACE_PARQUET, writes ? error : NULL);
	/* Of another server's tables, only what is in the files counts. */
	if (g_strcmp0(sync->state->server, api_server(sync->api)) != 0) {
		g_free(sync->state->server);
		sync->state->server = g_strdup(api_server(sync->api));
	}
	return sync->folder >= 0 || !writes;
}

/* --- downloads --- */

static void remember(struct sync_job *sync, const struct offered_table *table,
		     const struct file_mark *mark, const char *etag)
{
	struct synced_table *entry = synced_table_new(table->hash, table->rows, table->size_bytes,
						      mark);
	entry->etag = g_strdup(etag);
	g_hash_table_insert(sync->state->tables, g_strdup(table->name), entry);
	sync->changed = true;
}

/* What the server lists of a table that it could never fetch itself. */
static bool is_empty_entry(const struct offered_table *table)
{
	return !*table->hash && table->rows == 0 && table->size_bytes == 0;
}

static void take_failure(struct sync_job *sync, const struct offered_table *table,
			 const GError *error)
{
	sync->stale |= g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT);
	if (sync->report->interrupted)
		return;
	if (is_empty_entry(table) && g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
		json_array_append_new(sync->report->absent, json_string(table->name));
	else
		add_error(sync, table->name, error->message);
}

static void take_result(struct sync_job *sync, const struct offered_table *table,
			const struct download *download)
{
	switch (download->state) {
	case DOWNLOAD_DONE:
		remember(sync, table, &download->mark, download->new_etag);
		json_array_append_new(sync->report->downloaded, json_string(table->name));
		break;
	case DOWNLOAD_FAILED:
		take_failure(sync, table, download->error);
		break;
	default:
		break;
	}
}

/* The ETag helps only where the manifest says nothing of the content. */
static struct download download_of(const struct sync_job *sync, const struct sync_step *step)
{
	const struct offered_table *table = step->table;
	bool is_md5 = sync_hash_is_md5(table->hash);
	struct file_mark mark;
	g_autofree char *path = api_path("/api/data/{}/download", table->name, NULL);
	struct download download = {
		.label = table->name,
		.name = sync_file_name(table->name),
		.url = g_strconcat(api_server(sync->api), path, NULL),
		.md5 = is_md5 ? table->hash : NULL,
		.size = is_md5 ? table->size_bytes : 0,
	};
	if (!*table->hash && step->known && file_mark_take(sync->folder, download.name, &mark) &&
	    file_mark_equal(&mark, &step->known->mark))
		download.etag = step->known->etag;
	return download;
}

static void draw(void *data)
{
	progress_draw(data);
}

static bool run_downloads(struct sync_job *sync, struct download *downloads, size_t count,
			  GError **error)
{
	g_autoptr(progress)
		progress = sync->options->shows_progress ? progress_new(downloads, count) : NULL;
	const struct download_options options = {
		.folder = sync->folder,
		.agent = API_AGENT,
		.headers = api_headers(sync->api),
		.parallel = sync->options->parallel,
		.retries = number_of("DA_STREAM_RETRIES", DOWNLOADS_RETRIES, 0, MOST_RETRIES),
		.idle_seconds = number_of("DA_STREAM_TIMEOUT", SECONDS_IDLE, 1, MOST_SECONDS),
		.cancel = sync->interrupt.descriptor,
		.watch = progress ? draw : NULL,
		.data = progress,
	};
	downloads_tidy(sync->folder, downloads, count);
	return downloads_run(downloads, count, &options, error);
}

static void free_downloads(GArray *downloads)
{
	for (guint i = 0; i < downloads->len; i++) {
		struct download *download = &g_array_index(downloads, struct download, i);
		download_clear(download);
		g_free((char *)download->name);
		g_free((char *)download->url);
	}
	g_array_unref(downloads);
}

/* Downloads what the plan says. A reason to stop is an error; that of a single table is not. */
static bool download_all(struct sync_job *sync, const struct sync_plan *plan, GError **error)
{
	GArray *downloads = g_array_new(FALSE, TRUE, sizeof(struct download));
	g_autoptr(GPtrArray) tables = g_ptr_array_new();
	for (guint i = 0; i < plan->steps->len; i++) {
		const struct sync_step *step = &g_array_index(plan->steps, struct sync_step, i);
		if (step->action != SYNC_DOWNLOAD)
			continue;
		struct download download = download_of(sync, step);
		g_array_append_val(downloads, download);
		g_ptr_array_add(tables, (void *)step->table);
	}
	g_autoptr(GError) stop = NULL;
	struct download *all = (struct download *)(void *)downloads->data;
	if (downloads->len > 0)
		run_downloads(sync, all, downloads->len, &stop);
	sync->report->interrupted = interrupt_came(&sync->interrupt);
	for (guint i = 0; i < downloads->len; i++)
		take_result(sync, tables->pdata[i], &all[i]);
	/* One power cut must not undo what the state is about to call done. */
	if (json_array_size(sync->report->downloaded) > 0 && syncfs(sync->folder) < 0)
		agnes_set_errno(&stop, errno, "cannot write to the disk");
	free_downloads(downloads);
	if (!stop || sync->report->interrupted)
		return true;
	g_propagate_error(error, g_steal_pointer(&stop));
	return false;
}

/* --- the plan --- */

static void want(const struct sync_job *sync, const struct offered_table *table)
{
	json_array_append_new(sync->report->wanted,
			      json_pack("{ss sI sI}", "table", table->name, "rows",
					(json_int_t)table->rows, "size_bytes",
					(json_int_t)table->size_bytes));
	sync->report->bytes += table->size_bytes;
}

/* Files of which only a look inside tells become current or wanted. */
static void settle(struct sync_job *sync, struct sync_plan *plan)
{
	for (guint i = 0; i < plan->steps->len; i++) {
		struct sync_step *step = &g_array_index(plan->steps, struct sync_step, i);
		struct file_mark mark;
		bool may_adopt = step->action == SYNC_CHECK ||
				 (step->action == SYNC_DOWNLOAD && !sync->options->dry_run);
		if (may_adopt && sync_adopt(sync->workspace, sync->folder, step, &mark)) {
			remember(sync, step->table, &mark, NULL);
			step->action = SYNC_CURRENT;
		} else if (step->action == SYNC_CHECK) {
			step->action = SYNC_DOWNLOAD;
		}
	}
}

static void tell(const struct sync_job *sync, const struct sync_plan *plan)
{
	struct sync_report *report = sync->report;
	bool found = !sync->options->table;
	report->total = plan->steps->len;
	for (guint i = 0; i < plan->steps->len; i++) {
		const struct sync_step *step = &g_array_index(plan->steps, struct sync_step, i);
		found |= g_strcmp0(step->table->name, sync->options->table) == 0;
		if (step->action == SYNC_REMOTE)
			json_array_append_new(report->remote, json_string(step->table->name));
		else if (step->action == SYNC_REFUSED)
			add_error(sync, step->table->name, "unsafe table name, not downloaded");
		else if (step->action == SYNC_DOWNLOAD)
			want(sync, step->table);
	}
	report->table_unknown = !found;
	report->current = report->total - json_array_size(report->wanted) -
			  json_array_size(report->remote);
	for (guint i = 0; i < plan->gone->len; i++)
		json_array_append_new(report->gone, json_string(plan->gone->pdata[i]));
}

static void prune(struct sync_job *sync, const struct sync_plan *plan)
{
	if (!sync->options->prune || plan->gone->len == 0)
		return;
	sync->report->prune_refused = !sync->options->force && !sync_plan_may_prune(plan);
	if (sync->report->prune_refused || sync->options->dry_run)
		return;
	for (guint i = 0; i < plan->gone->len; i++) {
		const char *name = plan->gone->pdata[i];
		g_autofree char *file = sync_file_name(name);
		if (unlinkat(sync->folder, file, 0) < 0 && errno != ENOENT) {
			g_autofree char *message = g_strdup_printf("cannot be removed: %s",
								   g_strerror(errno));
			add_error(sync, name, message);
			continue;
		}
		json_array_append_new(sync->report->pruned, json_string(name));
		g_hash_table_remove(sync->state->tables, name);
		sync->changed = true;
	}
}

/* Manifest, plan and downloads. */
static enum sync_outcome run_round(struct sync_job *sync, GError **error)
{
	g_autoptr(sync_manifest) manifest = sync_offer_fetch(sync->api, sync->workspace,
							     !sync->options->dry_run, error);
	if (!manifest)
		return SYNC_NO_MANIFEST;
	const struct sync_question question = {
		.manifest = manifest,
		.state = sync->state,
		.tokens = sync->tokens,
		.folder = sync->folder,
		.table = sync->options->nothing ? "" : sync->options->table};
	g_autoptr(sync_plan) plan = sync_plan_make(&question);
	settle(sync, plan);
	tell(sync, plan);
	if (!sync->options->dry_run && !download_all(sync, plan, error))
		return SYNC_FAILED;
	if (!sync->report->interrupted)
		prune(sync, plan);
	return SYNC_FINE;
}

/* --- the end --- */

static bool needs_views(const struct sync_job *sync)
{
	void *table;
	GHashTableIter iter;
	AUTO_FD folder = workspace_folder(sync->workspace, "user/duckdb", NULL);
	bool has_tables = g_hash_table_size(sync->state->tables) > 0;
	if (json_array_size(sync->report->pruned) > 0 ||
	    (has_tables && (folder < 0 || faccessat(folder, "analytics.duckdb", F_OK, 0) < 0)))
		return true;
	g_hash_table_iter_init(&iter, sync->state->tables);
	while (g_hash_table_iter_next(&iter, NULL, &table)) {
		if (!((struct synced_table *)table)->has_view)
			return true;
	}
	return has_tables && g_strcmp0(sync->state->root, workspace_root(sync->workspace)) != 0;
}

static void refresh_views(struct sync_job *sync)
{
	struct sync_report *report = sync->report;
	g_autoptr(json_t)
		answer = sync_refresh_views(sync->workspace, sync->lock, &report->views_error);
	report->broken = json_incref(json_object_get(answer, "broken"));
	report->hidden = json_incref(json_object_get(answer, "hidden"));
}

static void touch_metadata(const struct sync_job *sync)
{
	AUTO_FD folder = workspace_folder(sync->workspace, WORKSPACE_METADATA, NULL);
	g_autofree char *text = g_strdup_printf("{\n  \"synced_at\": \"%s\"\n}",
						sync->state->last_sync);
	g_autoptr(GError) error = NULL;
	if (folder >= 0 && !workspace_write(sync->workspace, WORKSPACE_METADATA "/last_sync.json",
					    text, strlen(text), false, &error))
		output_warn("Warning: %s\n", error->message);
}

/* Saves what was reached, also when the rest failed. */
static bool conclude(struct sync_job *sync, GError **error)
{
	g_autoptr(GError) shared = NULL;
	sync_state_stamp(sync->state);
	if (!sync_state_save(sync->state, sync->workspace, sync->changed, error))
		return false;
	touch_metadata(sync);
	if (!shared_state_update(sync->state, sync->report->pruned, &shared))
		output_warn("Warning: %s\n", shared->message);
	if (!sync->report->interrupted && needs_views(sync))
		refresh_views(sync);
	return true;
}

/* What was done stays; what there is to do is found anew. */
static void start_again(struct sync_job *sync)
{
	struct sync_report *report = sync->report;
	json_t *downloaded = json_incref(report->downloaded), *pruned = json_incref(report->pruned);
	sync_report_clear(report);
	report_start(report);
	json_decref(report->downloaded);
	json_decref(report->pruned);
	report->downloaded = downloaded;
	report->pruned = pruned;
	sync->stale = false;
}

/* Signals end the process until here, so that a workspace that is waited for can be given up. */
static enum sync_outcome run_prepared(struct sync_job *sync, GError **error)
{
	enum sync_outcome outcome;
	interrupt_begin(&sync->interrupt);
	for (int round = 0;; round++) {
		outcome = run_round(sync, error);
		if (outcome != SYNC_FINE || !sync->stale || sync->report->interrupted ||
		    round == ROUNDS - 1)
			break;
		start_again(sync);
	}
	g_autoptr(GError) failure = NULL;
	if (sync->options->dry_run || outcome == SYNC_NO_MANIFEST || conclude(sync, &failure))
		return outcome;
	if (outcome == SYNC_FINE)
		g_propagate_error(error, g_steal_pointer(&failure));
	return SYNC_FAILED;
}

enum sync_outcome sync_run(const struct workspace *workspace, struct api *api,
			   const struct sync_options *options, struct sync_report *report,
			   GError **error)
{
	g_auto(sync_job) sync = {.workspace = workspace,
				 .api = api,
				 .options = options,
				 .report = report,
				 .folder = -1,
				 .lock = -1};
	report_start(report);
	if (!prepare(&sync, error))
		return SYNC_FAILED;
	sync.tokens = shared_state_tokens();
	return run_prepared(&sync, error);
}
