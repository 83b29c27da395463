/* One statement that turns the rows of "profiled" into the profile. */
#include "engine/profile_report.h"

#include "base/error.h"
#include "duck/query.h"

/* What the alerts look at: a row for each column. */
#define LIMITS                                                                                \
	"WITH limits AS (SELECT CAST(? AS BIGINT) AS categorical, CAST(? AS BIGINT) AS many," \
	"  CAST(? AS DOUBLE) AS high_missing, CAST(? AS DOUBLE) AS some_missing,"             \
	"  CAST(? AS DOUBLE) AS imbalance),"

#define COLUMNS                                                                  \
	" m AS (SELECT p.*, limits.*, n.measured, n.measured - nulls AS filled," \
	"    share(n.measured - nulls, n.measured) AS completeness,"             \
	"    share(uniques, n.measured - nulls) AS unique_pct,"                  \
	"    round(100 - share(n.measured - nulls, n.measured), 2) AS missing,"  \
	"    CAST(stats ->> '$.zeros_pct' AS DOUBLE) AS zeros_pct,"              \
	"    CAST(stats ->> '$.top_values[0].pct' AS DOUBLE) AS top_pct"         \
	"  FROM profiled AS p, limits, (SELECT getvariable('measured_rows') AS measured) AS n),"

/* In the order in which they are shown; a table without rows has none. */
#define ALERTS                                                                                 \
	" alerted AS (SELECT *, list_filter(["                                                 \
	"    CASE WHEN uniques = 1 AND nulls = 0 THEN 'constant' END,"                         \
	"    CASE WHEN unique_pct = 100 AND nulls = 0 AND filled > 0 THEN 'unique' END,"       \
	"    CASE WHEN measured = 0 THEN NULL WHEN missing > high_missing THEN 'high_missing'" \
	"      WHEN missing > some_missing THEN 'missing' END,"                                \
	"    CASE WHEN zeros_pct > 50 THEN 'zeros' END,"                                       \
	"    CASE WHEN category = 'STRING' AND uniques <= categorical AND top_pct > imbalance" \
	"      THEN 'imbalance' END,"                                                          \
	"    CASE WHEN category = 'STRING' AND uniques > categorical AND uniques > many"       \
	"      THEN 'high_cardinality' END], lambda alert: alert IS NOT NULL) AS alerts FROM m),"

#define MESSAGES                                                                                  \
	" told AS (SELECT position, nth, json_object('column', name, 'type', alert,"              \
	"    'message', name || CASE alert"                                                       \
	"      WHEN 'constant' THEN ' is constant (single value)'"                                \
	"      WHEN 'unique' THEN ' has all unique values'"                                       \
	"      WHEN 'zeros' THEN ' has ' || zeros_pct || '% zero values'"                         \
	"      WHEN 'imbalance' THEN ' is highly imbalanced (top value ' || top_pct || '%)'"      \
	"      WHEN 'high_cardinality' THEN ' has high cardinality (' || uniques || ' distinct)'" \
	"      ELSE ' has ' || missing || '% missing values' END) AS alert"                       \
	"  FROM (SELECT *, unnest(alerts) AS alert, generate_subscripts(alerts, 1) AS nth"        \
	"    FROM alerted)),"

/* The member that holds the statistics has another name for each category. */
#define OBJECTS                                                                               \
	" objects AS (SELECT position, json_object('name', cut(name), 'type', type,"          \
	"    'type_category', category, 'completeness_pct', completeness,"                    \
	"    'null_count', nulls, 'unique_count', uniques, 'unique_pct', unique_pct,"         \
	"    'sample_values', coalesce(samples, []), 'is_primary_key', is_key,"               \
	"    'alerts', alerts) AS base, stats_key, stats FROM alerted),"                      \
	" whole AS (SELECT position, CAST(CASE WHEN stats IS NULL THEN base ELSE"             \
	"    left(base, length(base) - 1) || ',\"' || stats_key || '\":' || stats || '}' END" \
	"    AS JSON) AS object FROM objects),"

#define TABLE                                                                                        \
	" dates AS (SELECT json_object('earliest', stats -> 'earliest',"                             \
	"    'latest', stats -> 'latest', 'span_days', stats -> 'span_days') AS range"               \
	"  FROM profiled WHERE category IN ('DATE', 'TIMESTAMP')"                                    \
	"    AND (stats ->> 'earliest') IS NOT NULL ORDER BY position LIMIT 1),"                     \
	" sums AS (SELECT count(*) AS columns, round(avg(completeness), 2) AS completeness,"         \
	"    CAST(sum(nulls) AS BIGINT) AS missing FROM m),"                                         \
	" types AS (SELECT map(list(category ORDER BY first), list(n ORDER BY first)) AS types FROM" \
	"    (SELECT category, count(*) AS n, min(position) AS first FROM m GROUP BY category))"

static const char report_sql[] = LIMITS COLUMNS ALERTS MESSAGES OBJECTS TABLE
	" SELECT CAST(json_object('table_id', ?, 'description', ?, 'primary_key', ?,"
	"  'sync_strategy', ?, 'row_count', r.rows, 'column_count', columns,"
	"  'file_size_mb', round(r.bytes / 1048576::DOUBLE, 2),"
	"  'avg_completeness', completeness, 'missing_cells', missing,"
	"  'missing_cells_pct', share(missing, r.measured * columns), 'duplicate_rows', r.duplicates,"
	"  'variable_types', types, 'date_range', (SELECT range FROM dates),"
	"  'alerts', (SELECT coalesce(list(alert ORDER BY position, nth), []) FROM told),"
	"  'sampled', r.measured < r.rows, 'last_sync', ?, 'related_tables', CAST('[]' AS JSON),"
	"  'used_by_metrics', CAST(? AS JSON),"
	"  'columns', (SELECT list(object ORDER BY position) FROM whole),"
	"  'sample_rows', CAST(? AS JSON)) AS VARCHAR)"
	" FROM sums, types, (SELECT CAST(? AS BIGINT) AS rows, CAST(? AS BIGINT) AS measured,"
	"  CAST(? AS BIGINT) AS duplicates, CAST(? AS BIGINT) AS bytes) AS r";

char *profile_report(struct duck_connection *connection, const struct profile_request *request,
		     const struct profile_facts *facts, GError **error)
{
	const struct profile_limits *limits = request->limits;
	g_autoptr(duck_rows) rows = duck_query(
		connection, error, report_sql, "iidddsssssssiiii",
		(int64_t)limits->max_categorical_distinct, (int64_t)limits->high_cardinality,
		limits->high_missing_pct, limits->missing_pct, limits->imbalance_pct,
		request->table, request->description ? request->description : "",
		request->primary_key ? request->primary_key : "",
		request->sync_strategy ? request->sync_strategy : "none", request->last_sync,
		request->used_by ? request->used_by : "[]", facts->sample_rows, facts->rows,
		facts->measured, facts->duplicates, facts->size_bytes);
	if (!rows)
		return NULL;
	if (!duck_rows_next(rows) || duck_rows_is_null(rows, 0)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED,
			    "the profile of '%s' came out empty", request->table);
		return NULL;
	}
	return g_strdup(duck_rows_text(rows, 0));
}
