/* da admin discover-and-register: registers every table of a Keboola project. */
#include "base/error.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/output.h"
#include "cli/settings.h"

#include <string.h>

enum { HTTP_OK = 200, HTTP_ACCEPTED = 202, HTTP_CONFLICT = 409 };

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static const char *bucket_of(const json_t *table)
{
	const json_t *bucket = json_object_get(table, "bucket");
	return json_is_object(bucket) ? text_of(bucket, "id") : text_of(table, "bucket");
}

/* The project's tables as its own API lists them. The token goes there and nowhere else. */
static json_t *ask_source(const char *url, const char *token, GError **error)
{
	g_autofree char *base = settings_check_server(url, error);
	if (!base || strpbrk(token, "\r\n")) {
		if (base)
			g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
					    "the token has more than one line");
		return NULL;
	}
	g_autoptr(http_client) client = http_client_new("da/" AGNES_VERSION, error);
	g_autofree char *address = g_strconcat(base, "/v2/storage/tables?include=buckets", NULL);
	g_autofree char *header = g_strconcat("X-StorageApi-Token: ", token, NULL);
	const struct http_call call = {.url = address,
				       .headers = (const char *const[]){header, NULL},
				       .idle_seconds = API_SECONDS,
				       .longest_body = API_LONGEST};
	g_autoptr(http_reply) reply = client ? http_client_call(client, &call, error) : NULL;
	if (!reply)
		return NULL;
	gsize size;
	const char *body = g_bytes_get_data(reply->body, &size);
	g_autoptr(json_t) tables = body ? json_loadb(body, size, 0, NULL) : NULL;
	if (reply->status == HTTP_OK && json_is_array(tables))
		return g_steal_pointer(&tables);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED, "%s does not list its tables: HTTP %d",
		    base, reply->status);
	return NULL;
}

/* --- showing --- */

static void print_json(const json_t *tables)
{
	size_t i;
	json_t *table;
	g_autoptr(json_t) list = json_array();
	json_array_foreach(tables, i, table)
	{
		json_t *rows = json_object_get(table, "rowsCount");
		json_array_append_new(list, json_pack("{ss ss ss sO?}", "id", text_of(table, "id"),
						      "name", text_of(table, "name"), "bucket",
						      bucket_of(table), "rows", rows));
	}
	output_json(list);
}

static void print_text(const json_t *tables)
{
	size_t i;
	json_t *table;
	json_array_foreach(tables, i, table)
	{
		json_int_t count = json_integer_value(json_object_get(table, "rowsCount"));
		g_autofree char *rows = output_thousands(count);
		g_autoptr(GString) line = g_string_new("  [DRY RUN] ");
		grid_pad(line, text_of(table, "name"), 30, GRID_LEFT);
		g_string_append(line, " bucket=");
		grid_pad(line, bucket_of(table), 20, GRID_LEFT);
		output_print("%s rows=%10s\n", line->str, rows);
	}
}

/* --- registering --- */

struct counts {
	int registered, existing, errors;
};

static bool register_one(struct invocation *invocation, const json_t *table, struct counts *counts,
			 GError **error)
{
	const char *name = text_of(table, "name");
	g_autoptr(json_t) body = json_pack("{ss ss ss ss ss ss}", "name", name, "source_type",
					   invocation_text(invocation, "source-type"), "bucket",
					   bucket_of(table), "source_table", name, "query_mode",
					   "local", "description", text_of(table, "description"));
	struct api *api = invocation_api(invocation, error);
	const struct api_call call = {.path = "/api/admin/register-table", .body = body};
	g_autoptr(api_reply) reply = api ? api_send(api, &call, error) : NULL;
	if (!reply)
		return false;
	if (reply->status >= HTTP_OK && reply->status <= HTTP_ACCEPTED) {
		counts->registered++;
		output_print("  ✓ %s%s\n", name,
			     reply->status == HTTP_ACCEPTED ? " (materializing in background)"
							    : "");
	} else if (reply->status == HTTP_CONFLICT) {
		counts->existing++;
	} else {
		g_autofree char *detail = api_detail(reply);
		counts->errors++;
		output_print("  ✗ %s: %s\n", name, detail);
	}
	return true;
}

static int register_all(struct invocation *invocation, const json_t *tables)
{
	size_t i;
	json_t *table;
	struct counts counts = {0};
	json_array_foreach(tables, i, table)
	{
		g_autoptr(GError) error = NULL;
		if (!register_one(invocation, table, &counts, &error))
			return command_fail(error);
	}
	output_print("\nDone: %d registered, %d already existed, %d errors\n", counts.registered,
		     counts.existing, counts.errors);
	return EXIT_CODE_OK;
}

static int run(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	const char *url = invocation_text(invocation, "url");
	const char *token = invocation_text(invocation, "token");
	if (strcmp(invocation_text(invocation, "source-type"), "keboola") != 0) {
		output_warn("Error: only keboola projects can be listed from here\n");
		return EXIT_CODE_FAILED;
	}
	if (!url || !token) {
		output_warn("Error: name the project with --url and --token, or with "
			    "KEBOOLA_STACK_URL and KEBOOLA_STORAGE_TOKEN\n");
		return EXIT_CODE_FAILED;
	}
	output_warn("Discovering tables from %s...\n", url);
	g_autoptr(json_t) tables = ask_source(url, token, &error);
	if (!tables)
		return command_fail(error);
	output_warn("Found %zu tables\n", json_array_size(tables));
	if (!invocation_flag(invocation, "dry-run"))
		return register_all(invocation, tables);
	if (invocation_flag(invocation, "json"))
		print_json(tables);
	else
		print_text(tables);
	return EXIT_CODE_OK;
}

static const struct option options[] = {
	{"source-type", 0, OPTION_TEXT, "TYPE", "keboola", .fallback = "keboola"},
	{"url", 0, OPTION_TEXT, "URL", "Of the project's stack", .variable = "KEBOOLA_STACK_URL"},
	{"token", 0, OPTION_TEXT, "TOKEN", "A storage token of the project",
	 .variable = "KEBOOLA_STORAGE_TOKEN"},
	{"dry-run", .meaning = "List the tables and register none"},
	{"json", .meaning = "With --dry-run: print JSON"},
	{0},
};

const struct command command_admin_discover_and_register = {
	"admin discover-and-register",
	"Register every table of a Keboola project",
	.details = "Lists the tables by the project's own API and registers them one by one. Exits "
		   "with 0 even if some could not be registered; the last line counts them.",
	.options = options,
	.run = run,
};
