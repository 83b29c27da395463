/* The parts of da snapshot that da-engine does: refresh, drop and prune. */
#include "base/error.h"
#include "cli/engine/jobs.h"
#include "cli/engine/scan.h"
#include "cli/engine/views.h"
#include "cli/output.h"
#include "cli/workspace/snapshots.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static const char *text_of(const json_t *sidecar, const char *member)
{
	const char *text = json_string_value(json_object_get(sidecar, member));
	return text ? text : "";
}

static int64_t number_of(const json_t *sidecar, const char *member)
{
	return json_integer_value(json_object_get(sidecar, member));
}

/* The sidecar of the snapshot that was named; NULL after a message, with the exit code. */
static json_t *find(struct invocation *invocation, const struct workspace *workspace, int *code)
{
	g_autoptr(GError) error = NULL;
	const char *name = invocation_text(invocation, "NAME");
	json_t *sidecar = snapshot_name_is_valid(name) ? snapshot_read(workspace, name, &error)
						       : NULL;
	if (sidecar)
		return sidecar;
	*code = EXIT_CODE_USAGE;
	if (error && error->code != AGNES_ERROR_NOT_FOUND)
		*code = command_fail(error);
	else
		output_warn("Error: snapshot '%s' not found\n", name);
	return NULL;
}

/* --- refresh --- */

static json_t *copy_member(const json_t *sidecar, const char *name)
{
	return json_incref(json_object_get(sidecar, name));
}

static void print_count(const char *label, int64_t before, int64_t after)
{
	g_autofree char *old = output_thousands(before);
	g_autofree char *new = output_thousands(after);
	g_autofree char *difference = output_thousands(after - before);
	output_print("  %-16s%10s  ->  %10s  (%s%s)\n", label, old, new, after >= before ? "+" : "",
		     difference);
}

static void print_refreshed(const json_t *before, const json_t *after)
{
	g_autofree char *old_size = output_size(number_of(before, "bytes_local"));
	g_autofree char *new_size = output_size(number_of(after, "bytes_local"));
	output_print("Refreshed %s\n", text_of(after, "name"));
	print_count("rows:", number_of(before, "rows"), number_of(after, "rows"));
	output_print("  bytes_local:    %s  ->  %s\n", old_size, new_size);
	output_print("  effective_as_of:%s  ->  %s\n", text_of(before, "effective_as_of"),
		     text_of(after, "effective_as_of"));
	output_print("  identical:      %s\n", strcmp(text_of(before, "result_hash_md5"),
						      text_of(after, "result_hash_md5")) == 0
						       ? "yes"
						       : "no");
}

int engine_snapshot_refresh(struct invocation *invocation)
{
	int code;
	g_autoptr(GError) error = NULL;
	const char *where = invocation_text(invocation, "where");
	g_autoptr(workspace) workspace = workspace_open(NULL, &error);
	if (!workspace)
		return command_fail(error);
	g_autoptr(json_t) before = find(invocation, workspace, &code);
	if (!before)
		return code;
	g_autoptr(json_t) sidecar = json_deep_copy(before);
	if (where && *where)
		json_object_set_new(sidecar, "where", json_string(where));
	g_autoptr(json_t) request = json_pack(
		"{so so so so so}", "table_id", copy_member(sidecar, "table_id"), "select",
		copy_member(sidecar, "select"), "where", copy_member(sidecar, "where"), "limit",
		copy_member(sidecar, "limit"), "order_by", copy_member(sidecar, "order_by"));
	const struct scan scan = {.invocation = invocation,
				  .workspace = workspace,
				  .request = request,
				  .sidecar = sidecar,
				  .failure = "refresh failed",
				  .codes = API_CODES_V2,
				  .replaces = true};
	code = scan_run(&scan);
	if (!code)
		print_refreshed(before, sidecar);
	return code;
}

/* --- drop --- */

static bool has_database(const struct workspace *workspace)
{
	g_autofree char *path = workspace_path(workspace, WORKSPACE_DATABASE);
	return access(path, F_OK) == 0;
}

/* The view goes first: one over a file that is gone would only puzzle. */
static bool drop(const struct workspace *workspace, const char *name, GError **error)
{
	AUTO_FD lock = snapshots_lock(workspace, error);
	if (lock < 0)
		return false;
	if (has_database(workspace)) {
		g_autoptr(duck_database) database = views_open(workspace, error);
		g_autoptr(duck_connection) connection = database ? duck_connect(database, error)
								 : NULL;
		if (!connection || !views_drop_snapshot(connection, name, error))
			return false;
	}
	return snapshot_remove(workspace, name, error);
}

int engine_snapshot_drop(struct invocation *invocation)
{
	int code;
	g_autoptr(GError) error = NULL;
	const char *name = invocation_text(invocation, "NAME");
	g_autoptr(workspace) workspace = workspace_open(NULL, &error);
	if (!workspace)
		return command_fail(error);
	g_autoptr(json_t) sidecar = find(invocation, workspace, &code);
	/* A sidecar that makes no sense is dropped as well. */
	if (!sidecar && code == EXIT_CODE_USAGE)
		return code;
	if (!drop(workspace, name, &error))
		return command_fail(error);
	output_print("Dropped %s\n", name);
	return EXIT_CODE_OK;
}

/* --- prune --- */

struct limits {
	bool by_age, by_size;
	gint64 age; /* seconds */
	double size;
};

/* A whole number and the letter of its unit. */
static bool parse_age(const char *text, gint64 *seconds)
{
	static const struct {
		char letter;
		int seconds;
	} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}};
	size_t digits = strspn(text, "0123456789");
	g_autofree char *number = g_strndup(text, digits);
	gint64 count;
	if (strlen(text) != digits + 1 ||
	    !g_ascii_string_to_signed(number, 10, 0, G_MAXINT32, &count, NULL))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
		if (units[i].letter == text[digits]) {
			*seconds = count * units[i].seconds;
			return true;
		}
	}
	return false;
}

static bool parse_size(const char *text, double *bytes)
{
	static const char units[] = "kmgt";
	char *end;
	double count = g_ascii_strtod(text, &end);
	if (end == text || !isfinite(count) || count < 0)
		return false;
	const char *unit = *end ? strchr(units, g_ascii_tolower(*end)) : NULL;
	if (*end && (!unit || end[1]))
		return false;
	for (const char *at = units; unit && at <= unit; at++)
		count *= 1024;
	*bytes = count;
	return true;
}

static bool fits(const json_t *sidecar, const struct limits *limits)
{
	gint64 time;
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	if (limits->by_age && (!snapshot_time(sidecar, &time) || now - time < limits->age))
		return false;
	return !limits->by_size || (double)number_of(sidecar, "bytes_local") >= limits->size;
}

static bool parse_limits(const struct invocation *invocation, struct limits *limits)
{
	const char *age = invocation_text(invocation, "older-than");
	const char *size = invocation_text(invocation, "larger-than");
	limits->by_age = age != NULL;
	limits->by_size = size != NULL;
	return (!age || parse_age(age, &limits->age)) && (!size || parse_size(size, &limits->size));
}

/* Prints what is done with it. */
static bool prune_one(const struct workspace *workspace, const json_t *sidecar, bool dry_run,
		      GError **error)
{
	const char *name = text_of(sidecar, "name");
	g_autofree char *size = output_size(number_of(sidecar, "bytes_local"));
	if (dry_run) {
		output_print("would drop: %s  (%s, %s)\n", name, size,
			     text_of(sidecar, "fetched_at"));
		return true;
	}
	if (!drop(workspace, name, error))
		return false;
	output_print("dropped: %s\n", name);
	return true;
}

int engine_snapshot_prune(struct invocation *invocation)
{
	struct limits limits = {0};
	g_autoptr(GError) error = NULL;
	bool any = false;
	if (!parse_limits(invocation, &limits))
		return command_misuse(invocation,
				      "An age is like 7d, 12h or 30m; a size like 500m, "
				      "1.5g or 1000000.");
	g_autoptr(workspace) workspace = workspace_open(NULL, &error);
	if (!workspace)
		return command_fail(error);
	g_autoptr(GPtrArray) list = snapshots_list(workspace);
	for (guint i = 0; i < list->len; i++) {
		if (!fits(list->pdata[i], &limits))
			continue;
		any = true;
		if (!prune_one(workspace, list->pdata[i], invocation_flag(invocation, "dry-run"),
			       &error))
			return command_fail(error);
	}
	if (!any)
		output_print("(no matches)\n");
	return EXIT_CODE_OK;
}
