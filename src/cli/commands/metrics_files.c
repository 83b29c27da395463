/*
 * da metrics import, export and validate: definitions of metrics between files and the server. An
 * import is one request, so that it is all or nothing.
 */
#include "base/error.h"
#include "base/files.h"
#include "base/order.h"
#include "base/yaml.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/metric_list.h"
#include "cli/output.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = 0644, LONGEST_NAME = 200 };

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

/* --- import --- */

/* One mapping of a file; what has no name is no metric. */
static void collect_entry(json_t *entries, json_t *entry, const char *category)
{
	if (!*text_of(entry, "name"))
		return;
	if (!*text_of(entry, "category"))
		json_object_set_new(entry, "category", json_string(category));
	json_array_append(entries, entry);
}

/* What a file does not say of the category is the name of the folder that it lies in. */
static bool collect_file(json_t *entries, const char *path, GError **error)
{
	size_t i;
	json_t *entry;
	g_autofree char *absolute = g_canonicalize_filename(path, NULL);
	g_autofree char *folder = g_path_get_dirname(absolute);
	g_autofree char *category = g_path_get_basename(folder);
	g_autoptr(yaml_document) document = yaml_read(path, error);
	if (!document)
		return false;
	if (!json_is_array(document->root)) {
		collect_entry(entries, document->root, category);
		return true;
	}
	json_array_foreach(document->root, i, entry)
	{
		collect_entry(entries, entry, category);
	}
	return true;
}

/* The paths of a folder's entries that end in `suffix`, sorted; of one that cannot be read, none.
 */
static GPtrArray *list_folder(const char *folder, const char *suffix)
{
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir))) {
		if (g_str_has_suffix(name, suffix))
			g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
	}
	g_ptr_array_sort(paths, order_texts);
	return paths;
}

/* <category>/<file>.yml; what lies in the folder itself is an index and no metric. */
static bool collect_folder(json_t *entries, const char *folder, GError **error)
{
	g_autoptr(GPtrArray) categories = list_folder(folder, "");
	for (guint i = 0; i < categories->len; i++) {
		g_autoptr(GPtrArray) files = list_folder(categories->pdata[i], ".yml");
		for (guint j = 0; j < files->len; j++) {
			if (!collect_file(entries, files->pdata[j], error))
				return false;
		}
	}
	return true;
}

static json_t *collect(const char *path, GError **error)
{
	g_autoptr(json_t) entries = json_array();
	bool is_folder = g_file_test(path, G_FILE_TEST_IS_DIR);
	bool fine = is_folder ? collect_folder(entries, path, error)
			      : collect_file(entries, path, error);
	return fine ? g_steal_pointer(&entries) : NULL;
}

/* An upload is sent from a file; this one is never on a disk. */
static int open_upload(const json_t *entries, GError **error)
{
	g_autofree char *text = yaml_write(entries);
	size_t size = strlen(text);
	AUTO_FD fd = memfd_create("metrics.yml", MFD_CLOEXEC);
	if (fd < 0 || write(fd, text, size) != (ssize_t)size) {
		agnes_set_errno(error, errno, "cannot prepare the upload");
		return -1;
	}
	return descriptor_steal(&fd);
}

static int run_import(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(api_reply) reply = NULL;
	const char *path = invocation_text(invocation, "PATH");
	g_autoptr(json_t) entries = collect(path, &error);
	if (!entries)
		return command_fail(error);
	if (json_array_size(entries) == 0) {
		output_warn("Error: %s holds no metric\n", path);
		return EXIT_CODE_FAILED;
	}
	AUTO_FD fd = open_upload(entries, &error);
	if (fd < 0)
		return command_fail(error);
	const struct http_file file = {"file", "metrics.yml", "application/yaml", fd};
	const struct api_call call = {.path = "/api/admin/metrics/import", .file = &file};
	int code = api_ask(invocation, &call, &reply);
	if (code)
		return code;
	g_autofree char *count = grid_text(json_object_get(reply->json, "count"));
	output_print("Imported %s metric(s) from %s\n", count, path);
	return EXIT_CODE_OK;
}

/* --- export --- */

/* What a file says, in this order; the member of the server's answer has the same name or another.
 */
static const struct {
	const char *key, *member;
} exported[] = {
	{"name", "name"},
	{"display_name", "display_name"},
	{"category", "category"},
	{"type", "type"},
	{"unit", "unit"},
	{"grain", "grain"},
	{"time_column", "time_column"},
	{"table", "table_name"},
	{"tables", "tables"},
	{"expression", "expression"},
	{"description", "description"},
	{"dimensions", "dimensions"},
	{"filters", "filters"},
	{"synonyms", "synonyms"},
	{"notes", "notes"},
	{"sql", "sql"},
};

static bool is_empty(const json_t *value)
{
	return !value || json_is_null(value) ||
	       (json_is_string(value) && json_string_length(value) == 0) ||
	       (json_is_array(value) && json_array_size(value) == 0) ||
	       (json_is_object(value) && json_object_size(value) == 0);
}

/* A tree that the server keeps as text, and may answer with as such; a new reference. */
static json_t *member_tree(const json_t *metric, const char *key)
{
	json_t *value = json_object_get(metric, key);
	const char *text = json_string_value(value);
	return text ? json_loads(text, 0, NULL) : json_incref(value);
}

static json_t *to_document(const json_t *metric)
{
	const char *variant;
	json_t *sql;
	json_t *document = json_object();
	g_autoptr(json_t) variants = member_tree(metric, "sql_variants");
	g_autoptr(json_t) validation = member_tree(metric, "validation");
	for (size_t i = 0; i < G_N_ELEMENTS(exported); i++) {
		json_t *value = json_object_get(metric, exported[i].member);
		if (!is_empty(value))
			json_object_set(document, exported[i].key, value);
	}
	json_object_foreach(variants, variant, sql)
	{
		g_autofree char *key = g_strconcat("sql_", variant, NULL);
		if (!is_empty(sql))
			json_object_set(document, key, sql);
	}
	if (!is_empty(validation))
		json_object_set(document, "validation", validation);
	return document;
}

/* A server's word becomes the name of a file: it must be one, and no hidden one. */
static bool is_file_name(const char *name)
{
	return *name && *name != '.' && !strpbrk(name, "/\\") && strlen(name) <= LONGEST_NAME;
}

static bool export_metric(const json_t *metric, const char *folder, GError **error)
{
	const char *name = text_of(metric, "name");
	const char *category = text_of(metric, "category");
	if (!*category)
		category = "uncategorized";
	if (!is_file_name(name) || !is_file_name(category)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "metric '%s' cannot become a file by its name and category",
			    text_of(metric, "id"));
		return false;
	}
	g_autofree char *inside = g_build_filename(folder, category, NULL);
	g_autofree char *file = g_strconcat(name, ".yml", NULL);
	g_autofree char *path = g_build_filename(inside, file, NULL);
	g_autoptr(json_t) document = to_document(metric);
	g_autofree char *text = yaml_write(document);
	return files_make_folder(inside, error) &&
	       files_replace(path, text, strlen(text), FILE_MODE, error);
}

static int run_export(struct invocation *invocation)
{
	size_t i;
	json_t *metric;
	g_autoptr(GError) error = NULL;
	g_autoptr(api_reply) reply = NULL;
	const char *folder = invocation_text(invocation, "dir");
	int code = metric_list_ask(invocation, NULL, &reply);
	if (code)
		return code;
	const json_t *metrics = metric_list_of(reply, NULL);
	json_array_foreach(metrics, i, metric)
	{
		if (!export_metric(metric, folder, &error))
			return command_fail(error);
	}
	output_print("Exported %zu metric(s) to %s\n", json_array_size(metrics), folder);
	return EXIT_CODE_OK;
}

/* --- validate --- */

static bool is_registered(const json_t *tables, const char *name)
{
	size_t i;
	json_t *table;
	json_array_foreach(tables, i, table)
	{
		if (strcmp(text_of(table, "name"), name) == 0)
			return true;
	}
	return false;
}

/* Whether the table of the metric is there, or it names none. */
static bool validate_metric(const json_t *metric, const json_t *tables)
{
	const char *table = text_of(metric, "table_name");
	bool fine = !*table || is_registered(tables, table);
	g_autofree char *name = grid_text(json_object_get(metric, "name"));
	g_autoptr(GString) line = g_string_new(fine ? "  OK   " : "  WARN ");
	grid_pad(line, name, 30, GRID_LEFT);
	if (!*table)
		output_print("%s (no table reference)\n", line->str);
	else
		output_print("%s table=%s%s\n", line->str, table, fine ? "" : " (not registered)");
	return fine;
}

static int run_validate(struct invocation *invocation)
{
	size_t i, fine = 0;
	json_t *metric;
	g_autoptr(api_reply) reply = NULL;
	g_autoptr(api_reply) registry = NULL;
	int code = metric_list_ask(invocation, NULL, &reply);
	if (!code)
		code = api_ask(invocation, &(struct api_call){.path = "/api/admin/registry"},
			       &registry);
	if (code)
		return code;
	const json_t *metrics = metric_list_of(reply, NULL);
	const json_t *tables = json_object_get(registry->json, "tables");
	json_array_foreach(metrics, i, metric)
	{
		fine += validate_metric(metric, tables) ? 1 : 0;
	}
	size_t all = json_array_size(metrics);
	output_print("\nTotal: %zu metric(s) — %zu OK, %zu WARN\n", all, fine, all - fine);
	return fine == all ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

/* --- declarations --- */

static const struct argument import_arguments[] = {
	{"PATH", "A YAML file, or a folder of CATEGORY/*.yml"},
	{0},
};

const struct command command_metrics_import = {
	"metrics import",
	"Import definitions of metrics from YAML, all or none",
	.examples = "da metrics import metrics/\nda metrics import metrics/revenue/mrr.yml",
	.arguments = import_arguments,
	.run = run_import,
};

static const struct option export_options[] = {
	{"dir", 0, OPTION_TEXT, "DIR", "Where the files are written", .fallback = "./export/"},
	{0},
};

const struct command command_metrics_export = {
	"metrics export",
	"Write the definitions of metrics to CATEGORY/NAME.yml",
	.options = export_options,
	.run = run_export,
};

const struct command command_metrics_validate = {
	"metrics validate",
	"Check that the tables of the metrics are registered",
	.details = "Exits with 1 if one is not.",
	.run = run_validate,
};
