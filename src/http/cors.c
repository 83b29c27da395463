/* CORS with credentials: an origin is allowed by exact match with the configured list. */
#include "http/cors.h"

#include "http/serving.h"

#include <string.h>

static bool origin_allowed(const struct http_exchange *exchange, const char *origin)
{
	const char *const *allowed = exchange->server->options.cors_origins;
	return allowed && (g_strv_contains(allowed, origin) || g_strv_contains(allowed, "*"));
}

static void allow_origin(struct http_response *response, const char *origin)
{
	http_response_header(response, "Access-Control-Allow-Origin", origin);
	http_response_header(response, "Vary", "Origin");
}

struct http_response *http_cors_preflight(const struct http_exchange *exchange, const char *method)
{
	static const char methods[] = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
	const struct http_request *request = &exchange->request;
	const char *origin = http_request_header(request, "Origin");
	const char *wanted = http_request_header(request, "Access-Control-Request-Method");
	const char *headers = http_request_header(request, "Access-Control-Request-Headers");
	if (strcmp(method, "OPTIONS") != 0 || !origin || !wanted)
		return NULL;
	bool allowed = origin_allowed(exchange, origin);
	struct http_response *response = http_text(
		allowed ? 200 : 400, "text/plain; charset=utf-8",
		g_strdup(allowed ? "OK" : "Disallowed CORS origin"));
	if (allowed)
		allow_origin(response, origin);
	else
		http_response_header(response, "Vary", "Origin");
	http_response_header(response, "Access-Control-Allow-Methods", methods);
	http_response_header(response, "Access-Control-Max-Age", "600");
	http_response_header(response, "Access-Control-Allow-Credentials", "true");
	if (headers)
		http_response_header(response, "Access-Control-Allow-Headers", headers);
	return response;
}

void http_cors_headers(const struct http_exchange *exchange, struct http_response *response)
{
	const char *origin = http_request_header(&exchange->request, "Origin");
	if (!origin)
		return;
	http_response_header(response, "Access-Control-Allow-Credentials", "true");
	if (origin_allowed(exchange, origin))
		allow_origin(response, origin);
}
