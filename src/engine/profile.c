/* Profiling a table: which rows are looked at, and in which order things are measured. */
#include "engine/profile.h"

#include "base/error.h"
#include "duck/database.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "engine/profile_column.h"
#include "engine/profile_report.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* The sample of a wide table is taken some columns at a time, so that it fits into memory. */
enum { SAMPLED_COLUMNS = 64 };

/* DuckDB's own column of a parquet file; a file may have one of that name, which then hides it. */
#define ROW_NUMBER "file_row_number"

struct profiler {
	const struct profile_request *request;
	struct duck_connection *connection;
	GPtrArray *columns; /* struct profile_column */
	struct profile_facts facts;
	char *file; /* SQL of the table function */
	bool sampled, numbered;
};

void profile_limits_load(struct profile_limits *limits, const struct configuration *config)
{
	*limits = (struct profile_limits){
		.sample_size = config_int(config, "profiler.sample_size"),
		.max_categorical_distinct = config_int(config, "profiler.max_categorical_distinct"),
		.top_values = config_int(config, "profiler.top_values_limit"),
		.histogram_bins = config_int(config, "profiler.histogram_bins"),
		.sample_rows = config_int(config, "profiler.sample_rows_limit"),
		.sample_values = config_int(config, "profiler.sample_values_limit"),
		.high_cardinality = config_int(config, "profiler.alert_high_cardinality"),
		.high_missing_pct = config_double(config, "profiler.alert_high_missing_pct"),
		.missing_pct = config_double(config, "profiler.alert_missing_pct"),
		.imbalance_pct = config_double(config, "profiler.alert_imbalance_pct"),
	};
}

static void profiler_clear(struct profiler *profiler)
{
	if (profiler->columns)
		g_ptr_array_unref(profiler->columns);
	g_free(profiler->file);
	g_free(profiler->facts.sample_rows);
}
DEFINE_AUTO(profiler)

static bool query_int(struct profiler *profiler, const char *sql, int64_t *value, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(profiler->connection, error, sql, NULL);
	if (!rows)
		return false;
	*value = duck_rows_next(rows) ? duck_rows_int(rows, 0) : 0;
	return true;
}

static bool read_columns(struct profiler *profiler, GError **error)
{
	g_autofree char *sql = duck_sql("SELECT column_name, column_type FROM "
					"(DESCRIBE SELECT * FROM %S)",
					profiler->file);
	g_autoptr(duck_rows) rows = duck_query(profiler->connection, error, sql, NULL);
	if (!rows)
		return false;
	profiler->columns = g_ptr_array_new_with_free_func((GDestroyNotify)profile_column_free);
	profiler->numbered = true;
	while (duck_rows_next(rows)) {
		struct profile_column *column = profile_column_new(duck_rows_text(rows, 0),
								   duck_rows_text(rows, 1));
		g_ptr_array_add(profiler->columns, column);
		if (g_ascii_strcasecmp(column->name, ROW_NUMBER) == 0)
			profiler->numbered = false;
	}
	return true;
}

/* Marks the columns of the primary key; false when there is none, or one that the file lacks. */
static bool mark_key(struct profiler *profiler)
{
	const char *text = profiler->request->primary_key;
	g_auto(GStrv) names = g_strsplit(text ? text : "", ",", -1);
	guint marked = 0, wanted = 0;
	for (char **name = names; *name; name++) {
		wanted += *g_strstrip(*name) != '\0';
		for (guint i = 0; i < profiler->columns->len; i++) {
			struct profile_column *column = profiler->columns->pdata[i];
			if (column->key || g_ascii_strcasecmp(column->name, *name) != 0)
				continue;
			column->key = true;
			marked++;
		}
	}
	return marked > 0 && marked == wanted;
}

/*
 * Chooses the rows: of their numbers alone, so that every column sees the same rows and nothing is
 * read that is not wanted.
 */
static bool choose_rows(struct profiler *profiler, GError **error)
{
	const struct profile_request *request = profiler->request;
	struct profile_facts *facts = &profiler->facts;
	g_autofree char *count = duck_sql("SELECT count(*) FROM %S", profiler->file);
	if (!query_int(profiler, count, &facts->rows, error))
		return false;
	profiler->sampled = !request->exact && facts->rows > request->limits->sample_size;
	facts->measured = profiler->sampled ? request->limits->sample_size : facts->rows;
	g_autofree char *chosen = duck_sql(
		"CREATE TEMP TABLE chosen AS SELECT range AS number FROM range(%l) "
		"USING SAMPLE reservoir(%l ROWS) REPEATABLE (1)",
		(gint64)facts->rows, request->limits->sample_size);
	g_autofree char *variables = duck_sql(
		"SET VARIABLE measured_rows = %l; SET VARIABLE bins = %l;"
		"SET VARIABLE top_values = %l; SET VARIABLE sample_values = %l",
		(gint64)facts->measured, request->limits->histogram_bins,
		request->limits->top_values, request->limits->sample_values);
	return duck_exec(profiler->connection, error, variables, NULL) &&
	       (!profiler->sampled || !profiler->numbered ||
		duck_exec(profiler->connection, error, chosen, NULL));
}

/* A SELECT of these columns of the chosen rows. */
static char *select_chosen(const struct profiler *profiler, const char *columns)
{
	if (!profiler->sampled)
		return duck_sql("SELECT %S FROM %S", columns, profiler->file);
	if (!profiler->numbered)
		return duck_sql("SELECT %S FROM %S USING SAMPLE reservoir(%l ROWS) REPEATABLE (1)",
				columns, profiler->file, profiler->request->limits->sample_size);
	return duck_sql("SELECT %S FROM %S SEMI JOIN chosen ON " ROW_NUMBER " = number", columns,
			profiler->file);
}

/* The names of the columns from `start` up to `end`, or of those of the key among them. */
static char *list_columns(const struct profiler *profiler, guint start, guint end, bool of_key)
{
	GString *list = g_string_new(NULL);
	for (guint i = start; i < end; i++) {
		const struct profile_column *column = profiler->columns->pdata[i];
		if (column->key || !of_key)
			duck_sql_append(list, list->len ? ", %I" : "%I", column->name);
	}
	return g_string_free(list, FALSE);
}

/* Makes "source" of these columns: a sample in memory, or a view of all rows. */
static bool make_source(struct profiler *profiler, guint start, guint end, GError **error)
{
	g_autofree char *columns = list_columns(profiler, start, end, false);
	g_autofree char *select = select_chosen(profiler, columns);
	g_autofree char *sql = duck_sql("CREATE OR REPLACE TEMP %S source AS %S",
					profiler->sampled ? "TABLE" : "VIEW", select);
	return duck_exec(profiler->connection, error, sql, NULL);
}

static bool measure_columns(struct profiler *profiler, GError **error)
{
	gint64 categorical = profiler->request->limits->max_categorical_distinct;
	for (guint start = 0; start < profiler->columns->len; start += SAMPLED_COLUMNS) {
		guint end = MIN(start + SAMPLED_COLUMNS, profiler->columns->len);
		if (!make_source(profiler, start, end, error))
			return false;
		for (guint i = start; i < end; i++) {
			if (!profile_column_measure(profiler->connection,
						    profiler->columns->pdata[i], i, categorical,
						    error))
				return false;
		}
	}
	return true;
}

/* A key of one column has been counted already; null is a value like any other here. */
static bool count_duplicates(struct profiler *profiler, GError **error)
{
	g_autofree char *key = list_columns(profiler, 0, profiler->columns->len, true);
	g_autofree char *select = select_chosen(profiler, key);
	g_autofree char *several = duck_sql("SELECT count(*) FROM (SELECT DISTINCT * FROM (%S))",
					    select);
	int64_t count, distinct;
	if (!query_int(profiler, "SELECT count(*) FROM profiled WHERE is_key", &count, error) ||
	    !query_int(profiler,
		       count == 1 ? "SELECT uniques + CAST(nulls > 0 AS INTEGER) FROM profiled "
				    "WHERE is_key"
				  : several,
		       &distinct, error))
		return false;
	profiler->facts.duplicates = profiler->facts.measured - distinct;
	return true;
}

static bool show_rows(struct profiler *profiler, GError **error)
{
	g_autoptr(GString) members = g_string_new(NULL);
	for (guint i = 0; i < profiler->columns->len; i++) {
		const struct profile_column *column = profiler->columns->pdata[i];
		duck_sql_append(members, "%S cut(%L), shown(%I)", i ? "," : "", column->name,
				column->name);
	}
	g_autofree char *sql = duck_sql(
		"SELECT CAST(to_json(coalesce(list(json_object(%S)), [])) AS VARCHAR) FROM "
		"(SELECT * FROM %S LIMIT %l)",
		members->str, profiler->file, profiler->request->limits->sample_rows);
	g_autoptr(duck_rows) rows = duck_query(profiler->connection, error, sql, NULL);
	if (!rows)
		return false;
	profiler->facts.sample_rows = g_strdup(duck_rows_next(rows) ? duck_rows_text(rows, 0)
								    : "[]");
	return true;
}

static char *run(struct profiler *profiler, GError **error)
{
	if (!profile_columns_prepare(profiler->connection, error) ||
	    !read_columns(profiler, error) || !choose_rows(profiler, error))
		return NULL;
	bool has_key = mark_key(profiler);
	if (!measure_columns(profiler, error) || (has_key && !count_duplicates(profiler, error)) ||
	    !show_rows(profiler, error))
		return NULL;
	return profile_report(profiler->connection, profiler->request, &profiler->facts, error);
}

/* The file as a table function: DuckDB would take [, * and ? of the path for a pattern. */
static char *table_function(const char *path, GError **error)
{
	if (!strpbrk(path, "*?[{"))
		return duck_sql("read_parquet(%L, hive_partitioning = false)", path);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "cannot profile %s: the path holds one of * ? [ {, which DuckDB reads as a "
		    "pattern",
		    path);
	return NULL;
}

bool profile_prepare(struct duck_connection *connection, GError **error)
{
	return duck_exec(connection, error, "SET parquet_metadata_cache = true", NULL);
}

char *profile_compute_on(struct duck_connection *connection, const struct profile_request *request,
			 GError **error)
{
	struct stat status;
	if (stat(request->path, &status) < 0) {
		agnes_set_errno(error, errno, "cannot profile %s", request->path);
		return NULL;
	}
	g_auto(profiler) profiler = {
		.request = request,
		.connection = connection,
		.file = table_function(request->path, error),
		.facts.size_bytes = status.st_size,
	};
	char *text = profiler.file ? run(&profiler, error) : NULL;
	if (!text)
		g_prefix_error(error, "table '%s': ", request->table);
	return text;
}

char *profile_compute(const struct profile_request *request, GError **error)
{
	g_autofree char *memory = g_strdup_printf("%dMB", PROFILE_MEMORY_MB);
	struct duck_options options = {
		.threads = PROFILE_THREADS,
		.memory_limit = memory,
		.temp_directory = request->temp_directory ? request->temp_directory : "",
	};
	g_autoptr(duck_database) database = duck_database_open(NULL, &options, error);
	g_autoptr(duck_connection) connection = database ? duck_connect(database, error) : NULL;
	return connection && profile_prepare(connection, error)
		       ? profile_compute_on(connection, request, error)
		       : NULL;
}
