/* The part of da fetch that da-engine does. */
#include "base/error.h"
#include "cli/engine/jobs.h"
#include "cli/engine/scan.h"
#include "cli/output.h"
#include "cli/workspace/snapshots.h"

#include <string.h>

struct fetch {
	struct invocation *invocation;
	struct workspace *workspace;
	const char *table, *name;
	json_t *request;
	json_int_t estimated; /* bytes that are scanned */
};

/* "a, b,,c" as a list; NULL for none. */
static json_t *split(const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text ? text : "", ",", -1);
	json_t *list = json_array();
	for (char **at = parts; *at; at++) {
		if (*g_strstrip(*at))
			json_array_append_new(list, json_string(*at));
	}
	if (json_array_size(list) > 0)
		return list;
	json_decref(list);
	return NULL;
}

static void set_new(json_t *object, const char *name, json_t *value)
{
	if (value)
		json_object_set_new(object, name, value);
}

static json_t *request_of(const struct invocation *invocation, const char *table)
{
	json_t *request = json_pack("{ss}", "table_id", table);
	const char *where = invocation_text(invocation, "where");
	set_new(request, "select", split(invocation_text(invocation, "select")));
	if (where && *where)
		set_new(request, "where", json_string(where));
	if (invocation_given(invocation, "limit"))
		set_new(request, "limit", json_integer(invocation_integer(invocation, "limit")));
	set_new(request, "order_by", split(invocation_text(invocation, "order-by")));
	return request;
}

/* --- the estimate --- */

static void print_count(const json_t *estimate, const char *member, const char *unit)
{
	const json_t *value = json_object_get(estimate, member);
	g_autofree char *count = output_thousands(json_is_integer(value) ? json_integer_value(value)
									 : 0);
	g_autofree char *label = g_strconcat(member, ":", NULL);
	output_print("  %-23s %15s%s\n", label, count, unit);
}

static int run_estimate(struct fetch *fetch)
{
	g_autoptr(api_reply) reply = NULL;
	const struct api_call call = {.path = "/api/v2/scan/estimate",
				      .body = fetch->request,
				      .seconds = API_SECONDS_ESTIMATE,
				      .failure = "estimate failed",
				      .codes = API_CODES_FETCH};
	int code = api_ask(fetch->invocation, &call, &reply);
	if (code)
		return code;
	fetch->estimated = json_integer_value(json_object_get(reply->json, "estimated_scan_bytes"));
	output_print("Estimate for %s:\n", fetch->table);
	print_count(reply->json, "estimated_scan_bytes", " bytes");
	print_count(reply->json, "estimated_result_rows", "");
	print_count(reply->json, "estimated_result_bytes", " bytes");
	output_print("  bq_cost_estimate_usd:   $ %.4f\n",
		     json_number_value(json_object_get(reply->json, "bq_cost_estimate_usd")));
	return EXIT_CODE_OK;
}

/* --- the snapshot --- */

static int refuse_existing(const struct fetch *fetch)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) sidecar = snapshot_read(fetch->workspace, fetch->name, &error);
	if (!sidecar && error->code == AGNES_ERROR_NOT_FOUND)
		return EXIT_CODE_OK;
	if (!sidecar) {
		command_fail(error);
		return EXIT_CODE_EXISTS;
	}
	g_autofree char *rows = output_thousands(
		json_integer_value(json_object_get(sidecar, "rows")));
	output_warn("Error: snapshot '%s' already exists (fetched %s, %s rows). Replace it with "
		    "--force, or refresh it: da snapshot refresh %s\n",
		    fetch->name, json_string_value(json_object_get(sidecar, "fetched_at")), rows,
		    fetch->name);
	return EXIT_CODE_EXISTS;
}

/* A member of the request, null if it has none. */
static json_t *part(const struct fetch *fetch, const char *name)
{
	json_t *value = json_object_get(fetch->request, name);
	return value ? json_incref(value) : json_null();
}

static json_t *sidecar_of(const struct fetch *fetch)
{
	return json_pack("{ss ss so so so so ss ss sI sI sI ss}", "name", fetch->name, "table_id",
			 fetch->table, "select", part(fetch, "select"), "where",
			 part(fetch, "where"), "limit", part(fetch, "limit"), "order_by",
			 part(fetch, "order_by"), "fetched_at", "", "effective_as_of", "", "rows",
			 (json_int_t)0, "bytes_local", (json_int_t)0,
			 "estimated_scan_bytes_at_fetch", fetch->estimated, "result_hash_md5", "");
}

static int run_scan(const struct fetch *fetch)
{
	bool force = invocation_flag(fetch->invocation, "force");
	int code = force ? EXIT_CODE_OK : refuse_existing(fetch);
	if (!code)
		code = scan_check_name(fetch->workspace, fetch->name);
	if (code)
		return code;
	g_autoptr(json_t) sidecar = sidecar_of(fetch);
	const struct scan scan = {.invocation = fetch->invocation,
				  .workspace = fetch->workspace,
				  .request = fetch->request,
				  .sidecar = sidecar,
				  .failure = "fetch failed",
				  .codes = API_CODES_FETCH,
				  .replaces = force};
	code = scan_run(&scan);
	if (code)
		return code;
	g_autofree char *rows = output_thousands(
		json_integer_value(json_object_get(sidecar, "rows")));
	output_print("Fetched %s rows -> %s\n", rows, fetch->name);
	return EXIT_CODE_OK;
}

int engine_fetch(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	const char *as = invocation_text(invocation, "as");
	const char *table = invocation_text(invocation, "TABLE_ID");
	struct fetch fetch = {
		.invocation = invocation, .table = table, .name = as && *as ? as : table};
	if (!snapshot_name_is_valid(fetch.name))
		return command_misuse(invocation,
				      "'%s' is not a safe identifier; name the snapshot with --as.",
				      fetch.name);
	g_autoptr(workspace) workspace = workspace_open(NULL, &error);
	if (!workspace)
		return command_fail(error);
	g_autoptr(json_t) request = request_of(invocation, table);
	fetch.workspace = workspace;
	fetch.request = request;
	if (!invocation_flag(invocation, "no-estimate")) {
		int code = run_estimate(&fetch);
		if (code)
			return code;
	}
	return invocation_flag(invocation, "estimate") ? EXIT_CODE_OK : run_scan(&fetch);
}
