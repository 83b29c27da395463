/* Scalars are written as the API always has; nested values become JSON. */
#include "query/cells.h"

#include "duck/query.h"
#include "duck/sql.h"

#include <string.h>

/* Six digits of a second or none; intervals in days of which a month has thirty. */
static const char *const macros[] = {
	"cell_timestamp(t) AS CASE WHEN isfinite(t) AND microsecond(t) % 1000000 <> 0 "
	"THEN strftime(t, '%Y-%m-%d %H:%M:%S.%f') ELSE t::VARCHAR END",
	"cell_timestamptz(t) AS CASE WHEN isfinite(t) THEN "
	"cell_timestamp(t AT TIME ZONE 'UTC') || '+00:00' ELSE t::VARCHAR END",
	"cell_time(t) AS CASE WHEN microsecond(t) % 1000000 <> 0 THEN "
	"rpad(t::VARCHAR, 15, '0') ELSE t::VARCHAR END",
	"cell_timetz(t) AS regexp_replace(t::VARCHAR, '([+-]\\d\\d)$', '\\1:00')",
	"cell_clock(us) AS (us // 3600000000) || ':' || "
	"lpad(((us // 60000000) % 60)::VARCHAR, 2, '0') || ':' || "
	"lpad(((us // 1000000) % 60)::VARCHAR, 2, '0') || CASE WHEN us % 1000000 = 0 THEN '' ELSE "
	"'.' || lpad((us % 1000000)::VARCHAR, 6, '0') END",
	"cell_days(days) AS CASE days WHEN 0 THEN '' WHEN 1 THEN '1 day, ' WHEN -1 THEN "
	"'-1 day, ' ELSE days || ' days, ' END",
	"cell_interval(i) AS "
	"cell_days(floor(epoch_us(i) / 86400000000)::BIGINT) || cell_clock(epoch_us(i) - "
	"floor(epoch_us(i) / 86400000000)::BIGINT * 86400000000)",
	"sample_date(d) AS CASE WHEN isfinite(d) THEN d::VARCHAR || 'T00:00:00' ELSE "
	"d::VARCHAR END",
	"sample_timestamp(t) AS replace(cell_timestamp(t), ' ', 'T')",
	"sample_timestamptz(t) AS replace(cell_timestamptz(t), ' ', 'T')",
};

/* Types that json_array() does not write as we want it. */
struct rule {
	const char *type;
	const char *before, *after;
};

static const struct rule query_rules[] = {
	{"TIMESTAMP WITH TIME ZONE", "cell_timestamptz(", ")"},
	{"TIMESTAMP", "cell_timestamp(", "::TIMESTAMP)"},
	{"TIME WITH TIME ZONE", "cell_timetz(", ")"},
	{"TIME_NS", "", "::VARCHAR"},
	{"TIME", "cell_time(", ")"},
	{"INTERVAL", "cell_interval(", ")"},
	{"FLOAT", "", "::DOUBLE"},
	{"DECIMAL", "", "::VARCHAR"},
	{"BIGNUM", "", "::VARCHAR"},
	{"BLOB", "'b''' || ", "::VARCHAR || ''''"},
	{"JSON", "", "::VARCHAR"},
	{"OTHER", "", "::VARCHAR"},
	{NULL, NULL, NULL},
};

static const struct rule sample_rules[] = {
	{"DATE", "sample_date(", ")"},
	{"TIMESTAMP WITH TIME ZONE", "sample_timestamptz(", ")"},
	{"TIMESTAMP", "sample_timestamp(", "::TIMESTAMP)"},
	{"INTERVAL", "epoch(", ")"},
	{"HUGEINT", "", "::DOUBLE"},
	{"UHUGEINT", "", "::DOUBLE"},
	{"DECIMAL", "", "::DOUBLE"},
	{"BIGNUM", "", "::DOUBLE"},
	{"BLOB", "base64(", ")"},
	{NULL, NULL, NULL},
};

bool cells_define(struct duck_connection *connection, enum cells_scope scope, GError **error)
{
	const char *kind = scope == CELLS_OF_CONNECTION ? "TEMP MACRO" : "MACRO";
	for (size_t i = 0; i < G_N_ELEMENTS(macros); i++) {
		g_autofree char *sql = duck_sql("CREATE %S %S", kind, macros[i]);
		if (!duck_exec(connection, error, sql, NULL))
			return false;
	}
	return true;
}

/* The first whose name starts the type. */
static const struct rule *find_rule(const struct rule *rules, const char *type)
{
	for (; rules->type; rules++) {
		if (g_str_has_prefix(type, rules->type))
			return rules;
	}
	return NULL;
}

void cells_append(GString *sql, const char *name, const char *type, enum cell_style style)
{
	/* A list or array of anything is nested, whatever its name starts with. */
	const struct rule *rule = NULL;
	bool nested = g_str_has_suffix(type, "]");
	if (!nested && style == CELLS_OF_SAMPLE)
		rule = find_rule(sample_rules, type);
	if (!nested && !rule)
		rule = find_rule(query_rules, type);
	if (rule)
		duck_sql_append(sql, "%S%S%S", rule->before, name, rule->after);
	else
		g_string_append(sql, name);
}
