/* Finds the route of a method and path. Immutable after it is built: any thread may ask. */
#pragma once

#include "base/cleanup.h"
#include "http/route.h"

#include <glib.h>
#include <stddef.h>

/* The longest path that is looked at, and the most {parameters} a pattern may have. */
enum { HTTP_PATH_LIMIT = 4096, HTTP_PARAMETERS = 8 };

struct http_match {
	const struct http_route *route; /* NULL: see `allowed` */
	unsigned allowed;		/* bit per method that the path has; 0: no such path */
	size_t count;
	struct {
		const char *name; /* lives as long as the router */
		char *value;	  /* freed by http_match_clear() */
	} parameters[HTTP_PARAMETERS];
};
void http_match_clear(struct http_match *match);
DEFINE_AUTO(http_match)

struct http_router;

/* Aborts on a pattern that cannot be, or on two routes for the same thing: both are bugs. */
struct http_router *http_router_new(const struct http_route *routes, size_t count);
void http_router_free(struct http_router *router);
DEFINE_AUTOPTR(http_router)

/* A literal segment is preferred to a parameter, and a parameter to a rest. */
void http_router_find(const struct http_router *router, enum http_method method, const char *path,
		      struct http_match *match);
