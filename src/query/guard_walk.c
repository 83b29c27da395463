/*
 * The tree that json_serialize_sql() makes, as of DuckDB 1.5. Every object in it is known by its
 * "class" (expressions) or "type" (the rest); one that is in neither table below is refused.
 */
#include "query/guard_walk.h"

#include "base/error.h"
#include "query/functions.h"

#include <string.h>

struct walk {
	const char *sql;
	const struct query_tables *tables;
	GHashTable *ctes; /* lower-case name to how often it is defined here */
	struct guard_findings *findings;
	GError **error;
};

typedef bool visit_function(struct walk *walk, const json_t *object);

struct rule {
	const char *name;
	visit_function *visit;
};

static bool visit(struct walk *walk, const json_t *value);

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static double location_of(const json_t *object)
{
	const json_t *location = json_object_get(object, "query_location");
	return location ? json_number_value(location) : -1;
}

char *guard_position(const char *sql, double offset)
{
	if (offset < 0 || offset > (double)strlen(sql))
		return g_strdup("");
	const char *end = sql + (size_t)offset;
	unsigned line = 1, column = 1;
	for (const char *at = sql; at < end; at++) {
		if (*at == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)*at & 0xC0) != 0x80) { /* counts characters, not bytes */
			column++;
		}
	}
	return g_strdup_printf(" (line %u, column %u)", line, column);
}

/* For what is a plain query and wrong; GUARD_NOT_SELECT is for what is none. */
#define QUERY_ERROR "Query error"

static bool refuse(struct walk *walk, const json_t *at, const char *class, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

static bool refuse(struct walk *walk, const json_t *at, const char *class, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *why = g_strdup_vprintf(format, args);
	va_end(args);
	g_autofree char *position = guard_position(walk->sql, location_of(at));
	g_set_error(walk->error, AGNES_ERROR, AGNES_ERROR_INVALID, "%s: %s%s", class, why,
		    position);
	return false;
}

static bool visit_members(struct walk *walk, const json_t *object)
{
	const char *key;
	json_t *member;
	json_object_foreach((json_t *)object, key, member)
	{
		if (!visit(walk, member))
			return false;
	}
	return true;
}

static bool visit_nothing(struct walk *walk, const json_t *object)
{
	return true;
}

/* The type that is cast to holds names of types only. */
static bool visit_cast(struct walk *walk, const json_t *cast)
{
	return visit(walk, json_object_get(cast, "child"));
}

static bool visit_parameter(struct walk *walk, const json_t *parameter)
{
	return refuse(walk, parameter, QUERY_ERROR,
		      "a parameter has no value here; write the value into the statement");
}

static bool check_function(struct walk *walk, const json_t *function, bool in_from)
{
	const char *name = text_of(function, "function_name");
	enum function_verdict verdict = function_check(name, in_from);
	if (verdict == FUNCTION_ALLOWED)
		return true;
	const char *hint = "";
	if (verdict == FUNCTION_FILES)
		hint = "; name a table instead";
	else if (verdict == FUNCTION_CATALOG)
		hint = "; DESCRIBE a table for its columns";
	else if (verdict == FUNCTION_UNKNOWN && in_from &&
		 function_check(name, false) == FUNCTION_ALLOWED)
		hint = " in FROM";
	return refuse(walk, function, verdict == FUNCTION_UNKNOWN ? QUERY_ERROR : GUARD_NOT_SELECT,
		      "function %s() %s%s", name, function_reason(verdict), hint);
}

static bool visit_function_call(struct walk *walk, const json_t *function)
{
	return check_function(walk, function, false) && visit_members(walk, function);
}

static bool visit_table_function(struct walk *walk, const json_t *reference)
{
	const json_t *function = json_object_get(reference, "function");
	if (g_strcmp0(text_of(function, "class"), "FUNCTION") != 0)
		return refuse(walk, reference, GUARD_NOT_SELECT,
			      "this stands in FROM and is no table");
	return check_function(walk, function, true) && visit_members(walk, function);
}

/* SHOW TABLES and the like have a name where DESCRIBE and SUMMARIZE have a query. */
static bool visit_show(struct walk *walk, const json_t *show)
{
	const json_t *query = json_object_get(show, "query");
	if (!query)
		return refuse(
			walk, show, GUARD_NOT_SELECT,
			"SHOW lists the engine's catalog; the tables that you may read are in "
			"GET /api/catalog/tables");
	return visit(walk, query);
}

/* How many definitions of the name are in scope; 0 for a name that is seen first. */
static unsigned *cte_count(const struct walk *walk, const char *name)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	unsigned *count = g_hash_table_lookup(walk->ctes, lower);
	if (!count) {
		count = g_new0(unsigned, 1);
		g_hash_table_insert(walk->ctes, g_steal_pointer(&lower), count);
	}
	return count;
}

static bool visit_recursive(struct walk *walk, const json_t *node)
{
	const char *name = text_of(node, "cte_name");
	++*cte_count(walk, name);
	bool passed = visit_members(walk, node);
	--*cte_count(walk, name);
	return passed;
}

/* A common table expression sees those before it; the query that they stand before sees all. */
static bool visit_query(struct walk *walk, const json_t *node)
{
	const json_t *list = json_object_get(json_object_get(node, "cte_map"), "map");
	size_t defined = 0;
	bool passed = true;
	for (; passed && defined < json_array_size(list); defined++) {
		const json_t *entry = json_array_get(list, defined);
		passed = visit(walk, json_object_get(entry, "value"));
		++*cte_count(walk, text_of(entry, "key"));
	}
	const char *key;
	json_t *member;
	json_object_foreach((json_t *)node, key, member)
	{
		if (passed && strcmp(key, "cte_map") != 0)
			passed = visit(walk, member);
	}
	while (defined > 0)
		--*cte_count(walk, text_of(json_array_get(list, --defined), "key"));
	return passed;
}

/* A name that can only be meant as a file, whatever tables there are. */
static bool looks_like_file(const char *name)
{
	static const char *const endings[] = {".parquet", ".csv",    ".tsv", ".json", ".jsonl",
					      ".ndjson",  ".duckdb", ".db",  ".txt",  ".gz",
					      ".zst",	  ".arrow",  ".xlsx"};
	if (strpbrk(name, "/\\*?["))
		return true;
	g_autofree char *lower = g_ascii_strdown(name, -1);
	for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
		if (g_str_has_suffix(lower, endings[i]))
			return true;
	}
	return false;
}

static bool looks_like_catalog(const char *schema, const char *name)
{
	static const char *const prefixes[] = {"duckdb_", "pragma_", "sqlite_", "pg_"};
	if (g_ascii_strcasecmp(schema, "information_schema") == 0 ||
	    g_ascii_strcasecmp(schema, "pg_catalog") == 0)
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		if (g_ascii_strncasecmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

/* The same answer for a table that is not granted and for one that does not exist. */
static bool deny(struct walk *walk, const json_t *reference, const char *catalog,
		 const char *schema, const char *name)
{
	if (looks_like_file(name))
		return refuse(walk, reference, GUARD_NOT_SELECT,
			      "'%s' would be a file; name a table instead", name);
	if (looks_like_catalog(schema, name))
		return refuse(walk, reference, GUARD_NOT_SELECT,
			      "%s%s%s is the engine's catalog; DESCRIBE a table for its columns, "
			      "GET /api/catalog/tables lists the tables that you may read",
			      schema, *schema ? "." : "", name);
	g_autofree char *position = guard_position(walk->sql, location_of(reference));
	g_set_error(walk->error, AGNES_ERROR, AGNES_ERROR_DENIED,
		    "Access denied to table '%s%s%s%s%s'%s", catalog, *catalog ? "." : "", schema,
		    *schema ? "." : "", name, position);
	return false;
}

static struct query_table *find_table(const struct walk *walk, const char *catalog,
				      const char *schema, const char *name)
{
	if (*catalog)
		return query_tables_find_remote(walk->tables, catalog, schema, name);
	if (!*schema || g_ascii_strcasecmp(schema, "main") == 0)
		return query_tables_find(walk->tables, name);
	return NULL;
}

static bool visit_base_table(struct walk *walk, const json_t *reference)
{
	const char *catalog = text_of(reference, "catalog_name");
	const char *schema = text_of(reference, "schema_name");
	const char *name = text_of(reference, "table_name");
	if (json_object_get(reference, "at_clause"))
		return refuse(walk, reference, QUERY_ERROR,
			      "tables have no versions: AT is not available");
	/* "recurring" is how a recursive query with USING KEY names its whole result so far. */
	bool may_be_cte = !*catalog && (!*schema || g_ascii_strcasecmp(schema, "recurring") == 0);
	if (may_be_cte && *cte_count(walk, name) > 0)
		return true;
	struct query_table *table = find_table(walk, catalog, schema, name);
	if (!table)
		return deny(walk, reference, catalog, schema, name);
	if (table->elsewhere) {
		g_set_error(walk->error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
			    "Query error: table '%s' is remote", table->name);
		return false;
	}
	if (table->problem) {
		g_set_error_literal(walk->error, AGNES_ERROR, AGNES_ERROR_INVALID, table->problem);
		return false;
	}
	if (!g_ptr_array_find(walk->findings->used, table, NULL))
		g_ptr_array_add(walk->findings->used, table);
	return true;
}

/* Aggregates carry one without orders, too. */
static bool visit_order(struct walk *walk, const json_t *modifier)
{
	if (json_array_size(json_object_get(modifier, "orders")) > 0)
		walk->findings->ordered = true;
	return visit_members(walk, modifier);
}

static const struct rule expressions[] = {
	{"BETWEEN", visit_members},
	{"CASE", visit_members},
	{"CAST", visit_cast},
	{"COLLATE", visit_members},
	{"COLUMN_REF", visit_nothing},
	{"COMPARISON", visit_members},
	{"CONJUNCTION", visit_members},
	{"CONSTANT", visit_nothing},
	{"FUNCTION", visit_function_call},
	{"LAMBDA", visit_members},
	{"OPERATOR", visit_members},
	{"PARAMETER", visit_parameter},
	{"POSITIONAL_REFERENCE", visit_nothing},
	{"STAR", visit_members},
	{"SUBQUERY", visit_members},
	{"WINDOW", visit_function_call},
	{NULL, NULL},
};

static const struct rule others[] = {
	/* queries */
	{"SELECT_NODE", visit_query},
	{"SET_OPERATION_NODE", visit_query},
	{"RECURSIVE_CTE_NODE", visit_recursive},
	/* what stands in FROM */
	{"BASE_TABLE", visit_base_table},
	{"EMPTY", visit_nothing},
	{"EXPRESSION_LIST", visit_members},
	{"JOIN", visit_members},
	{"PIVOT", visit_members},
	{"SHOW_REF", visit_show},
	{"SUBQUERY", visit_members},
	{"TABLE_FUNCTION", visit_table_function},
	/* what stands at the end */
	{"DISTINCT_MODIFIER", visit_members},
	{"LIMIT_MODIFIER", visit_members},
	{"LIMIT_PERCENT_MODIFIER", visit_members},
	{"ORDER_MODIFIER", visit_order},
	{"ASCENDING", visit_members},
	{"DESCENDING", visit_members},
	{"ORDER_DEFAULT", visit_members},
	{NULL, NULL},
};

static bool apply_rule(struct walk *walk, const struct rule *rules, const char *name,
		       const json_t *object)
{
	for (const struct rule *rule = rules; rule->name; rule++) {
		if (strcmp(rule->name, name) == 0)
			return rule->visit(walk, object);
	}
	return refuse(walk, object, GUARD_NOT_SELECT, "%s is not available", name);
}

static bool visit_object(struct walk *walk, const json_t *object)
{
	const json_t *class = json_object_get(object, "class");
	const json_t *type = json_object_get(object, "type");
	if (class)
		return apply_rule(walk, expressions, json_string_value(class), object);
	if (json_is_string(type))
		return apply_rule(walk, others, json_string_value(type), object);
	/* A constant: its type is an object. */
	if (type)
		return true;
	return visit_members(walk, object);
}

static bool visit(struct walk *walk, const json_t *value)
{
	size_t i;
	const json_t *item;
	if (json_is_object(value))
		return visit_object(walk, value);
	json_array_foreach(value, i, item)
	{
		if (!visit(walk, item))
			return false;
	}
	return true;
}

bool guard_walk(const json_t *node, const char *sql, const struct query_tables *tables,
		struct guard_findings *findings, GError **error)
{
	g_autoptr(GHashTable) ctes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	struct walk walk = {
		.sql = sql, .tables = tables, .ctes = ctes, .findings = findings, .error = error};
	return visit(&walk, node);
}
