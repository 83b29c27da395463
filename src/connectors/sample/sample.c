/* Writes the sample tables: one COPY a table and format. */
#include "connectors/sample/sample.h"

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "connectors/sample/tables.h"
#include "duck/database.h"
#include "duck/query.h"
#include "duck/sql.h"

#include <string.h>

enum { DAYS_PER_MONTH = 30 };

const struct sample_size sample_sizes[] = {
	{"xs", NULL, 50, 30, 10, 500, 50, 100, 30, 3},
	{"s", "small", 500, 100, 30, 10000, 1000, 2000, 500, 12},
	{"m", "medium", 5000, 300, 80, 100000, 10000, 20000, 5000, 24},
	{"l", NULL, 50000, 1000, 200, 1000000, 100000, 200000, 50000, 36},
	{"xl", "large", 500000, 5000, 500, 2000000, 200000, 4000000, 500000, 36},
	{NULL},
};

struct sample_run {
	struct duck_connection *connection;
	const char *folder;
	json_t *tables; /* rows by table */
	int64_t rows;
};

const struct sample_size *sample_size_find(const char *name, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);
	for (const struct sample_size *size = sample_sizes; size->name; size++) {
		if (strcmp(name, size->name) == 0 || g_strcmp0(name, size->alias) == 0)
			return size;
		g_string_append_printf(known, "%s%s", known->len ? ", " : "", size->name);
		if (size->alias)
			g_string_append_printf(known, " (%s)", size->alias);
	}
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "no size '%s'; there are %s", name,
		    known->str);
	return NULL;
}

static bool prepare(struct duck_connection *connection, const struct sample_size *size,
		    int64_t seed, GError **error)
{
	const struct {
		const char *name;
		int64_t value;
	} variables[] = {
		{"seed", seed},
		{"customers", size->customers},
		{"products", size->products},
		{"campaigns", size->campaigns},
		{"sessions", size->sessions},
		{"leads", size->leads},
		{"orders", size->orders},
		{"tickets", size->tickets},
		{"days", size->months * DAYS_PER_MONTH},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++) {
		g_autofree char *sql = duck_sql("SET VARIABLE %I = %l", variables[i].name,
						(gint64)variables[i].value);
		if (!duck_exec(connection, error, sql, NULL))
			return false;
	}
	return duck_exec(connection, error, sample_setup_sql, NULL);
}

/* The rows of the table, -1 on error. A file that exists is replaced only by a whole one. */
static int64_t write_table(const struct sample_run *run, const struct sample_table *table,
			   const char *path, const char *options, GError **error)
{
	g_autofree char *temporary = g_strconcat(path, ".tmp", NULL);
	g_autofree char *sql = duck_sql("COPY (%S) TO %L (%S)", table->select, temporary, options);
	int64_t rows = duck_change(run->connection, error, sql, NULL);
	if (rows < 0 || !files_publish(temporary, path, error)) {
		files_remove(temporary, NULL);
		return -1;
	}
	return rows;
}

static bool write_tables(struct sample_run *run, const char *subfolder, const char *suffix,
			 const char *options, GError **error)
{
	g_autofree char *folder = g_build_filename(run->folder, subfolder, NULL);
	if (!files_make_folder(folder, error))
		return false;
	for (const struct sample_table *table = sample_tables; table->name; table++) {
		g_autofree char *name = g_strconcat(table->name, suffix, NULL);
		g_autofree char *path = g_build_filename(folder, name, NULL);
		int64_t rows = write_table(run, table, path, options, error);
		if (rows < 0) {
			g_prefix_error(error, "cannot write %s: ", path);
			return false;
		}
		json_object_set_new(run->tables, table->name, json_integer(rows));
	}
	return true;
}

static const struct {
	const char *name;
	bool csv;
	const char *parquet; /* the folder of the parquet files, NULL for none */
} formats[] = {
	[SAMPLE_CSV] = {"csv", true, NULL},
	[SAMPLE_PARQUET] = {"parquet", false, ""},
	[SAMPLE_BOTH] = {"both", true, "parquet"},
};

static bool write_manifest(struct sample_run *run, const struct sample_size *size, int64_t seed,
			   enum sample_format format, gint64 started, GError **error)
{
	g_autoptr(duck_rows) period = duck_query(run->connection, error,
						 "SELECT getvariable('period_start')::VARCHAR,"
						 " getvariable('period_end')::VARCHAR",
						 NULL);
	if (!period)
		return false;
	duck_rows_next(period);
	const char *name;
	json_t *rows;
	json_object_foreach(run->tables, name, rows) run->rows += json_integer_value(rows);
	double elapsed = (double)(g_get_monotonic_time() - started) / G_USEC_PER_SEC;
	g_autoptr(json_t) manifest = json_pack(
		"{s:s, s:s, s:s, s:I, s:{s:s, s:s}, s:O, s:I, s:f}", "generator",
		"agnesd sample-data", "size", size->name, "format", formats[format].name, "seed",
		(json_int_t)seed, "date_range", "start", duck_rows_text(period, 0), "end",
		duck_rows_text(period, 1), "tables", run->tables, "total_rows",
		(json_int_t)run->rows, "elapsed_seconds", elapsed);
	g_autofree char *text = json_to_text(manifest);
	g_autofree char *path = g_build_filename(run->folder, "_manifest.json", NULL);
	return files_replace(path, text, strlen(text), 0644, error);
}

int64_t sample_write(const char *folder, const struct sample_size *size, int64_t seed,
		     enum sample_format format, GError **error)
{
	gint64 started = g_get_monotonic_time();
	g_autoptr(duck_database) database = duck_database_open(NULL, NULL, error);
	g_autoptr(duck_connection) connection = database ? duck_connect(database, error) : NULL;
	if (!connection || !prepare(connection, size, seed, error))
		return -1;
	g_autoptr(json_t) tables = json_object();
	struct sample_run run = {.connection = connection, .folder = folder, .tables = tables};
	if (formats[format].csv &&
	    !write_tables(&run, "", ".csv", "FORMAT csv, HEADER, NEW_LINE '\r\n'", error))
		return -1;
	if (formats[format].parquet && !write_tables(&run, formats[format].parquet, ".parquet",
						     "FORMAT parquet, COMPRESSION zstd", error))
		return -1;
	return write_manifest(&run, size, seed, format, started, error) ? run.rows : -1;
}
