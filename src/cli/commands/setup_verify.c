/* da setup test-connection and verify: whether a new server does what it should. */
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/health.h"
#include "cli/output.h"
#include "cli/settings.h"

#include <string.h>

enum { HTTP_UNAUTHORIZED = 401 };

/* --- test-connection --- */

static int run_test_connection(struct invocation *invocation)
{
	const char *name;
	json_t *service;
	g_autoptr(GError) error = NULL;
	g_autoptr(api_reply) health = health_ask(invocation, &error);
	if (!health) {
		output_warn("  FAILED: %s\n", error->message);
		return EXIT_CODE_FAILED;
	}
	const char *minimal = health_text(health->json, "status", "unknown");
	if (strcmp(minimal, "ok") != 0) {
		output_warn("  FAILED: the server says that it is %s\n", minimal);
		return EXIT_CODE_FAILED;
	}
	output_print("  Server: reachable\n");
	g_autoptr(api_reply) detailed = health_ask_detailed(invocation);
	if (!detailed || detailed->status == HTTP_UNAUTHORIZED) {
		output_print("Server is reachable; the detailed check requires auth.\n");
		return EXIT_CODE_OK;
	}
	const char *status = health_text(detailed->json, "status", "unknown");
	output_print("  Health: %s\n", status);
	json_object_foreach(json_object_get(detailed->json, "services"), name, service)
	{
		output_print("  %s: %s\n", name, health_text(service, "status", "?"));
	}
	output_print("%s\n", strcmp(status, "healthy") == 0
				     ? "All is well."
				     : "Not all is well: da diagnose --json says more.");
	return EXIT_CODE_OK;
}

/* --- verify --- */

/* `detail` may be NULL. */
static void add_check(json_t *checks, const char *name, const char *status, const char *detail)
{
	json_array_append_new(
		checks, json_pack("{ss ss ss?}", "name", name, "status", status, "detail", detail));
}

/* The status of an answer to a GET, 0 if there was none; *reply may be NULL. */
static int ask(struct invocation *invocation, const char *path, const char *accept,
	       struct api_reply **reply)
{
	struct api *api = invocation_api(invocation, NULL);
	const struct api_call call = {.path = path, .accept = accept};
	g_autoptr(api_reply) got = api ? api_send(api, &call, NULL) : NULL;
	int status = got ? got->status : 0;
	if (reply)
		*reply = g_steal_pointer(&got);
	return status;
}

static bool check_server(struct invocation *invocation, json_t *checks)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(api_reply) health = health_ask(invocation, &error);
	if (!health) {
		add_check(checks, "server", "fail", error->message);
		return false;
	}
	g_autoptr(api_reply) detailed = health_ask_detailed(invocation);
	const char *status = health_text(detailed ? detailed->json : health->json, "status", NULL);
	bool well = g_strcmp0(status, detailed ? "healthy" : "ok") == 0;
	add_check(checks, "server", well ? "pass" : "warn", status);
	return true;
}

static void check_auth(struct invocation *invocation, json_t *checks)
{
	const struct settings *settings = invocation_settings(invocation, NULL);
	if (!settings->token || !*settings->token) {
		add_check(checks, "auth", "fail", "no token: da auth login");
		return;
	}
	int status = ask(invocation, "/api/sync/manifest", NULL, NULL);
	g_autofree char *detail = g_strdup_printf("HTTP %d", status);
	add_check(checks, "auth", status == 200 ? "pass" : "fail",
		  status == 200 ? "the token is valid" : detail);
}

static void check_data(struct invocation *invocation, json_t *checks)
{
	const char *name;
	json_t *table;
	json_int_t rows = 0;
	g_autoptr(api_reply) reply = NULL;
	ask(invocation, "/api/sync/manifest", NULL, &reply);
	json_t *tables = reply ? json_object_get(reply->json, "tables") : NULL;
	json_object_foreach(tables, name, table)
	{
		rows += json_integer_value(json_object_get(table, "rows"));
	}
	g_autofree char *detail = g_strdup_printf("%zu tables, %" JSON_INTEGER_FORMAT " rows",
						  json_object_size(tables), rows);
	bool some = json_object_size(tables) > 0;
	add_check(checks, "data", some ? "pass" : "warn", some ? detail : "no tables yet");
}

static void check_users(struct invocation *invocation, json_t *checks)
{
	g_autoptr(api_reply) reply = NULL;
	int status = ask(invocation, "/api/users", NULL, &reply);
	g_autofree char *count = g_strdup_printf("%zu users",
						 reply ? json_array_size(reply->json) : 0);
	if (status == 200)
		add_check(checks, "users", "pass", count);
	else
		add_check(checks, "users", status == 403 ? "pass" : "warn",
			  status == 403 ? "only administrators may list them" : "cannot be listed");
}

static void check_page(struct invocation *invocation, json_t *checks, const char *name,
		       const char *path)
{
	int status = ask(invocation, path, "text/html", NULL);
	g_autofree char *detail = g_strdup_printf("%s: HTTP %d", path, status);
	/* A page that leads on, as that for signing in may, is there as well. */
	add_check(checks, name, status >= 200 && status < 400 ? "pass" : "fail", detail);
}

static const char *judge(const json_t *checks)
{
	size_t i;
	json_t *check;
	const char *overall = "pass";
	json_array_foreach(checks, i, check)
	{
		const char *status = health_text(check, "status", "");
		if (strcmp(status, "fail") == 0)
			return "fail";
		if (strcmp(status, "warn") == 0)
			overall = "warn";
	}
	return overall;
}

static void print_checks(const json_t *checks)
{
	size_t i;
	json_t *check;
	json_array_foreach(checks, i, check)
	{
		const char *status = health_text(check, "status", "");
		const char *detail = health_text(check, "detail", "details need a token");
		output_print("  [%-4s] %s: %s\n",
			     strcmp(status, "pass") == 0   ? "OK"
			     : strcmp(status, "fail") == 0 ? "FAIL"
							   : "WARN",
			     health_text(check, "name", "?"), detail);
	}
}

static int run_verify(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	json_t *checks = json_array();
	g_autoptr(json_t) report = json_pack("{ss so}", "overall", "", "checks", checks);
	if (!invocation_settings(invocation, &error))
		return command_fail(error);
	if (check_server(invocation, checks)) {
		check_auth(invocation, checks);
		check_data(invocation, checks);
		check_users(invocation, checks);
		check_page(invocation, checks, "web_ui", "/login");
		check_page(invocation, checks, "api_docs", "/docs");
	}
	const char *overall = judge(checks);
	bool failed = strcmp(overall, "fail") == 0;
	json_object_set_new(report, "overall", json_string(overall));
	if (invocation_flag(invocation, "json")) {
		output_json(report);
		return EXIT_CODE_OK;
	}
	print_checks(checks);
	output_print("\n%s\n", failed			      ? "Something is broken; see above."
			       : strcmp(overall, "warn") == 0 ? "It works, with warnings."
							      : "All checks passed.");
	return failed ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

/* --- declarations --- */

const struct command command_setup_test_connection = {
	"setup test-connection",
	"Check that the server answers and is well",
	.run = run_test_connection,
};

static const struct option verify_options[] = {
	OPTION_JSON,
	{0},
};

const struct command command_setup_verify = {
	"setup verify",
	"Check a new server from end to end",
	.details = "Server, token, data, users and pages. With --json it exits with 0 whatever it "
		   "finds.",
	.options = verify_options,
	.run = run_verify,
};
