/* GET /metrics: the figures of the server for Prometheus. */
#include "app/app.h"
#include "app/auth/secret.h"
#include "app/monitor/exposition.h"
#include "app/monitor/figures.h"
#include "app/routes.h"

#include <string.h>

enum { SHORTEST_TOKEN = 16 };

/* A secret of its own, so that the collector needs no account. */
static bool has_token(const struct http_request *request, const struct configuration *config)
{
	const char *expected = config_text(config, "METRICS_TOKEN");
	const char *given = http_request_header(request, "Authorization");
	return strlen(expected) >= SHORTEST_TOKEN && given && g_str_has_prefix(given, "Bearer ") &&
	       secret_equal(expected, given + strlen("Bearer "));
}

static bool may_see(const struct http_request *request, const struct configuration *config)
{
	const char *access = config_text(config, "monitoring.access");
	const struct directory_user *user = caller_of(request)->user;
	return (user && user->is_admin) || strcmp(access, "anybody") == 0 ||
	       (strcmp(access, "loopback") == 0 && http_request_is_local(request)) ||
	       has_token(request, config);
}

static struct http_response *get_metrics(struct http_request *request)
{
	struct app *app = app_of(request);
	g_autoptr(configuration) config = app_config(app);
	if (!may_see(request, config))
		return caller_of(request)->user
			       ? http_refuse(403, "Admin access required")
			       : http_refuse(401, "Missing or invalid Authorization header");
	return http_text(200, EXPOSITION_TYPE,
			 figures_expose(app, config_bool(config, "monitoring.tables")));
}

static const struct http_answer refused[] = {
	{401, "Nobody signed in, and no METRICS_TOKEN"}, {403, "No administrator"}, {0}};

const struct http_route monitoring_routes[] = {
	{HTTP_GET, "/metrics", ACCESS_VISITOR, HTTP_BLOCKING, .tag = "health", .answers = refused,
	 .summary = "Figures of the server in the text format of Prometheus",
	 .handle = get_metrics},
	{0},
};
