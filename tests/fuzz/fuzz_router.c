/* Paths, ETag lists and ranges: what is found is made of the path, and stays within it. */
#include "http/range.h"
#include "http/router.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_route routes[] = {
	{HTTP_GET, "/"},
	{HTTP_GET, "/a"},
	{HTTP_GET, "/a/{id}"},
	{HTTP_POST, "/a/b"},
	{HTTP_GET, "/a/b/{part}/c"},
	{HTTP_DELETE, "/a/{id}/c/{part}"},
	{HTTP_GET, "/{tail...}"},
	{HTTP_GET, "/a/{id}/d/{tail...}"},
	{HTTP_PUT, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}"},
};

/* The pattern with its values filled in has to be the path again. */
static char *fill_in(const struct http_match *match)
{
	g_auto(GStrv) segments = g_strsplit(match->route->pattern, "/", -1);
	size_t used = 0;
	for (char **segment = segments; *segment; segment++) {
		if (**segment != '{')
			continue;
		g_assert_cmpuint(used, <, match->count);
		g_free(*segment);
		*segment = g_strdup(match->parameters[used++].value);
	}
	g_assert_cmpuint(used, ==, match->count);
	return g_strjoinv("/", segments);
}

static void route_path(const struct http_router *router, const char *path)
{
	for (int method = 0; method < HTTP_METHODS; method++) {
		g_auto(http_match) match = {0};
		http_router_find(router, (enum http_method)method, path, &match);
		g_assert_true(!match.route == !(match.allowed & (1U << method)));
		if (!match.route)
			continue;
		g_autofree char *filled = fill_in(&match);
		g_assert_cmpstr(filled, ==, path);
	}
}

static void parse_range(const char *header, uint64_t length)
{
	uint64_t first, last;
	if (http_range_parse(header, length, &first, &last) != HTTP_RANGE_PART)
		return;
	g_assert_cmpuint(first, <=, last);
	g_assert_cmpuint(last, <, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_router *router;
	if (!router)
		router = http_router_new(routes, G_N_ELEMENTS(routes));
	g_autofree char *text = g_strndup((const char *)data, size);
	route_path(router, text);
	g_autofree char *range = g_strconcat("bytes=", text, NULL);
	parse_range(text, 1000);
	parse_range(range, 1000);
	parse_range(range, G_MAXUINT64);
	if (http_etag_is(text, "a"))
		g_assert_true(http_etag_listed(text, "a"));
	http_etag_listed(text, "a");
	return 0;
}
