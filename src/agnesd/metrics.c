/* agnesd metrics: the definitions of metrics, from files and to files, with the server stopped. */
#include "engine/metrics.h"

#include "agnesd/commands.h"
#include "base/error.h"
#include "base/json.h"
#include "state/metrics.h"
#include "state/registry.h"

#include <stdbool.h>
#include <string.h>

enum { NAME_WIDTH = 30 }; /* what the column of names is padded to */

static char *only_category;
static gboolean as_json;

static const GOptionEntry options[] = {
	{"category", 0, 0, G_OPTION_ARG_STRING, &only_category, "list: the metrics of one category",
	 "NAME"},
	{"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "list, show: as JSON", NULL},
	G_OPTION_ENTRY_NULL,
};

/* What is done, and the argument that it takes, which is NULL for none. */
struct action {
	const char *name;
	const char *argument;
	bool (*run)(struct state *state, const char *argument, int *code, GError **error);
};

static bool import_metrics(struct state *state, const char *path, int *code, GError **error)
{
	g_autoptr(metric_pack) pack = metric_pack_read(path, error);
	if (!pack || !metrics_save(state, pack->metrics, error))
		return false;
	g_print("Imported %u metric(s) from %s\n", pack->metrics->len, path);
	return true;
}

static bool export_metrics(struct state *state, const char *folder, int *code, GError **error)
{
	g_autoptr(GPtrArray) metrics = metrics_list(state, NULL, error);
	if (!metrics || !metrics_export(metrics, folder, error))
		return false;
	g_print("Exported %u metric(s) to %s\n", metrics->len, folder);
	return true;
}

static int compare_categories(gconstpointer a, gconstpointer b)
{
	const struct metric *first = *(const struct metric *const *)a;
	const struct metric *second = *(const struct metric *const *)b;
	int order = g_strcmp0(first->category, second->category);
	return order ? order : g_strcmp0(first->name, second->name);
}

static void print_json(const json_t *value)
{
	g_autofree char *text = json_to_text(value);
	g_print("%s\n", text);
}

/* A name of any script, then spaces up to a width. */
static void print_padded(const char *text, int width)
{
	int missing = width - (int)g_utf8_strlen(text, -1);
	g_print("%s%*s", text, MAX(missing, 0), "");
}

static bool list_metrics(struct state *state, const char *argument, int *code, GError **error)
{
	g_autoptr(GPtrArray) metrics = metrics_list(state, only_category, error);
	if (!metrics)
		return false;
	if (as_json) {
		g_autoptr(json_t) rows = records_to_json(&metric_type, metrics);
		print_json(rows);
		return true;
	}
	const char *category = NULL;
	g_ptr_array_sort(metrics, compare_categories);
	for (guint i = 0; i < metrics->len; i++) {
		const struct metric *metric = metrics->pdata[i];
		if (g_strcmp0(category, metric->category) != 0)
			g_print("\n[%s]\n", metric->category);
		category = metric->category;
		g_print("  ");
		print_padded(metric->name, NAME_WIDTH);
		bool has_unit = metric->unit && *metric->unit;
		g_print(" %s%s%s%s\n", metric->display_name, has_unit ? " (" : "",
			has_unit ? metric->unit : "", has_unit ? ")" : "");
	}
	if (metrics->len == 0)
		g_print("No metrics found.\n");
	return true;
}

static void print_field(const char *label, const char *value)
{
	if (value && *value)
		g_print("%-14s%s\n", label, value);
}

static bool show_metric(struct state *state, const char *id, int *code, GError **error)
{
	g_autoptr(metric_record) metric = metrics_find(state, id, error);
	if (!metric)
		return false;
	if (as_json) {
		g_autoptr(json_t) row = record_to_json(&metric_type, metric);
		print_json(row);
		return true;
	}
	g_autofree char *synonyms = metric->synonyms ? g_strjoinv(", ", metric->synonyms) : NULL;
	print_field("ID:", metric->id);
	print_field("Name:", metric->name);
	print_field("Display Name:", metric->display_name);
	print_field("Category:", metric->category);
	print_field("Type:", metric->type);
	print_field("Unit:", metric->unit);
	print_field("Grain:", metric->grain);
	print_field("Table:", metric->table_name);
	print_field("Description:", metric->description);
	if (metric->sql && *metric->sql)
		g_print("SQL:\n  %s\n", metric->sql);
	print_field("Synonyms:", synonyms);
	return true;
}

/* Whether each metric is about a table that is registered. */
static bool validate_metrics(struct state *state, const char *argument, int *code, GError **error)
{
	g_autoptr(GPtrArray) metrics = metrics_list(state, NULL, error);
	g_autoptr(GPtrArray) tables = metrics ? registry_list(state, error) : NULL;
	if (!tables)
		return false;
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < tables->len; i++) {
		const struct registered_table *table = tables->pdata[i];
		g_hash_table_add(names, (gpointer)table->name);
	}
	guint unknown = 0;
	for (guint i = 0; i < metrics->len; i++) {
		const struct metric *metric = metrics->pdata[i];
		const char *table = metric->table_name && *metric->table_name ? metric->table_name
									      : NULL;
		bool known = !table || g_hash_table_contains(names, table);
		unknown += !known;
		g_print("%s", known ? "  OK   " : "  WARN ");
		print_padded(metric->name, NAME_WIDTH);
		g_print(" %s%s%s\n", table ? "table=" : "(no table reference)", table ? table : "",
			known ? "" : " (not registered)");
	}
	g_print("\nTotal: %u metric(s) — %u OK, %u WARN\n", metrics->len, metrics->len - unknown,
		unknown);
	*code = unknown > 0 ? EXIT_CODE_FAILED : EXIT_CODE_OK;
	return true;
}

static const struct action actions[] = {
	{"import", "PATH", import_metrics},   {"list", NULL, list_metrics},
	{"show", "ID", show_metric},	      {"export", "DIR", export_metrics},
	{"validate", NULL, validate_metrics},
};

static const struct action *find_action(int argc, char **argv)
{
	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
		if (strcmp(argv[0], actions[i].name) != 0)
			continue;
		if (argc == (actions[i].argument ? 2 : 1))
			return &actions[i];
		g_printerr("agnesd metrics: usage: agnesd metrics %s%s%s\n", actions[i].name,
			   actions[i].argument ? " " : "",
			   actions[i].argument ? actions[i].argument : "");
		return NULL;
	}
	g_printerr("agnesd metrics: no action '%s'; there are import, list, show, export and "
		   "validate\n",
		   argv[0]);
	return NULL;
}

static int run(const struct command_context *context, int argc, char **argv)
{
	GError *error = NULL;
	int code = EXIT_CODE_OK;
	const struct action *action = find_action(argc, argv);
	if (!action)
		return EXIT_CODE_USAGE;
	g_autoptr(state_db) state = state_open_configured(context->data_dir, &error);
	if (!state)
		return command_fail(&command_metrics,
				    command_explain_use(error, "'da metrics' asks the server"));
	if (!action->run(state, argc > 1 ? argv[1] : NULL, &code, &error))
		return command_fail(&command_metrics, error);
	return code;
}

const struct command command_metrics = {
	.name = "metrics",
	.arguments = "import PATH | list | show ID | export DIR | validate",
	.summary = "Import, show and export definitions of metrics",
	.details = "import    from a YAML file, or from every */*.yml of a folder; all or nothing\n"
		   "list      by category\n"
		   "show      one, by its id CATEGORY/NAME\n"
		   "export    each to DIR/CATEGORY/NAME.yml\n"
		   "validate  whether their tables are registered\n\n"
		   "The server must not be running.\n\n"
		   "Exit codes: 0 done; 1 it failed, or validate found a table that is not "
		   "registered.",
	.options = options,
	.least = 1,
	.most = 2,
	.run = run,
};
