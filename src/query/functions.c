/*
 * The functions of DuckDB 1.5, each looked at once: what it reads or changes beside its arguments
 * decides. A test compares these lists with the library, so that a newer DuckDB brings up its new
 * functions.
 */
#include "query/functions.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

/* The lists of whole names are sorted, for bsearch(). */

/* Scalar functions, operators, aggregates, window functions and macros. */
static const char *const allowed[] = {
	// clang-format off
	"!__postfix", "!~~", "!~~*", "%", "&", "&&", "*", "**", "+", "-", "->>", "/", "//", "<->",
	"<<", "<=>", "<@", ">>", "@", "@>", "^", "^@", "abs", "acos", "acosh", "add", "age",
	"aggregate", "ago", "alias", "any_value", "apply", "approx_count_distinct",
	"approx_quantile", "approx_top_k", "arbitrary", "arg_max", "arg_max_null",
	"arg_max_nulls_last", "arg_min", "arg_min_null", "arg_min_nulls_last", "argmax", "argmin",
	"array_agg", "array_aggr", "array_aggregate", "array_append", "array_apply", "array_cat",
	"array_concat", "array_contains", "array_cosine_distance", "array_cosine_similarity",
	"array_cross_product", "array_distance", "array_distinct", "array_dot_product",
	"array_extract", "array_filter", "array_grade_up", "array_has", "array_has_all",
	"array_has_any", "array_indexof", "array_inner_product", "array_intersect",
	"array_length", "array_negative_dot_product", "array_negative_inner_product",
	"array_pop_back", "array_pop_front", "array_position", "array_prepend", "array_push_back",
	"array_push_front", "array_reduce", "array_resize", "array_reverse", "array_reverse_sort",
	"array_select", "array_slice", "array_sort", "array_to_json", "array_to_string",
	"array_to_string_comma_default", "array_transform", "array_unique", "array_value",
	"array_where", "array_zip", "ascii", "asin", "asinh", "atan", "atan2", "atanh", "avg",
	"bar", "base64", "bin", "bit_and", "bit_count", "bit_length", "bit_or", "bit_position",
	"bit_xor", "bitstring", "bitstring_agg", "bool_and", "bool_or", "cardinality", "cbrt",
	"ceil", "ceiling", "century", "char_length", "character_length", "chr", "concat",
	"concat_ws", "contains", "corr", "cos", "cosh", "cot", "count", "count_if", "count_star",
	"countif", "covar_pop", "covar_samp", "cume_dist", "current_date", "current_localtime",
	"current_localtimestamp", "damerau_levenshtein", "date_add", "date_diff", "date_part",
	"date_sub", "date_trunc", "datediff", "datepart", "datesub", "datetrunc", "day",
	"dayname", "dayofmonth", "dayofweek", "dayofyear", "days_in_month", "decade", "decode",
	"degrees", "dense_rank", "divide", "editdist3", "element_at", "encode", "ends_with",
	"entropy", "enum_code", "enum_first", "enum_last", "enum_range", "enum_range_boundary",
	"epoch", "epoch_ms", "epoch_ns", "epoch_us", "equi_width_bins", "era", "error", "even",
	"exp", "factorial", "favg", "fdiv", "fill", "filter", "first", "first_value", "flatten",
	"floor", "fmod", "format", "format_bytes", "formatreadabledecimalsize",
	"formatreadablesize", "from_base64", "from_binary", "from_hex", "from_json",
	"from_json_strict", "fsum", "gamma", "gcd", "gen_random_uuid", "generate_series",
	"generate_subscripts", "geomean", "geometric_mean", "get_bit", "get_current_time",
	"get_current_timestamp", "grade_up", "greatest", "greatest_common_divisor",
	"group_concat", "hamming", "hash", "hex", "histogram", "histogram_exact", "hour",
	"ilike_escape", "instr", "is_histogram_other_bin", "isfinite", "isinf", "isnan", "isodow",
	"isoyear", "jaccard", "jaro_similarity", "jaro_winkler_similarity", "json", "json_array",
	"json_array_length", "json_contains", "json_exists", "json_extract", "json_extract_path",
	"json_extract_path_text", "json_extract_string", "json_group_array", "json_group_object",
	"json_group_structure", "json_keys", "json_merge_patch", "json_object", "json_pretty",
	"json_quote", "json_structure", "json_transform", "json_transform_strict", "json_type",
	"json_valid", "json_value", "julian", "kahan_sum", "kurtosis", "kurtosis_pop", "lag",
	"last", "last_day", "last_value", "lcase", "lcm", "lead", "least",
	"least_common_multiple", "left", "left_grapheme", "len", "length", "length_grapheme",
	"levenshtein", "lgamma", "like_escape", "list", "list_aggr", "list_aggregate",
	"list_any_value", "list_append", "list_apply", "list_approx_count_distinct", "list_avg",
	"list_bit_and", "list_bit_or", "list_bit_xor", "list_bool_and", "list_bool_or",
	"list_cat", "list_concat", "list_contains", "list_cosine_distance",
	"list_cosine_similarity", "list_count", "list_distance", "list_distinct",
	"list_dot_product", "list_element", "list_entropy", "list_extract", "list_filter",
	"list_first", "list_grade_up", "list_has", "list_has_all", "list_has_any",
	"list_histogram", "list_indexof", "list_inner_product", "list_intersect", "list_kurtosis",
	"list_kurtosis_pop", "list_last", "list_mad", "list_max", "list_median", "list_min",
	"list_mode", "list_negative_dot_product", "list_negative_inner_product", "list_pack",
	"list_position", "list_prepend", "list_product", "list_reduce", "list_resize",
	"list_reverse", "list_reverse_sort", "list_select", "list_sem", "list_skewness",
	"list_slice", "list_sort", "list_stddev_pop", "list_stddev_samp", "list_string_agg",
	"list_sum", "list_transform", "list_unique", "list_value", "list_var_pop",
	"list_var_samp", "list_where", "list_zip", "listagg", "ln", "log", "log10", "log2",
	"lower", "lpad", "ltrim", "mad", "make_date", "make_time", "make_timestamp",
	"make_timestamp_ms", "make_timestamp_ns", "make_timestamptz", "map", "map_concat",
	"map_contains", "map_contains_entry", "map_contains_value", "map_entries", "map_extract",
	"map_extract_value", "map_from_entries", "map_keys", "map_values", "max", "max_by", "md5",
	"md5_number", "md5_number_lower", "md5_number_upper", "mean", "median", "microsecond",
	"millennium", "millisecond", "min", "min_by", "minute", "mismatches", "mod", "mode",
	"month", "monthname", "multiply", "nanosecond", "nextafter", "nfc_normalize",
	"normalized_interval", "not_ilike_escape", "not_like_escape", "now", "nth_value", "ntile",
	"nullif", "octet_length", "ord", "parse_dirname", "parse_dirpath", "parse_filename",
	"parse_formatted_bytes", "parse_path", "percent_rank", "pg_size_pretty", "pg_typeof",
	"pi", "position", "pow", "power", "prefix", "printf", "product", "quantile",
	"quantile_cont", "quantile_disc", "quarter", "radians", "random", "range", "rank",
	"rank_dense", "reduce", "regexp_escape", "regexp_extract", "regexp_extract_all",
	"regexp_full_match", "regexp_matches", "regexp_replace", "regexp_split_to_array",
	"regexp_split_to_table", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept",
	"regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "repeat", "replace",
	"reservoir_quantile", "reverse", "right", "right_grapheme", "round", "round_even",
	"roundbankers", "row", "row_number", "row_to_json", "rpad", "rtrim", "second", "sem",
	"set_bit", "setseed", "sha1", "sha256", "sign", "signbit", "sin", "sinh", "skewness",
	"split", "split_part", "sqrt", "st_asbinary", "st_astext", "st_aswkb", "st_aswkt",
	"st_crs", "st_geomfromwkb", "st_intersects_extent", "st_setcrs", "starts_with", "stddev",
	"stddev_pop", "stddev_samp", "str_split", "str_split_regex", "strftime", "string_agg",
	"string_split", "string_split_regex", "string_to_array", "strip_accents", "strlen",
	"strpos", "strptime", "struct_concat", "struct_contains", "struct_extract",
	"struct_extract_at", "struct_has", "struct_indexof", "struct_insert", "struct_keys",
	"struct_pack", "struct_position", "struct_update", "struct_values", "substr", "substring",
	"substring_grapheme", "subtract", "suffix", "sum", "sumkahan", "switch", "tan", "tanh",
	"time_bucket", "timezone", "timezone_hour", "timezone_minute", "to_base", "to_base64",
	"to_binary", "to_centuries", "to_days", "to_decades", "to_hex", "to_hours", "to_json",
	"to_microseconds", "to_millennia", "to_milliseconds", "to_minutes", "to_months",
	"to_quarters", "to_seconds", "to_timestamp", "to_weeks", "to_years", "today",
	"transaction_timestamp", "translate", "trim", "trunc", "try_strptime", "typeof", "ucase",
	"unbin", "unhex", "unicode", "union_extract", "union_tag", "union_value", "unnest",
	"upper", "url_decode", "url_encode", "uuid", "uuid_extract_timestamp",
	"uuid_extract_version", "uuidv4", "uuidv7", "var_pop", "var_samp", "variance",
	"variant_extract", "variant_typeof", "version", "wavg", "week", "weekday", "weekofyear",
	"weighted_avg", "xor", "year", "yearweek", "|", "||", "~", "~~", "~~*", "~~~",
	// clang-format on
};

/* What may stand in FROM. */
static const char *const allowed_tables[] = {
	// clang-format off
	"generate_series", "icu_calendar_names", "json_each", "json_tree", "pg_timezone_names",
	"range", "repeat", "repeat_row", "unnest",
	// clang-format on
};

/* Names whose refusal can be explained. Whatever stands in no list is refused all the same. */
static const struct refusal {
	const char *name;
	enum function_verdict verdict;
} refused[] = {
	{"add_parquet_key", FUNCTION_FILES},
	{"all_profiling_output", FUNCTION_SETTINGS},
	{"arrow_scan", FUNCTION_INTERNAL},
	{"arrow_scan_dumb", FUNCTION_INTERNAL},
	{"can_cast_implicitly", FUNCTION_INTERNAL},
	{"cast_to_type", FUNCTION_INTERNAL},
	{"check_peg_parser", FUNCTION_SQL},
	{"checkpoint", FUNCTION_SETTINGS},
	{"col_description", FUNCTION_CATALOG},
	{"collations", FUNCTION_CATALOG},
	{"combine", FUNCTION_INTERNAL},
	{"constant_or_null", FUNCTION_INTERNAL},
	{"copy_database", FUNCTION_FILES},
	{"create_sort_key", FUNCTION_INTERNAL},
	{"csv_scan", FUNCTION_FILES},
	{"current_catalog", FUNCTION_CATALOG},
	{"current_connection_id", FUNCTION_SESSION},
	{"current_database", FUNCTION_CATALOG},
	{"current_query", FUNCTION_SESSION},
	{"current_query_id", FUNCTION_SESSION},
	{"current_role", FUNCTION_SESSION},
	{"current_schema", FUNCTION_CATALOG},
	{"current_schemas", FUNCTION_CATALOG},
	{"current_setting", FUNCTION_SETTINGS},
	{"current_transaction_id", FUNCTION_SESSION},
	{"current_user", FUNCTION_SESSION},
	{"currval", FUNCTION_SEQUENCE},
	{"database_list", FUNCTION_CATALOG},
	{"database_size", FUNCTION_CATALOG},
	{"disable_peg_parser", FUNCTION_INTERNAL},
	{"disable_verification", FUNCTION_INTERNAL},
	{"disable_verify_external", FUNCTION_INTERNAL},
	{"disable_verify_fetch_row", FUNCTION_INTERNAL},
	{"disable_verify_parallelism", FUNCTION_INTERNAL},
	{"disable_verify_serializer", FUNCTION_INTERNAL},
	{"enable_peg_parser", FUNCTION_INTERNAL},
	{"enable_verification", FUNCTION_INTERNAL},
	{"extension_versions", FUNCTION_CATALOG},
	{"finalize", FUNCTION_INTERNAL},
	{"force_checkpoint", FUNCTION_SETTINGS},
	{"format_pg_type", FUNCTION_CATALOG},
	{"format_type", FUNCTION_CATALOG},
	{"functions", FUNCTION_CATALOG},
	{"get_block_size", FUNCTION_SETTINGS},
	{"get_type", FUNCTION_INTERNAL},
	{"getenv", FUNCTION_SETTINGS},
	{"getvariable", FUNCTION_SETTINGS},
	{"glob", FUNCTION_FILES},
	{"histogram", FUNCTION_SQL}, /* in FROM */
	{"histogram_values", FUNCTION_SQL},
	{"icu_sort_key", FUNCTION_INTERNAL},
	{"import_database", FUNCTION_FILES},
	{"in_search_path", FUNCTION_CATALOG},
	{"inet_client_addr", FUNCTION_SESSION},
	{"inet_client_port", FUNCTION_SESSION},
	{"inet_server_addr", FUNCTION_SESSION},
	{"inet_server_port", FUNCTION_SESSION},
	{"json_deserialize_sql", FUNCTION_SQL},
	{"json_execute_serialized_sql", FUNCTION_SQL},
	{"json_scan", FUNCTION_FILES},
	{"json_serialize_plan", FUNCTION_SQL},
	{"json_serialize_sql", FUNCTION_SQL},
	{"list_files", FUNCTION_FILES},
	{"make_type", FUNCTION_INTERNAL},
	{"map_to_pg_oid", FUNCTION_CATALOG},
	{"metadata_info", FUNCTION_CATALOG},
	{"nextval", FUNCTION_SEQUENCE},
	{"obj_description", FUNCTION_CATALOG},
	{"parse_duckdb_log_message", FUNCTION_LOG},
	{"pg_conf_load_time", FUNCTION_SESSION},
	{"pg_is_other_temp_schema", FUNCTION_SESSION},
	{"pg_my_temp_schema", FUNCTION_SESSION},
	{"pg_postmaster_start_time", FUNCTION_SESSION},
	{"pg_sleep", FUNCTION_SLEEP},
	{"platform", FUNCTION_CATALOG},
	{"query", FUNCTION_SQL},
	{"query_table", FUNCTION_SQL},
	{"remap_struct", FUNCTION_INTERNAL},
	{"replace_type", FUNCTION_INTERNAL},
	{"seq_scan", FUNCTION_INTERNAL},
	{"session_user", FUNCTION_SESSION},
	{"shobj_description", FUNCTION_CATALOG},
	{"sleep_ms", FUNCTION_SLEEP},
	{"sniff_csv", FUNCTION_FILES},
	{"sql_auto_complete", FUNCTION_SQL},
	{"st_drivers", FUNCTION_FILES},
	{"st_read", FUNCTION_FILES},
	{"stats", FUNCTION_INTERNAL},
	{"storage_info", FUNCTION_CATALOG},
	{"sum_no_overflow", FUNCTION_INTERNAL},
	{"summary", FUNCTION_INTERNAL},
	{"table_info", FUNCTION_CATALOG},
	{"test_all_types", FUNCTION_INTERNAL},
	{"test_vector_types", FUNCTION_INTERNAL},
	{"timetz_byte_comparable", FUNCTION_INTERNAL},
	{"truncate_duckdb_logs", FUNCTION_SETTINGS},
	{"txid_current", FUNCTION_SESSION},
	{"unpivot_list", FUNCTION_INTERNAL},
	{"user", FUNCTION_SESSION},
	{"user_agent", FUNCTION_CATALOG},
	{"variant_bytes_to_variant", FUNCTION_INTERNAL},
	{"variant_normalize", FUNCTION_INTERNAL},
	{"variant_to_parquet_variant", FUNCTION_INTERNAL},
	{"vector_type", FUNCTION_INTERNAL},
	{"which_secret", FUNCTION_SECRET},
	{"write_log", FUNCTION_LOG},
};

/* The same for all names that start so, when no list has the name itself: the first that fits. */
static const struct refusal refused_prefixes[] = {
	{"__internal_", FUNCTION_INTERNAL},
	{"delta_", FUNCTION_FILES},
	{"disable_", FUNCTION_SETTINGS},
	{"duckdb_secret", FUNCTION_SECRET},
	{"duckdb_", FUNCTION_CATALOG},
	{"enable_", FUNCTION_SETTINGS},
	{"has_", FUNCTION_CATALOG},
	{"iceberg_", FUNCTION_FILES},
	{"icu_collate_", FUNCTION_COLLATION},
	{"mysql_", FUNCTION_FILES},
	{"parquet_", FUNCTION_FILES},
	{"pg_", FUNCTION_CATALOG},
	{"postgres_", FUNCTION_FILES},
	{"pragma_", FUNCTION_CATALOG},
	{"read_", FUNCTION_FILES},
	{"show", FUNCTION_CATALOG},
	{"sqlite_", FUNCTION_FILES},
	{"verify_", FUNCTION_INTERNAL},
	{"write_", FUNCTION_FILES},
};

enum { LONGEST_NAME = 64 }; /* longer than any name above */

static int compare_names(const void *key, const void *entry)
{
	return strcmp(key, *(const char *const *)entry);
}

static int compare_refusals(const void *key, const void *entry)
{
	const struct refusal *refusal = entry;
	return strcmp(key, refusal->name);
}

static bool is_in(const char *name, const char *const *list, size_t count)
{
	return bsearch(name, list, count, sizeof *list, compare_names) != NULL;
}

enum function_verdict function_check(const char *name, bool in_from)
{
	char lower[LONGEST_NAME + 1] = "";
	if (strlen(name) > LONGEST_NAME)
		return FUNCTION_UNKNOWN;
	for (size_t i = 0; name[i]; i++)
		lower[i] = g_ascii_tolower(name[i]);
	if (in_from ? is_in(lower, allowed_tables, G_N_ELEMENTS(allowed_tables))
		    : is_in(lower, allowed, G_N_ELEMENTS(allowed)))
		return FUNCTION_ALLOWED;
	const struct refusal *row = bsearch(lower, refused, G_N_ELEMENTS(refused), sizeof *refused,
					    compare_refusals);
	if (row)
		return row->verdict;
	for (size_t i = 0; i < G_N_ELEMENTS(refused_prefixes); i++) {
		if (g_str_has_prefix(lower, refused_prefixes[i].name))
			return refused_prefixes[i].verdict;
	}
	return FUNCTION_UNKNOWN;
}

const char *function_reason(enum function_verdict verdict)
{
	static const char *const reasons[] = {
		[FUNCTION_ALLOWED] = "is allowed",
		[FUNCTION_UNKNOWN] = "does not exist or is not allowed",
		[FUNCTION_CATALOG] = "shows the engine's catalog",
		[FUNCTION_COLLATION] = "is what COLLATE is for",
		[FUNCTION_FILES] = "reads or writes files",
		[FUNCTION_INTERNAL] = "is for the engine's own use",
		[FUNCTION_LOG] = "uses the engine's log",
		[FUNCTION_SECRET] = "shows secrets",
		[FUNCTION_SEQUENCE] = "changes a sequence",
		[FUNCTION_SESSION] = "tells about the engine's session",
		[FUNCTION_SETTINGS] = "reads or changes settings",
		[FUNCTION_SLEEP] = "waits",
		[FUNCTION_SQL] = "takes SQL or a table's name as text",
	};
	return reasons[verdict];
}
