/*
 * A filter as SQL. The text of a search goes through a regular expression: DuckDB's LIKE tries
 * every way to match several %, so that one request could keep it busy for hours; a regular
 * expression takes time in proportion to the text.
 */
#include "state/knowledge_search.h"

#include "base/error.h"
#include "duck/sql.h"
#include "state/knowledge_sql.h"
#include "state/store.h"

#include <string.h>

/* A condition that grows, and its parameters. */
struct where {
	GString *sql;
	GArray *values;
};

static void where_clear(struct where *where)
{
	g_string_free(where->sql, TRUE);
	g_array_unref(where->values);
}
DEFINE_AUTO(where)

static void add_text(struct where *where, const char *clause, const char *text)
{
	struct duck_value value = {DUCK_TEXT, .text = text};
	if (!text)
		return;
	g_string_append_printf(where->sql, " AND %s", clause);
	g_array_append_val(where->values, value);
}

static void add_list(struct where *where, char **list)
{
	struct duck_value value = {DUCK_LIST, .list = list};
	g_array_append_val(where->values, value);
}

static void add_viewer(struct where *where, const struct knowledge_viewer *viewer)
{
	if (!viewer)
		return;
	g_string_append(where->sql, " AND " KNOWLEDGE_IS_FOR);
	add_list(where, viewer->groups);
	add_list(where, viewer->domains);
}

/* The expression is a literal, so that DuckDB compiles it once. */
static void add_match(struct where *where, const char *expression, const char *text)
{
	if (!text)
		return;
	g_autofree char *pattern = duck_sql(expression, text);
	duck_sql_append(
		where->sql,
		" AND (regexp_matches(title, %S, 'is') OR regexp_matches(content, %S, 'is'))",
		pattern, pattern);
}

static bool within(size_t count, size_t limit, const char *what, GError **error)
{
	if (count <= limit)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
		    "the text to search for has %zu %s; at most %zu are taken", count, what, limit);
	return false;
}

static bool check_filter(const struct knowledge_filter *filter, GError **error)
{
	const char *pattern = filter->pattern ? filter->pattern : "";
	const char *text = filter->text ? filter->text : "";
	size_t wildcards = 0;
	for (const char *at = pattern; *at; at++)
		wildcards += *at == '%' || *at == '_';
	return within(MAX(strlen(pattern), strlen(text)), KNOWLEDGE_PATTERN_MAX, "bytes", error) &&
	       within(wildcards, KNOWLEDGE_WILDCARDS_MAX, "wildcards (% and _)", error);
}

static bool where_init(struct where *where, const struct knowledge_filter *filter, GError **error)
{
	where->sql = g_string_new("WHERE TRUE");
	where->values = g_array_new(FALSE, FALSE, sizeof(struct duck_value));
	if (!check_filter(filter, error))
		return false;
	if (filter->statuses) {
		g_string_append(where->sql, " AND list_contains(?::VARCHAR[], status)");
		add_list(where, filter->statuses);
	}
	add_text(where, "category = ?", filter->category);
	add_text(where, "domain = ?", filter->domain);
	add_text(where, "source_type = ?", filter->source_type);
	add_text(where, "source_user = ?", filter->source_user);
	add_text(where, "coalesce(nullif(audience, ''), 'all') = ?", filter->audience);
	add_match(where, "replace(replace(regexp_escape(%L), '\\%%', '.*'), '_', '.')",
		  filter->pattern);
	add_match(where, "regexp_escape(%L)", filter->text);
	if (filter->exclude_personal)
		g_string_append(where->sql, " AND is_personal IS DISTINCT FROM TRUE");
	if (filter->only_duplicates)
		g_string_append(where->sql, " AND " KNOWLEDGE_IS_DUPLICATE);
	add_viewer(where, filter->viewer);
	return true;
}

static const struct duck_value *values_of(const struct where *where)
{
	return (const struct duck_value *)where->values->data;
}

static void add_page(struct where *where, const struct knowledge_filter *filter)
{
	int64_t limit = filter->limit > 0 ? MIN(filter->limit, KNOWLEDGE_PAGE_MAX) : KNOWLEDGE_PAGE;
	duck_sql_append(where->sql, " " KNOWLEDGE_NEWEST_FIRST " LIMIT %l OFFSET %l", (gint64)limit,
			(gint64)MAX(filter->offset, 0));
}

GPtrArray *knowledge_search(struct state *state, const struct knowledge_filter *filter,
			    GError **error)
{
	g_auto(where) where = {0};
	if (!where_init(&where, filter, error))
		return NULL;
	add_page(&where, filter);
	return store_query_values(state, &knowledge_item_type, where.sql->str, values_of(&where),
				  where.values->len, error);
}

/* Runs what stands before and after the condition. */
static struct duck_rows *aggregate(struct state_session *session, struct state *state,
				   const struct knowledge_filter *filter, const char *before,
				   const char *after, GError **error)
{
	g_auto(where) where = {0};
	if (!where_init(&where, filter, error) ||
	    !state_session_begin(session, state, STATE_READ, error))
		return NULL;
	g_autofree char *sql = duck_sql("%S FROM knowledge_items %S%S", before, where.sql->str,
					after);
	return duck_query_values(session->connection, sql, values_of(&where), where.values->len,
				 error);
}

int64_t knowledge_search_count(struct state *state, const struct knowledge_filter *filter,
			       GError **error)
{
	g_auto(state_session) session = {0};
	g_autoptr(duck_rows)
		rows = aggregate(&session, state, filter, "SELECT count(*)", "", error);
	return rows && duck_rows_next(rows) ? duck_rows_int(rows, 0) : -1;
}

static const char *const axis_keys[] = {
	[KNOWLEDGE_BY_STATUS] = "coalesce(status, 'unknown')",
	[KNOWLEDGE_BY_DOMAIN] = "coalesce(domain, 'unset')",
	[KNOWLEDGE_BY_SOURCE_TYPE] = "coalesce(source_type, 'unknown')",
	[KNOWLEDGE_BY_AUDIENCE] = "coalesce(audience, 'all')",
	[KNOWLEDGE_BY_CATEGORY] = "nullif(category, '')",
	[KNOWLEDGE_BY_TAG] = ("regexp_extract(unnest(from_json(tags, '[\"JSON\"]'))::VARCHAR, "
			      "'^\"?(.*?)\"?$', 1)"),
};

json_t *knowledge_search_counts(struct state *state, const struct knowledge_filter *filter,
				enum knowledge_axis axis, GError **error)
{
	g_auto(state_session) session = {0};
	g_autofree char *before = duck_sql("SELECT key, count(*) FROM (SELECT %S AS key",
					   axis_keys[axis]);
	g_autoptr(duck_rows) rows = aggregate(
		&session, state, filter, before,
		") WHERE key IS NOT NULL GROUP BY key ORDER BY count(*) DESC, key", error);
	if (!rows)
		return NULL;
	json_t *counts = json_object();
	while (duck_rows_next(rows))
		json_object_set_new(counts, duck_rows_text(rows, 0),
				    json_integer(duck_rows_int(rows, 1)));
	return counts;
}
