/* Every route of the application: one table a file of api/ and auth/. */
#pragma once

#include "http/route.h"

/* A table of routes that ends with one without a pattern. */
extern const struct http_route access_overview_routes[];
extern const struct http_route access_request_routes[];
extern const struct http_route asset_routes[];
extern const struct http_route audit_routes[];
extern const struct http_route auth_routes[];
extern const struct http_route catalog_routes[];
extern const struct http_route cli_routes[];
extern const struct http_route configure_routes[];
extern const struct http_route data_routes[];
extern const struct http_route discovery_routes[];
extern const struct http_route grant_routes[];
extern const struct http_route group_routes[];
extern const struct http_route health_routes[];
extern const struct http_route login_routes[];
extern const struct http_route me_debug_routes[];
extern const struct http_route password_routes[];
extern const struct http_route metadata_routes[];
extern const struct http_route metadata_push_routes[];
extern const struct http_route metric_routes[];
extern const struct http_route monitoring_routes[];
extern const struct http_route query_routes[];
extern const struct http_route registry_routes[];
extern const struct http_route server_config_routes[];
extern const struct http_route sync_routes[];
extern const struct http_route sync_run_routes[];
extern const struct http_route token_routes[];
extern const struct http_route upload_routes[];
extern const struct http_route user_routes[];
extern const struct http_route v2_catalog_routes[];
extern const struct http_route v2_sample_routes[];
extern const struct http_route v2_scan_routes[];

/* All of them in one array; g_free() it. */
struct http_route *routes_collect(size_t *count);
