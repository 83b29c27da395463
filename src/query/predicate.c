/*
 * Two parses: the text as it came tells what kind of mistake there is, the text in parentheses and
 * without comments is what is checked and then runs.
 */
#include "query/predicate.h"

#include "base/error.h"
#include "base/json.h"
#include "query/comments.h"
#include "query/predicate_functions.h"

#include <string.h>

/* What can be wrong, in the order in which it is reported. */
enum fault {
	PARSE_ERROR,
	MULTI_STATEMENT,
	DISALLOWED_NODE,
	NESTED_SELECT,
	CROSS_TABLE,
	UNKNOWN_FUNCTION,
	UNKNOWN_COLUMN,
	NO_FAULT,
};

static const char *const kinds[] = {
	[PARSE_ERROR] = "parse_error",		 [MULTI_STATEMENT] = "multi_statement",
	[DISALLOWED_NODE] = "disallowed_node",	 [NESTED_SELECT] = "nested_select",
	[CROSS_TABLE] = "cross_table_reference", [UNKNOWN_FUNCTION] = "unknown_function",
	[UNKNOWN_COLUMN] = "unknown_column",
};

struct walk {
	const struct predicate_scope *scope;
	enum fault worst;
	char *name; /* of the function or column */
};

/* Keeps the first of those that come first in the order. */
static void note(struct walk *walk, enum fault fault, const char *name)
{
	if (fault >= walk->worst)
		return;
	walk->worst = fault;
	g_free(walk->name);
	walk->name = g_strdup(name);
}

static void note_function(struct walk *walk, const char *name)
{
	g_autofree char *shown = predicate_function_shown(name);
	note(walk, UNKNOWN_FUNCTION, shown);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static bool is_one_of(const char *name, const char *const *list)
{
	for (; *list; list++) {
		if (g_ascii_strcasecmp(name, *list) == 0)
			return true;
	}
	return false;
}

/* These are written like columns. */
static bool is_clock(const char *name)
{
	static const char *const names[] = {"current_date", "current_time", "current_timestamp",
					    NULL};
	return is_one_of(name, names);
}

static void check_column(struct walk *walk, const json_t *reference)
{
	const json_t *names = json_object_get(reference, "column_names");
	size_t count = json_array_size(names);
	const char *last = count ? json_string_value(json_array_get(names, count - 1)) : "";
	if (count > 2 ||
	    (count == 2 && g_ascii_strcasecmp(json_string_value(json_array_get(names, 0)),
					      walk->scope->table) != 0)) {
		note(walk, CROSS_TABLE, NULL);
		return;
	}
	g_autofree char *lower = g_ascii_strdown(last, -1);
	if (!g_hash_table_contains(walk->scope->columns, lower) && (count == 2 || !is_clock(last)))
		note(walk, UNKNOWN_COLUMN, last);
}

/* What the parser itself calls carries the schema "main"; "a.upper()" would carry "a". */
static void check_function(struct walk *walk, const json_t *call)
{
	const char *name = text_of(call, "function_name");
	const char *schema = text_of(call, "schema");
	if (*text_of(call, "catalog") || (*schema && strcmp(schema, "main") != 0) ||
	    !predicate_function_allowed(name))
		note_function(walk, name);
}

static void check_operator(struct walk *walk, const json_t *operation)
{
	static const char *const allowed[] = {"ARRAY_EXTRACT",	   "ARRAY_SLICE",
					      "COMPARE_IN",	   "COMPARE_NOT_IN",
					      "OPERATOR_COALESCE", "OPERATOR_IS_NOT_NULL",
					      "OPERATOR_IS_NULL",  "OPERATOR_NOT",
					      "STRUCT_EXTRACT",	   NULL};
	const char *type = text_of(operation, "type");
	if (!is_one_of(type, allowed))
		note_function(walk, g_str_has_prefix(type, "OPERATOR_") ? type + strlen("OPERATOR_")
									: type);
}

static void check_expression(struct walk *walk, const json_t *object, const char *class)
{
	static const char *const free_classes[] = {"BETWEEN",	  "CASE",     "CAST", "COMPARISON",
						   "CONJUNCTION", "CONSTANT", NULL};
	if (strcmp(class, "COLUMN_REF") == 0)
		check_column(walk, object);
	else if (strcmp(class, "FUNCTION") == 0)
		check_function(walk, object);
	else if (strcmp(class, "OPERATOR") == 0)
		check_operator(walk, object);
	else if (strcmp(class, "PARAMETER") == 0)
		note(walk, PARSE_ERROR, NULL);
	else if (strcmp(class, "SUBQUERY") == 0)
		note(walk, NESTED_SELECT, NULL);
	else if (strcmp(class, "WINDOW") == 0)
		note_function(walk, text_of(object, "function_name"));
	else if (strcmp(class, "COLLATE") == 0)
		note_function(walk, class);
	else if (strcmp(class, "LAMBDA") == 0)
		note_function(walk, "->");
	else if (!is_one_of(class, free_classes))
		note(walk, DISALLOWED_NODE, NULL);
}

static void visit(struct walk *walk, const json_t *value)
{
	size_t i;
	const char *key;
	json_t *item;
	json_array_foreach((json_t *)value, i, item) visit(walk, item);
	if (!json_is_object(value))
		return;
	const char *class = json_string_value(json_object_get(value, "class"));
	if (class)
		check_expression(walk, value, class);
	/* A subquery is refused as it stands; a constant's and a cast's types hold no expression.
	 */
	if (class && (strcmp(class, "SUBQUERY") == 0 || strcmp(class, "CONSTANT") == 0))
		return;
	json_object_foreach((json_t *)value, key, item)
	{
		if (strcmp(key, "cast_type") != 0)
			visit(walk, item);
	}
}

/* The one statement's node; NULL with the fault that the text has. */
static const json_t *node_of(const json_t *tree, enum fault *fault)
{
	const json_t *statements = json_object_get(tree, "statements");
	const char *message = text_of(tree, "error_message");
	*fault = PARSE_ERROR;
	if (json_is_true(json_object_get(tree, "error"))) {
		/* The first is a SELECT, so that it must be another. */
		if (strstr(message, "Only SELECT statements can be serialized"))
			*fault = MULTI_STATEMENT;
		return NULL;
	}
	if (json_array_size(statements) > 1)
		*fault = MULTI_STATEMENT;
	if (json_array_size(statements) != 1)
		return NULL;
	return json_object_get(json_array_get(statements, 0), "node");
}

/* A SELECT that has nothing but what was put around the predicate. */
static bool is_plain(const json_t *node, enum fault *fault)
{
	static const char *const parts[] = {"type",	    "select_list",	  "from_table",
					    "where_clause", "aggregate_handling", NULL};
	const char *key;
	json_t *part;
	*fault = DISALLOWED_NODE;
	if (strcmp(text_of(node, "type"), "SELECT_NODE") != 0)
		return false;
	*fault = PARSE_ERROR;
	json_object_foreach((json_t *)node, key, part)
	{
		if (!is_one_of(key, parts))
			return false;
	}
	return true;
}

static json_t *parse(struct query_guard *guard, const char *predicate, bool parenthesised,
		     GError **error)
{
	g_autofree char *sql = g_strconcat("SELECT 1 FROM t WHERE ", parenthesised ? "(\n" : "",
					   predicate, parenthesised ? "\n)" : "", NULL);
	return query_guard_parse(guard, sql, error);
}

/* False: DuckDB failed, or the tree is too deep. */
static bool inspect(struct query_guard *guard, const char *text, const char *stripped,
		    struct walk *walk, GError **error)
{
	enum fault fault;
	g_autoptr(json_t) whole = parse(guard, text, false, error);
	g_autoptr(json_t) inner = whole ? parse(guard, stripped, true, error) : NULL;
	if (!inner)
		return false;
	const json_t *node = node_of(whole, &fault);
	if (node && is_plain(node, &fault))
		node = node_of(inner, &fault);
	else
		node = NULL;
	if (!node || !is_plain(node, &fault))
		note(walk, fault, NULL);
	else
		visit(walk, json_object_get(node, "where_clause"));
	return true;
}

static json_t *describe(const struct walk *walk)
{
	json_t *details = json_object();
	if (walk->worst == UNKNOWN_FUNCTION)
		json_object_set_new(details, "function", json_string(walk->name));
	if (walk->worst == UNKNOWN_COLUMN)
		json_object_set_new(details, "column", json_string(walk->name));
	return json_pack("{ss so}", "kind", kinds[walk->worst], "details", details);
}

char *predicate_check(struct query_guard *guard, const char *text,
		      const struct predicate_scope *scope, json_t **rejection, GError **error)
{
	struct walk walk = {.scope = scope, .worst = NO_FAULT};
	g_autofree char *stripped = sql_strip_comments(text);
	if (!stripped || !*stripped)
		note(&walk, PARSE_ERROR, NULL);
	else if (!inspect(guard, text, stripped, &walk, error))
		return NULL;
	g_autofree char *name = walk.name;
	if (walk.worst == NO_FAULT)
		return g_steal_pointer(&stripped);
	*rejection = describe(&walk);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "the predicate is refused: %s%s%s",
		    kinds[walk.worst], name ? " " : "", name ? name : "");
	return NULL;
}
