/*
 * SQL that measures a column: the same statements for each, over a view "filled" of its values that
 * are not null, under the name "value". What a statement must know beyond it (limits) are variables
 * of the session.
 */
#include "engine/profile_column.h"

#include "base/error.h"
#include "duck/query.h"
#include "duck/sql.h"

#include <string.h>

/*
 * Percentages and floats have two decimals, and what is no finite number is null. Integers that a
 * reader with 64 bits could not hold are given as floats. Text that comes from cells is bounded,
 * and without NUL, which many readers of JSON refuse.
 */
static const char setup_sql[] =
	"CREATE TEMP TABLE profiled (position BIGINT, name VARCHAR, type VARCHAR,"
	"  category VARCHAR, is_key BOOLEAN, nulls BIGINT, uniques BIGINT,"
	"  samples VARCHAR[], stats_key VARCHAR, stats JSON);"
	"CREATE TEMP MACRO share(part, whole) AS"
	"  CASE WHEN whole > 0 THEN round(100::DOUBLE * part / whole, 2) ELSE 0::DOUBLE END;"
	"CREATE TEMP MACRO real_number(x) AS CASE WHEN isfinite(x) THEN round(x, 2) END;"
	"CREATE TEMP MACRO any_number(x) AS CASE"
	"  WHEN typeof(x) IN ('FLOAT', 'DOUBLE') OR typeof(x) LIKE 'DECIMAL%'"
	"    THEN to_json(real_number(CAST(x AS DOUBLE)))"
	"  WHEN TRY_CAST(x AS BIGINT) IS NOT NULL THEN to_json(TRY_CAST(x AS BIGINT))"
	"  ELSE to_json(CAST(x AS DOUBLE)) END;"
	"CREATE TEMP MACRO cut(text) AS replace("
	"  CASE WHEN length(text) > 1000 THEN left(text, 999) || '…' ELSE text END, chr(0), '�');"
	"CREATE TEMP MACRO shown(x) AS cut(CAST(x AS VARCHAR));"
	"CREATE TEMP MACRO bin_edge(x) AS CASE"
	"  WHEN abs(x) >= 1e15 THEN printf('%.1e', x)"
	"  WHEN abs(x) >= 1e9 THEN printf('%.1fB', x / 1e9)"
	"  WHEN abs(x) >= 1e6 THEN printf('%.1fM', x / 1e6)"
	"  WHEN abs(x) >= 1e3 THEN printf('%.1fK', x / 1e3)"
	"  WHEN round(x, 2) = round(x) THEN CAST(CAST(round(x) AS BIGINT) AS VARCHAR)"
	"  ELSE printf('%.2f', x) END;";

/*
 * Sums of values beyond 1e150 overflow, and DuckDB then fails instead of giving infinity; with such
 * values, as with NaN, there is no mean and no deviation.
 */
#define TAME "abs(x) < 1e150"

/* From "a", what is known of all values, and "b", how many fall into each bin. */
#define NUMERIC_OBJECT                                                                               \
	" h AS (SELECT list(bin_edge(first + i * width) || '-' || bin_edge(first + (i + 1) * width)" \
	"    ORDER BY i) AS bins, list(coalesce(n, 0) ORDER BY i) AS counts"                         \
	"  FROM range(getvariable('bins')) AS r(i) CROSS JOIN w LEFT JOIN b ON bin = i)"             \
	"SELECT json_object('min', any_number(low), 'max', any_number(high),"                        \
	"  'mean', CASE WHEN tame THEN real_number(mean) END, 'median', real_number(q[3]),"          \
	"  'stddev', CASE WHEN tame THEN real_number(deviation) END,"                                \
	"  'p5', real_number(q[1]), 'p25', real_number(q[2]),"                                       \
	"  'p75', real_number(q[4]), 'p95', real_number(q[5]),"                                      \
	"  'zeros', zeros, 'zeros_pct', share(zeros, a.filled),"                                     \
	"  'negative', negative, 'negative_pct', share(negative, a.filled),"                         \
	"  'histogram', json_object('bins', coalesce(bins, []), 'counts', coalesce(counts, [])))"    \
	"FROM a, h"

#define BIN_WIDTH                                                                                \
	" w AS MATERIALIZED (SELECT first, (last - first) / getvariable('bins') AS width FROM a" \
	"  WHERE last > first AND isfinite(last - first)),"
#define BIN "CAST(least(floor((x - first) / width), getvariable('bins') - 1) AS BIGINT) AS bin"

static const char numeric_sql[] =
	"WITH a AS MATERIALIZED (SELECT count(*) AS filled, min(value) AS low, max(value) AS high,"
	"    count(*) FILTER (NOT " TAME ") = 0 AS tame, avg(x) FILTER (" TAME ") AS mean,"
	"    stddev_samp(x) FILTER (" TAME ") AS deviation,"
	"    quantile_cont(x, [0.05, 0.25, 0.5, 0.75, 0.95]) AS q,"
	"    count(*) FILTER (x = 0) AS zeros, count(*) FILTER (x < 0) AS negative,"
	"    min(x) FILTER (isfinite(x)) AS first, max(x) FILTER (isfinite(x)) AS last"
	"  FROM (SELECT value, CAST(value AS DOUBLE) AS x FROM filled))," BIN_WIDTH
	" b AS (SELECT " BIN ", count(*) AS n"
	"  FROM (SELECT CAST(value AS DOUBLE) AS x FROM filled), w WHERE isfinite(x) GROUP BY bin)," NUMERIC_OBJECT;

/*
 * The same where values repeat: counting each of them once is several times faster than passing
 * all of them to every function. "c" holds them with their numbers.
 */
static const char repeated_numeric_sql[] =
	"WITH c AS MATERIALIZED (SELECT value, CAST(value AS DOUBLE) AS x, count(*) AS n"
	"  FROM filled GROUP BY value),"
	" s AS MATERIALIZED (SELECT CAST(sum(n) AS BIGINT) AS filled,"
	"    sum(x * n) FILTER (" TAME ") / sum(n) AS mean FROM c),"
	" p AS (SELECT part, part * (filled - 1) AS place"
	"  FROM s, (SELECT unnest([0.05, 0.25, 0.5, 0.75, 0.95]) AS part)),"
	" q AS (SELECT list(below + (above - below) * (place - floor(place)) ORDER BY part) AS q"
	"  FROM (SELECT part, place, min(x) FILTER (upto > floor(place)) AS below,"
	"      min(x) FILTER (upto > ceil(place)) AS above"
	"    FROM p, (SELECT x, sum(n) OVER (ORDER BY x) AS upto FROM c) GROUP BY part, place)),"
	" a AS MATERIALIZED (SELECT s.filled, s.mean, q.q, d.* FROM s, q,"
	"  (SELECT min(value) AS low, max(value) AS high,"
	"    count(*) FILTER (NOT " TAME ") = 0 AS tame,"
	"    sqrt(sum(n * (x - s.mean) ** 2) FILTER (" TAME ") / nullif(sum(n) - 1, 0))"
	"      AS deviation,"
	"    CAST(coalesce(sum(n) FILTER (x = 0), 0) AS BIGINT) AS zeros,"
	"    CAST(coalesce(sum(n) FILTER (x < 0), 0) AS BIGINT) AS negative,"
	"    min(x) FILTER (isfinite(x)) AS first, max(x) FILTER (isfinite(x)) AS last"
	"   FROM c, s) AS d)," BIN_WIDTH " b AS (SELECT " BIN
	", CAST(sum(n) AS BIGINT) AS n FROM c, w WHERE isfinite(x) GROUP BY bin)," NUMERIC_OBJECT;

/* Only a column with few distinct values has its most frequent ones told. */
static const char string_sql[] =
	"WITH a AS (SELECT count(*) AS filled, coalesce(min(n), 0) AS low,"
	"    coalesce(max(n), 0) AS high, coalesce(round(avg(n), 2), 0::DOUBLE) AS mean"
	"  FROM (SELECT CASE WHEN typeof(value) = 'BLOB' THEN octet_length(CAST(value AS BLOB))"
	"    ELSE length(CAST(value AS VARCHAR)) END AS n FROM filled)),"
	" t AS (SELECT shown(value) AS text, count(*) AS n FROM filled"
	"  WHERE getvariable('categorical') GROUP BY value"
	"  ORDER BY n DESC, text LIMIT getvariable('top_values'))"
	"SELECT json_object('min_length', low, 'max_length', high, 'avg_length', mean,"
	"  'top_values', (SELECT coalesce(list(json_object('value', text, 'count', n,"
	"    'pct', share(n, a.filled)) ORDER BY n DESC, text), []) FROM t)) FROM a";

/* A column of nonsense could fill every quarter of all times: the fullest ones are enough. */
static const char date_sql[] =
	"WITH d AS NOT MATERIALIZED (SELECT CAST(value AS DATE) AS day FROM filled"
	"    WHERE isfinite(value)),"
	" a AS (SELECT min(day) AS first, max(day) AS last FROM d),"
	" b AS (SELECT year(day) AS y, quarter(day) AS q, count(*) AS n FROM d GROUP BY y, q"
	"  ORDER BY n DESC, y, q LIMIT 1000),"
	" h AS (SELECT list(printf('%04d-Q%d', y, q) ORDER BY y, q) AS bins,"
	"    list(n ORDER BY y, q) AS counts FROM b)"
	"SELECT json_object('earliest', strftime(first, '%Y-%m-%d'),"
	"  'latest', strftime(last, '%Y-%m-%d'), 'span_days', last - first,"
	"  'histogram', json_object('bins', coalesce(bins, []), 'counts', coalesce(counts, [])))"
	"FROM a, h";

static const char boolean_sql[] =
	"SELECT json_object('true_count', yes, 'false_count', no, 'true_pct', share(yes, yes + no))"
	"FROM (SELECT count(*) FILTER (value) AS yes, count(*) FILTER (NOT value) AS no FROM filled)";

static const struct profile_category boolean_category = {"BOOLEAN", "boolean_stats", boolean_sql},
				     date_category = {"DATE", "date_stats", date_sql},
				     timestamp_category = {"TIMESTAMP", "date_stats", date_sql},
				     numeric_category = {"NUMERIC", "numeric_stats", numeric_sql,
							 repeated_numeric_sql},
				     string_category = {"STRING", "string_stats", string_sql};

static const struct profile_category *category_of(const char *type)
{
	static const char *const numeric[] = {
		"FLOAT",    "DOUBLE",	 "DECIMAL",  "REAL", "FLOAT4", "FLOAT8",
		"NUMERIC",  "HUGEINT",	 "INTEGER",  "INT",  "BIGINT", "SMALLINT",
		"TINYINT",  "INT1",	 "INT2",     "INT4", "INT8",   "UBIGINT",
		"UINTEGER", "USMALLINT", "UTINYINT", NULL,
	};
	g_autofree char *head = g_strndup(type, strcspn(type, "("));
	if (g_str_has_suffix(type, "]"))
		return &string_category;
	if (strcmp(type, "BOOLEAN") == 0 || strcmp(type, "BOOL") == 0)
		return &boolean_category;
	if (strcmp(type, "DATE") == 0)
		return &date_category;
	if (g_str_has_prefix(type, "TIMESTAMP"))
		return &timestamp_category;
	return g_strv_contains(numeric, head) ? &numeric_category : &string_category;
}

struct profile_column *profile_column_new(const char *name, const char *type)
{
	struct profile_column *column = g_new0(struct profile_column, 1);
	column->name = g_strdup(name);
	column->type = g_strdup(type);
	column->category = category_of(type);
	return column;
}

void profile_column_free(struct profile_column *column)
{
	if (!column)
		return;
	g_free(column->name);
	g_free(column->type);
	g_free(column);
}

bool profile_columns_prepare(struct duck_connection *connection, GError **error)
{
	return duck_exec(connection, error, setup_sql, NULL);
}

/* Some values: of all when that is cheap, else of the first ones. */
static const char *samples_sql(bool few)
{
	return few ? "SELECT list(shown(value)) FROM (SELECT DISTINCT value FROM filled"
		     "  LIMIT getvariable('sample_values'))"
		   : "SELECT list(shown(value)) FROM (SELECT DISTINCT value FROM"
		     "  (SELECT value FROM filled LIMIT 10000) LIMIT getvariable('sample_values'))";
}

static bool add_row(struct duck_connection *connection, const struct profile_column *column,
		    gint64 position, const int64_t counts[2], const char *stats, bool few,
		    GError **error)
{
	g_autofree char *sql = duck_sql("INSERT INTO profiled SELECT ?, ?, ?, ?, ?,"
					"  getvariable('measured_rows') - ?, ?, (%S), ?, (%S)",
					samples_sql(few), stats);
	return duck_exec(connection, error, sql, "isssbiis", (int64_t)position, column->name,
			 column->type, column->category->name, column->key, counts[0], counts[1],
			 column->category->stats_key);
}

/* A value or type that a function cannot take, not a broken file or a machine at its limits. */
static bool is_of_column(const GError *error)
{
	return g_error_matches(error, AGNES_ERROR, AGNES_ERROR_INVALID) ||
	       g_error_matches(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED);
}

/* The statement for these numbers of values and of distinct ones. */
static const char *stats_sql(const struct profile_category *category, const int64_t counts[2])
{
	enum { MOST_COUNTED = 100000, LEAST_REPEATED = 4 };
	bool repeated = counts[1] <= MOST_COUNTED && counts[0] / LEAST_REPEATED >= counts[1];
	return category->repeated && repeated && counts[0] > 0 ? category->repeated
							       : category->stats;
}

bool profile_column_measure(struct duck_connection *connection, const struct profile_column *column,
			    gint64 position, gint64 max_categorical, GError **error)
{
	enum { FEW = 1000 };
	g_autoptr(GError) problem = NULL;
	g_autofree char *view = duck_sql("CREATE OR REPLACE TEMP VIEW filled AS SELECT %I AS value "
					 "FROM source WHERE %I IS NOT NULL",
					 column->name, column->name);
	if (!duck_exec(connection, error, view, NULL))
		return false;
	g_autoptr(duck_rows) rows = duck_query(
		connection, error, "SELECT count(*), count(DISTINCT value) FROM filled", NULL);
	if (!rows || !duck_rows_next(rows))
		return false;
	int64_t counts[] = {duck_rows_int(rows, 0), duck_rows_int(rows, 1)};
	bool few = counts[1] <= FEW;
	if (!duck_exec(connection, error,
		       counts[1] <= max_categorical ? "SET VARIABLE categorical = true"
						    : "SET VARIABLE categorical = false",
		       NULL))
		return false;
	if (add_row(connection, column, position, counts, stats_sql(column->category, counts), few,
		    &problem))
		return true;
	if (!is_of_column(problem)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	g_warning("column '%s' (%s) has no statistics: %s", column->name, column->type,
		  problem->message);
	return add_row(connection, column, position, counts, "NULL", few, error);
}
