/* Comparing what the browser says of the page with where the server is. */
#include "app/auth/origin.h"

#include "app/links.h"

#include <string.h>

static int port_or_usual(const char *scheme, int port)
{
	if (port > 0)
		return port;
	return g_strcmp0(scheme, "https") == 0 ? 443 : 80;
}

/* Whether both addresses are of one host and port. */
static bool is_same_host(const char *left, const char *right)
{
	g_autofree char *left_scheme = NULL, *left_host = NULL;
	g_autofree char *right_scheme = NULL, *right_host = NULL;
	int left_port, right_port;
	if (!g_uri_split_network(left, G_URI_FLAGS_NONE, &left_scheme, &left_host, &left_port,
				 NULL) ||
	    !g_uri_split_network(right, G_URI_FLAGS_NONE, &right_scheme, &right_host, &right_port,
				 NULL))
		return false;
	return left_host && right_host && g_ascii_strcasecmp(left_host, right_host) == 0 &&
	       port_or_usual(left_scheme, left_port) == port_or_usual(right_scheme, right_port);
}

/*
 * A proxy may end TLS, so the scheme is the browser's; it may also rewrite Host, so the address
 * that the operator gave counts as well.
 */
static bool is_own(const struct http_request *request, const char *origin)
{
	g_autofree char *scheme = g_uri_parse_scheme(origin);
	g_autofree char *configured = links_mail_base();
	if (configured && is_same_host(origin, configured))
		return true;
	if (!request->host || !scheme)
		return false;
	g_autofree char *asked = g_strconcat(scheme, "://", request->host, NULL);
	return is_same_host(origin, asked);
}

struct http_response *origin_refuse_other(const struct http_request *request)
{
	const char *site = http_request_header(request, "Sec-Fetch-Site");
	const char *origin = http_request_header(request, "Origin");
	/* Pages cannot forge the first, and it needs no comparing: it is the better witness. */
	if (site && (strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0))
		return NULL;
	if (!site && (!origin || is_own(request, origin)))
		return NULL;
	return http_refuse(403, "This form must be sent from the server's own pages; behind a "
				"proxy that changes the Host header, set SERVER_URL");
}
