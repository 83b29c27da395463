/* da sync: brings the workspace's tables up to date, or sends what the server is to keep. */
#include "base/error.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/metadata.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/sync/download.h"
#include "cli/sync/rules.h"
#include "cli/sync/run.h"
#include "cli/sync/upload.h"

#include <stdio.h>

enum { SHOWN_NAMES = 5 };

/* clang-format off */
static const struct option options[] = {
	{"table", .type = OPTION_TEXT, .metavar = "ID", .meaning = "Sync only this table"},
	{"upload-only", .meaning = "Send sessions and CLAUDE.local.md instead"},
	{"docs-only", .meaning = "Only metadata and corporate memory, no tables"},
	{"dry-run", .meaning = "Say what would be done, and change nothing"},
	{"prune", .meaning = "Remove tables that the server does not list any more"},
	{"force", .meaning = "Prune even if the server suddenly lists nothing, or less than half"},
	{"parallel", .type = OPTION_INTEGER, .metavar = "N", .fallback = "8", .least = 1,
	 .meaning = "How many tables to download at once"},
	{"quiet", .meaning = "Print nothing but a line on standard error, if something happened"},
	OPTION_JSON,
	{0},
};
/* clang-format on */

/* --- sizes as this command shows them --- */

static char *format_size(int64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;
	if (bytes < 1024)
		return g_strdup_printf("%d B", (int)bytes);
	for (value /= 1024; value >= 1024 && unit < G_N_ELEMENTS(units) - 1; unit++)
		value /= 1024;
	return g_strdup_printf("%.1f %s", value, units[unit]);
}

/* --- upload --- */

static int print_uploads(const struct workspace *workspace, bool as_json)
{
	size_t i;
	const json_t *path;
	g_autoptr(json_t) list = upload_list(workspace);
	const json_t *sessions = json_object_get(list, "sessions");
	const char *notes = json_string_value(json_object_get(list, "local_md"));
	if (as_json) {
		g_autoptr(json_t) answer = json_pack(
			"{sb sO s{sI sb}}", "dry_run", 1, "would_upload", list, "summary",
			"sessions_count", (json_int_t)json_array_size(sessions), "local_md_present",
			notes != NULL);
		output_json(answer);
		return EXIT_CODE_OK;
	}
	output_print("Dry run — would upload %zu session file(s)\n", json_array_size(sessions));
	json_array_foreach(sessions, i, path) output_print("  %s\n", json_string_value(path));
	if (notes)
		output_print("Would upload CLAUDE.local.md  (%s)\n", notes);
	else
		output_print("No CLAUDE.local.md to upload\n");
	return EXIT_CODE_OK;
}

static int run_upload(struct invocation *invocation, const struct workspace *workspace)
{
	g_autoptr(GError) error = NULL;
	struct upload_report report;
	if (invocation_flag(invocation, "dry-run"))
		return print_uploads(workspace, invocation_flag(invocation, "json"));
	struct api *api = invocation_api(invocation, &error);
	if (!api)
		return command_fail(error);
	upload_all(workspace, api, &report);
	if (invocation_flag(invocation, "json")) {
		g_autoptr(json_t)
			answer = json_pack("{sI sb}", "sessions", (json_int_t)report.sessions,
					   "local_md", report.notes);
		output_json(answer);
	} else if (!invocation_flag(invocation, "quiet")) {
		output_print("Uploaded %zu sessions\n", report.sessions);
		if (report.notes)
			output_print("Uploaded CLAUDE.local.md\n");
	}
	return EXIT_CODE_OK;
}

/* --- what was done, on standard error --- */

/* "a, b, c, d, e (+3 more)". */
static char *first_names(const json_t *names)
{
	size_t count = json_array_size(names);
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < MIN(count, (size_t)SHOWN_NAMES); i++)
		g_string_append_printf(text, "%s%s", i ? ", " : "",
				       json_string_value(json_array_get(names, i)));
	if (count > SHOWN_NAMES)
		g_string_append_printf(text, " (+%zu more)", count - SHOWN_NAMES);
	return g_string_free(text, FALSE);
}

static void warn_skipped(const struct sync_report *report)
{
	size_t remote = json_array_size(report->remote), absent = json_array_size(report->absent);
	g_autofree char *remote_names = first_names(report->remote);
	g_autofree char *absent_names = first_names(report->absent);
	if (remote > 0)
		output_warn("Skipping %zu remote-mode tables: %s\n", remote, remote_names);
	if (absent > 0)
		output_warn("The server has no data of %zu tables yet: %s\n", absent, absent_names);
}

static void warn_names(const json_t *names, const char *before)
{
	size_t i;
	const json_t *name;
	json_array_foreach(names, i, name) output_warn("%s%s\n", before, json_string_value(name));
}

static void warn_gone(const struct sync_report *report)
{
	size_t gone = json_array_size(report->gone), pruned = json_array_size(report->pruned);
	if (report->prune_refused)
		output_warn(
			"Not pruned: the server lists %zu tables, and %zu that are here are not "
			"among them. If that is right: da sync --prune --force\n",
			report->total, gone);
	else if (pruned > 0)
		output_warn("Removed %zu tables that the server does not list any more:\n", pruned);
	else if (gone > 0)
		output_warn("%zu tables are here that the server does not list any more (remove "
			    "them with --prune):\n",
			    gone);
	warn_names(pruned > 0 ? report->pruned : report->gone, "  - ");
}

static void warn_views(const struct sync_report *report)
{
	size_t broken = json_array_size(report->broken);
	if (broken > 0)
		output_warn("Warning: skipped %zu broken parquet file(s) during view rebuild:\n",
			    broken);
	warn_names(report->broken, "  - ");
	if (json_array_size(report->hidden) > 0)
		output_warn("Warning: tables or views of your own, or tables whose names differ in "
			    "case only, have the names of these tables, which stay hidden:\n");
	warn_names(report->hidden, "  - ");
	if (report->views_error)
		output_warn("Warning: %s; the next sync tries again\n",
			    report->views_error->message);
}

/* --- and on standard output --- */

static void print_errors(const json_t *errors)
{
	size_t i;
	const json_t *entry;
	if (json_array_size(errors) > 0)
		output_print("Errors: %zu\n", json_array_size(errors));
	json_array_foreach(errors, i, entry)
		output_print("  %s: %s\n", json_string_value(json_object_get(entry, "table")),
			     json_string_value(json_object_get(entry, "error")));
}

static void print_done(const struct sync_report *report)
{
	output_print("Downloaded: %zu tables\n", json_array_size(report->downloaded));
	output_print("Skipped (unchanged): %zu\n", report->current);
	if (json_array_size(report->remote) > 0)
		output_print("Skipped (remote-mode): %zu\n", json_array_size(report->remote));
	print_errors(report->errors);
}

static void print_done_json(const struct sync_report *report)
{
	g_autoptr(json_t)
		answer = json_pack("{sO s[] sO sO}", "downloaded", report->downloaded, "skipped",
				   "skipped_remote", report->remote, "errors", report->errors);
	output_json(answer);
}

static void print_planned(const struct sync_report *report)
{
	size_t i;
	const json_t *entry;
	size_t count = json_array_size(report->wanted);
	g_autofree char *size = format_size(report->bytes);
	output_print("Dry run — would download %zu tables (%s)\n", count, size);
	output_print("Skipped (unchanged): %zu\n", report->total - count);
	json_array_foreach(report->wanted, i, entry)
	{
		g_autofree char *bytes = format_size(
			json_integer_value(json_object_get(entry, "size_bytes")));
		output_print("  %s  rows=%" JSON_INTEGER_FORMAT "  size=%s\n",
			     json_string_value(json_object_get(entry, "table")),
			     json_integer_value(json_object_get(entry, "rows")), bytes);
	}
	print_errors(report->errors);
}

static void print_planned_json(const struct sync_report *report)
{
	size_t count = json_array_size(report->wanted);
	g_autoptr(json_t) answer = json_pack(
		"{sb sO s{sI sI sI sI}}", "dry_run", 1, "would_download", report->wanted, "summary",
		"tables_total", (json_int_t)report->total, "tables_to_download", (json_int_t)count,
		"tables_skipped_unchanged", (json_int_t)(report->total - count), "bytes_total",
		(json_int_t)report->bytes);
	output_json(answer);
}

/* With --quiet the list has another form. */
static void print_planned_names(const struct sync_report *report)
{
	size_t i;
	const json_t *entry;
	g_autoptr(json_t) names = json_array();
	json_array_foreach(report->wanted, i, entry)
		json_array_append(names, json_object_get(entry, "table"));
	g_autoptr(json_t) answer = json_pack("{sb sO sO}", "dry_run", 1, "would_download", names,
					     "skipped_remote", report->remote);
	output_json(answer);
}

static void tell_planned(const struct sync_report *report, bool quiet, bool as_json)
{
	if (quiet && as_json)
		print_planned_names(report);
	else if (quiet)
		output_warn("sync (dry-run): would download %zu tables, skip %zu remote-mode\n",
			    json_array_size(report->wanted), json_array_size(report->remote));
	else if (as_json)
		print_planned_json(report);
	else
		print_planned(report);
}

static void tell_done(const struct sync_report *report, bool quiet, bool as_json)
{
	size_t tables = json_array_size(report->downloaded),
	       errors = json_array_size(report->errors);
	if (as_json)
		print_done_json(report);
	else if (!quiet)
		print_done(report);
	else if (tables > 0 || errors > 0)
		output_warn("sync: %zu tables, %zu errors\n", tables, errors);
}

static void tell(const struct invocation *invocation, const struct sync_report *report)
{
	bool quiet = invocation_flag(invocation, "quiet");
	bool as_json = invocation_flag(invocation, "json");
	if (!quiet && !as_json)
		warn_skipped(report);
	if (!quiet || report->prune_refused)
		warn_gone(report);
	if (report->table_unknown)
		output_warn("Warning: the server does not list a table '%s'\n",
			    invocation_text(invocation, "table"));
	if (!quiet || report->views_error)
		warn_views(report);
	if (invocation_flag(invocation, "dry-run"))
		tell_planned(report, quiet, as_json);
	else
		tell_done(report, quiet, as_json);
}

static int exit_code(const struct sync_report *report)
{
	if (report->interrupted) {
		output_warn("Interrupted; `da sync` goes on where this ended.\n");
		return EXIT_CODE_INTERRUPTED;
	}
	bool failed = json_array_size(report->errors) > 0 || report->views_error ||
		      report->prune_refused;
	return failed ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

static int run_sync(struct invocation *invocation, const struct workspace *workspace)
{
	g_auto(sync_report) report = {0};
	g_autoptr(GError) error = NULL;
	bool quiet = invocation_flag(invocation, "quiet");
	const struct sync_options sync = {
		.table = invocation_text(invocation, "table"),
		.nothing = invocation_flag(invocation, "docs-only"),
		.dry_run = invocation_flag(invocation, "dry-run"),
		.prune = invocation_flag(invocation, "prune"),
		.force = invocation_flag(invocation, "force"),
		.shows_progress = !quiet && output_shows_progress(),
		.waits_aloud = !quiet,
		.parallel = (int)MIN(invocation_integer(invocation, "parallel"),
				     DOWNLOADS_MOST_PARALLEL),
	};
	struct api *api = invocation_api(invocation, &error);
	if (!api)
		return command_fail(error);
	enum sync_outcome outcome = sync_run(workspace, api, &sync, &report, &error);
	if (outcome == SYNC_NO_MANIFEST) {
		output_warn("%s: %s\n",
			    quiet ? "sync: manifest fetch failed" : "Failed to fetch manifest",
			    error->message);
		return EXIT_CODE_FAILED;
	}
	if (outcome == SYNC_FINE && !quiet && !report.interrupted && report.total == 0)
		output_warn("The server lists no tables that you may read; an administrator grants "
			    "them.\n");
	if (outcome == SYNC_FINE && !sync.dry_run && !report.interrupted) {
		if (sync.nothing)
			metadata_refresh(workspace, api);
		sync_rules(workspace, api);
	}
	tell(invocation, &report);
	return outcome == SYNC_FINE ? exit_code(&report) : command_fail(error);
}

static int run(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(workspace) workspace = workspace_open(NULL, &error);
	if (!workspace)
		return command_fail(error);
	return invocation_flag(invocation, "upload-only") ? run_upload(invocation, workspace)
							  : run_sync(invocation, workspace);
}

const struct command command_sync = {
	"sync",
	"Bring the tables of this workspace up to date",
	.details =
		"Downloads what has changed on the server, several tables at once. A file takes "
		"the place of the last good one only when its MD5 is right; what was broken off "
		"is completed by the next sync. The views in user/duckdb/analytics.duckdb follow; "
		"snapshots, tables and views of your own stay.\n\n"
		"The exit status is 1 when a table failed.",
	.examples = "da sync\nda sync --table orders\nda sync --dry-run --json\nda sync --prune",
	.options = options,
	.run = run,
};
