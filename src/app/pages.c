/* Refusals for browsers. */
#include "app/pages.h"

#include <string.h>

static bool is_api_path(const char *path)
{
	static const char *const prefixes[] = {
		"/api/",	"/auth/", "/metrics", "/marketplace.zip", "/marketplace.git",
		"/marketplace/"};
	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		if (g_str_has_prefix(path, prefixes[i]))
			return true;
	}
	return false;
}

static struct http_response *to_login(const struct http_request *request)
{
	g_autofree char *next = g_uri_escape_string(request->path, NULL, FALSE);
	g_autofree char *location = g_strconcat("/login?next=", next, NULL);
	return http_redirect(302, location);
}

static struct http_response *error_page(int status)
{
	const char *text = status == 404   ? "There is no such page."
			   : status == 403 ? "You may not see this page."
			   : status >= 500 ? "The server could not do this."
					   : "The request was refused.";
	return http_text(status, "text/html; charset=utf-8",
			 g_strdup_printf("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
					 "<title>%d</title><h1>%d</h1><p>%s</p>"
					 "<p><a href=\"/\">Start page</a></p></html>",
					 status, status, text));
}

struct http_response *pages_dress(struct http_request *request, struct http_response *response)
{
	int status = http_response_status(response);
	const char *accept = http_request_header(request, "Accept");
	if (is_api_path(request->path) || request->method != HTTP_GET || status == 422)
		return response;
	struct http_response *page = NULL;
	if (status == 401)
		page = to_login(request);
	else if (accept && strstr(accept, "text/html"))
		page = error_page(status);
	if (!page)
		return response;
	http_response_free(response);
	return page;
}
