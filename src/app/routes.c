/* The tables of routes, put together. A new file of routes is a new line here. */
#include "app/routes.h"

#include "base/environment.h"

/* One a line. */
/* clang-format off */
static const struct http_route *const tables[] = {
	access_overview_routes,
	access_request_routes,
	asset_routes,
	audit_routes,
	auth_routes,
	catalog_routes,
	cli_routes,
	configure_routes,
	data_routes,
	discovery_routes,
	grant_routes,
	group_routes,
	health_routes,
	login_routes,
	password_routes,
	metadata_routes,
	metadata_push_routes,
	metric_routes,
	monitoring_routes,
	query_routes,
	registry_routes,
	server_config_routes,
	sync_routes,
	sync_run_routes,
	token_routes,
	upload_routes,
	user_routes,
	v2_catalog_routes,
	v2_sample_routes,
	v2_scan_routes,
};
/* clang-format on */

static void append(GArray *all, const struct http_route *table)
{
	for (const struct http_route *route = table; route->pattern; route++)
		g_array_append_val(all, *route);
}

struct http_route *routes_collect(size_t *count)
{
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct http_route));
	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
		append(all, tables[i]);
	/* Where it is not wanted, it is not there. */
	if (environment_flag("AGNES_DEBUG_AUTH"))
		append(all, me_debug_routes);
	*count = all->len;
	return (struct http_route *)g_array_free(g_steal_pointer(&all), FALSE);
}
