/* The documented names, their aliases, and the names that DuckDB's parser makes of operators. */
#include "query/predicate_functions.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

/* Sorted. Some exist in BigQuery alone; DuckDB says so itself. */
static const char *const allowed[] = {
	// clang-format off
	"abs", "ceil", "ceiling", "char_length", "character_length", "concat", "contains_substr",
	"current_date", "current_time", "current_timestamp", "date", "date_add", "date_diff",
	"date_sub", "date_trunc", "datediff", "datetime", "div", "ends_with", "endswith", "exp",
	"extract", "floor", "format_date", "format_timestamp", "get_current_time", "greatest",
	"if", "ifnull", "iif", "lcase", "least", "len", "length", "ln", "log", "log10", "log2",
	"lower", "ltrim", "mod", "nullif", "nvl", "parse_date", "parse_timestamp", "pow", "power",
	"regexp_contains", "regexp_extract", "regexp_like", "regexp_matches", "regexp_substr",
	"replace", "round", "rtrim", "safe_cast", "sign", "signum", "sqrt", "starts_with",
	"startswith", "substr", "substring", "time", "timestamp", "today", "trim", "ucase",
	"unix_millis", "unix_seconds", "upper", "xor",
	// clang-format on
};

/* Sorted. What operators and pieces of syntax are called in the tree. */
static const char *const operators[] = {
	// clang-format off
	"!~~", "!~~*", "%", "&", "*", "**", "+", "-", "/", "//", "<<", ">>", "@", "^", "^@",
	"contains",          /* x IN list */
	"date_part",         /* EXTRACT */
	"ilike_escape", "like_escape", "not_ilike_escape", "not_like_escape",
	"regexp_full_match", /* SIMILAR TO */
	"row",               /* (a, b) */
	"timezone",          /* AT TIME ZONE */
	/* INTERVAL 30 DAY */
	"to_centuries", "to_days", "to_decades", "to_hours", "to_microseconds", "to_millennia",
	"to_milliseconds", "to_minutes", "to_months", "to_quarters", "to_seconds", "to_weeks",
	"to_years", "trunc", "|", "||", "~", "~~", "~~*", "~~~",
	// clang-format on
};

enum { LONGEST_NAME = 32 }; /* longer than any name above */

static int compare_names(const void *key, const void *entry)
{
	return strcmp(key, *(const char *const *)entry);
}

bool predicate_function_allowed(const char *name)
{
	if (strlen(name) > LONGEST_NAME)
		return false;
	g_autofree char *lower = g_ascii_strdown(name, -1);
	return bsearch(lower, allowed, G_N_ELEMENTS(allowed), sizeof *allowed, compare_names) ||
	       bsearch(lower, operators, G_N_ELEMENTS(operators), sizeof *operators, compare_names);
}

char *predicate_function_shown(const char *name)
{
	static const struct {
		const char *name, *shown;
	} others[] = {
		{"->", "JSON_EXTRACT"},	 {"->>", "JSON_EXTRACT_SCALAR"}, {"count_star", "COUNT"},
		{"list_value", "ARRAY"}, {"struct_pack", "STRUCT"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		if (g_ascii_strcasecmp(name, others[i].name) == 0)
			return g_strdup(others[i].shown);
	}
	return g_ascii_strup(name, -1);
}
