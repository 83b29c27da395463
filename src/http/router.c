/*
 * Routing. Paths without parameters, which are most of the calls, are one look-up in a hash table;
 * the others walk a tree of segments.
 */
#include "http/router.h"

#include <string.h>

struct node {
	char *literal;	     /* the segment that leads here; NULL: a parameter's or rest's node */
	GPtrArray *children; /* literal nodes */
	struct node *parameter;
	struct node *rest;
	const struct http_route *routes[HTTP_METHODS];
	char **names; /* parameters from the root to here, when routes end here */
};

struct http_router {
	struct node *root;
	GHashTable *literals; /* path → node, for nodes without parameters above them */
};

static void node_free(struct node *node)
{
	if (!node)
		return;
	g_ptr_array_unref(node->children);
	node_free(node->parameter);
	node_free(node->rest);
	g_strfreev(node->names);
	g_free(node->literal);
	g_free(node);
}

static struct node *node_new(const char *literal)
{
	struct node *node = g_new0(struct node, 1);
	node->literal = g_strdup(literal);
	node->children = g_ptr_array_new_with_free_func((GDestroyNotify)node_free);
	return node;
}

static struct node *child_named(const struct node *node, const char *segment, size_t length)
{
	for (guint i = 0; i < node->children->len; i++) {
		struct node *child = node->children->pdata[i];
		if (strlen(child->literal) == length &&
		    memcmp(child->literal, segment, length) == 0)
			return child;
	}
	return NULL;
}

static struct node *ensure(struct node **slot)
{
	if (!*slot)
		*slot = node_new(NULL);
	return *slot;
}

/* Goes one segment of a pattern down; a parameter's name is added to `names`. */
static struct node *descend(struct node *node, const char *segment, GStrvBuilder *names)
{
	size_t length = strlen(segment);
	if (segment[0] != '{') {
		struct node *child = child_named(node, segment, length);
		if (!child) {
			child = node_new(segment);
			g_ptr_array_add(node->children, child);
		}
		return child;
	}
	bool rest = g_str_has_suffix(segment, "...}");
	g_autofree char *name = g_strndup(segment + 1, length - (rest ? 5 : 2));
	g_strv_builder_add(names, name);
	return ensure(rest ? &node->rest : &node->parameter);
}

static void add_route(struct http_router *router, const struct http_route *route)
{
	g_auto(GStrv) segments = g_strsplit(route->pattern + 1, "/", -1);
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();
	struct node *node = router->root;
	for (char **segment = segments; *segment; segment++)
		node = descend(node, *segment, names);
	if (node->routes[route->method])
		g_error("http: two routes for %s %s", http_method_name(route->method),
			route->pattern);
	node->routes[route->method] = route;
	g_strfreev(node->names);
	node->names = g_strv_builder_end(names);
	if (g_strv_length(node->names) > HTTP_PARAMETERS)
		g_error("http: too many parameters in %s", route->pattern);
	if (!node->names[0])
		g_hash_table_insert(router->literals, (gpointer)route->pattern, node);
}

struct http_router *http_router_new(const struct http_route *routes, size_t count)
{
	struct http_router *router = g_new0(struct http_router, 1);
	router->root = node_new(NULL);
	router->literals = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; i < count; i++)
		add_route(router, &routes[i]);
	return router;
}

void http_router_free(struct http_router *router)
{
	if (!router)
		return;
	g_hash_table_unref(router->literals);
	node_free(router->root);
	g_free(router);
}

/* The values of parameters, as slices of the path, while the tree is searched. */
struct slices {
	size_t count;
	struct {
		const char *start;
		size_t length;
	} at[HTTP_PARAMETERS];
};

static const struct node *search(const struct node *node, const char *path, struct slices *slices);

static const struct node *search_with(const struct node *node, const char *value, size_t length,
				      const char *next, struct slices *slices)
{
	if (!node || slices->count == HTTP_PARAMETERS)
		return NULL;
	slices->at[slices->count].start = value;
	slices->at[slices->count].length = length;
	slices->count++;
	const struct node *found = next ? search(node, next, slices) : node->names ? node : NULL;
	if (!found)
		slices->count--;
	return found;
}

/*
 * `path` starts behind a slash. The depth is bounded by the deepest pattern, whatever the path: a
 * node without children ends the search.
 */
static const struct node *search(const struct node *node, const char *path, struct slices *slices)
{
	const char *slash = strchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : strlen(path);
	const char *next = slash ? slash + 1 : NULL;
	const struct node *child = child_named(node, path, length);
	const struct node *found = !child ? NULL : next ? search(child, next, slices) : child;
	if (found && !found->names)
		found = NULL;
	if (!found && length > 0)
		found = search_with(node->parameter, path, length, next, slices);
	if (!found)
		found = search_with(node->rest, path, strlen(path), NULL, slices);
	return found;
}

void http_router_find(const struct http_router *router, enum http_method method, const char *path,
		      struct http_match *match)
{
	struct slices slices = {0};
	const struct node *node = g_hash_table_lookup(router->literals, path);
	if (!node && path[0] == '/' && strlen(path) <= HTTP_PATH_LIMIT)
		node = search(router->root, path + 1, &slices);
	if (!node)
		return;
	for (int i = 0; i < HTTP_METHODS; i++)
		match->allowed |= node->routes[i] ? 1U << i : 0;
	match->route = node->routes[method];
	if (!match->route)
		return;
	match->count = slices.count;
	for (size_t i = 0; i < slices.count; i++) {
		match->parameters[i].name = node->names[i];
		match->parameters[i].value = g_strndup(slices.at[i].start, slices.at[i].length);
	}
}

void http_match_clear(struct http_match *match)
{
	for (size_t i = 0; i < match->count; i++)
		g_free(match->parameters[i].value);
	match->count = 0;
}

const char *http_method_name(enum http_method method)
{
	static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
	return names[method];
}
