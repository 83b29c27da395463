/* da diagnose: whether the server is well, as a list of checks with what to do. */
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/health.h"
#include "cli/output.h"

#include <string.h>

/* What is found: checks, and what to do about them. */
struct findings {
	json_t *checks, *actions;
};

static void check_reachable(struct findings *findings, struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	gint64 start = g_get_monotonic_time();
	g_autoptr(api_reply) reply = health_ask(invocation, &error);
	gint64 microseconds = g_get_monotonic_time() - start;
	if (reply) {
		/* With one decimal: what a clock says beyond is noise. */
		gint64 tenths = microseconds / 100;
		json_array_append_new(findings->checks,
				      json_pack("{ss ss sf}", "name", "api", "status", "ok",
						"latency_ms", (double)tenths / 10));
		return;
	}
	json_array_append_new(findings->checks, json_pack("{ss ss ss}", "name", "api", "status",
							  "error", "detail", error->message));
	json_array_append_new(findings->actions,
			      json_string("Check that the server runs, and its address: "
					  "da auth whoami"));
}

static void add_stale_tables(struct findings *findings, const json_t *names)
{
	size_t i;
	json_t *name;
	json_array_foreach(names, i, name)
	{
		g_autofree char *text = grid_text(name);
		g_autofree char *action = g_strdup_printf("Table '%s' is stale: look at its source "
							  "and the last sync run",
							  text);
		json_array_append_new(findings->actions, json_string(action));
	}
}

/* Only administrators are told which, and why. */
static void add_failing_tables(struct findings *findings, const json_t *tables)
{
	size_t i;
	json_t *table;
	json_array_foreach(tables, i, table)
	{
		g_autofree char *name = grid_text(json_object_get(table, "table"));
		g_autofree char *error = grid_text(json_object_get(table, "error"));
		g_autofree char *action = g_strdup_printf("Table '%s' fails: %s", name, error);
		json_array_append_new(findings->actions, json_string(action));
	}
}

static void check_services(struct findings *findings, struct invocation *invocation)
{
	const char *name;
	json_t *service;
	g_autoptr(api_reply) reply = health_ask_detailed(invocation);
	json_object_foreach(reply ? json_object_get(reply->json, "services") : NULL, name, service)
	{
		json_t *check = json_pack("{ss ss}", "name", name, "status", "unknown");
		json_object_update(check, service);
		json_array_append_new(findings->checks, check);
		add_stale_tables(findings, json_object_get(service, "stale_tables"));
		add_failing_tables(findings, json_object_get(service, "failing_tables"));
	}
}

static bool has_status(const json_t *checks, const char *status)
{
	size_t i;
	json_t *check;
	json_array_foreach(checks, i, check)
	{
		if (strcmp(health_text(check, "status", ""), status) == 0)
			return true;
	}
	return false;
}

static void print_check(const json_t *check)
{
	g_autoptr(GString) line = g_string_new("  [");
	g_autofree char *latency = grid_text(json_object_get(check, "latency_ms"));
	g_autofree char *tables = grid_text(json_object_get(check, "tables"));
	g_autofree char *detail = grid_text(json_object_get(check, "detail"));
	grid_pad(line, health_text(check, "status", "unknown"), 7, GRID_LEFT);
	g_string_append_printf(line, "] %s", health_text(check, "name", "?"));
	if (*latency)
		g_string_append_printf(line, " (%sms)", latency);
	else if (*tables)
		g_string_append_printf(line, " (%s tables)", tables);
	else if (*detail)
		g_string_append_printf(line, " — %s", detail);
	output_print("%s\n", line->str);
}

static void print_text(const char *overall, const struct findings *findings)
{
	size_t i;
	json_t *item;
	output_print("Overall: %s\n", overall);
	json_array_foreach(findings->checks, i, item)
	{
		print_check(item);
	}
	if (json_array_size(findings->actions) > 0)
		output_print("\nSuggested actions:\n");
	json_array_foreach(findings->actions, i, item)
	{
		output_print("  - %s\n", json_string_value(item));
	}
}

static int run(struct invocation *invocation)
{
	struct findings findings = {json_array(), json_array()};
	g_autoptr(json_t) report = json_pack("{ss so so}", "overall", "", "checks", findings.checks,
					     "suggested_actions", findings.actions);
	check_reachable(&findings, invocation);
	if (!has_status(findings.checks, "error"))
		check_services(&findings, invocation);
	const char *overall = has_status(findings.checks, "error")     ? "unhealthy"
			      : has_status(findings.checks, "warning") ? "degraded"
								       : "healthy";
	json_object_set_new(report, "overall", json_string(overall));
	if (invocation_flag(invocation, "json"))
		output_json(report);
	else
		print_text(overall, &findings);
	return EXIT_CODE_OK;
}

static const struct option options[] = {
	{"symptom", 0, OPTION_TEXT, "TEXT", "Accepted, and without effect"},
	{"component", 0, OPTION_TEXT, "NAME", "Accepted, and without effect"},
	OPTION_JSON,
	{0},
};

const struct command command_diagnose = {
	"diagnose",
	"Check whether the server is well, and say what to do",
	.details = "Exits with 0 whatever it finds. Without a token only the server's presence "
		   "can be checked.",
	.options = options,
	.run = run,
};
