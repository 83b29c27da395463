/* da metrics list and show: how the numbers of this company are computed. */
#include "base/order.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/metric_list.h"
#include "cli/output.h"

#include <string.h>

enum { HTTP_NOT_FOUND = 404 };

/* --- list --- */

static const char *category_of(const json_t *metric)
{
	const char *category = json_string_value(json_object_get(metric, "category"));
	return category && *category ? category : "uncategorized";
}

static GPtrArray *categories_of(const json_t *metrics)
{
	size_t i;
	json_t *metric;
	GPtrArray *categories = g_ptr_array_new();
	json_array_foreach(metrics, i, metric)
	{
		const char *category = category_of(metric);
		if (!g_ptr_array_find_with_equal_func(categories, category, g_str_equal, NULL))
			g_ptr_array_add(categories, (char *)category);
	}
	g_ptr_array_sort(categories, order_texts);
	return categories;
}

static void print_category(const json_t *metrics, const char *category)
{
	size_t i;
	json_t *metric;
	output_print("\n[%s]\n", category);
	json_array_foreach(metrics, i, metric)
	{
		if (strcmp(category_of(metric), category) != 0)
			continue;
		g_autofree char *name = grid_text(json_object_get(metric, "name"));
		g_autofree char *shown = grid_text(json_object_get(metric, "display_name"));
		g_autofree char *unit = grid_text(json_object_get(metric, "unit"));
		g_autoptr(GString) line = g_string_new("  ");
		grid_pad(line, name, 30, GRID_LEFT);
		g_string_append_printf(line, " %s", shown);
		if (*unit)
			g_string_append_printf(line, " (%s)", unit);
		output_print("%s\n", line->str);
	}
}

static int run_list(struct invocation *invocation)
{
	g_autoptr(api_reply) reply = NULL;
	struct json_slice text;
	int code = metric_list_ask(invocation, invocation_text(invocation, "category"), &reply);
	if (code)
		return code;
	const json_t *metrics = metric_list_of(reply, &text);
	if (invocation_flag(invocation, "json")) {
		output_json_text(text.text, text.size);
		return EXIT_CODE_OK;
	}
	if (json_array_size(metrics) == 0) {
		output_print("No metrics found.\n");
		return EXIT_CODE_OK;
	}
	g_autoptr(GPtrArray) categories = categories_of(metrics);
	for (guint i = 0; i < categories->len; i++)
		print_category(metrics, categories->pdata[i]);
	return EXIT_CODE_OK;
}

/* --- show --- */

static void print_field(const json_t *metric, const char *label, const char *key, bool always)
{
	g_autofree char *text = grid_text(json_object_get(metric, key));
	if (*text || always)
		output_print("%-14s%s\n", label, text);
}

static void print_metric(const json_t *metric)
{
	size_t i;
	json_t *synonym;
	const json_t *synonyms = json_object_get(metric, "synonyms");
	const char *sql = json_string_value(json_object_get(metric, "sql"));
	print_field(metric, "ID:", "id", true);
	print_field(metric, "Name:", "name", true);
	print_field(metric, "Display Name:", "display_name", true);
	print_field(metric, "Category:", "category", true);
	print_field(metric, "Type:", "type", true);
	print_field(metric, "Unit:", "unit", false);
	print_field(metric, "Grain:", "grain", false);
	print_field(metric, "Table:", "table_name", false);
	print_field(metric, "Description:", "description", false);
	if (sql && *sql)
		output_print("SQL:\n  %s\n", sql);
	g_autoptr(GString) list = g_string_new(NULL);
	json_array_foreach(synonyms, i, synonym)
	{
		g_autofree char *text = grid_text(synonym);
		g_string_append_printf(list, "%s%s", i ? ", " : "", text);
	}
	if (list->len > 0)
		output_print("%-14s%s\n", "Synonyms:", list->str);
}

static int run_show(struct invocation *invocation)
{
	g_autoptr(api_reply) reply = NULL;
	const char *id = invocation_text(invocation, "METRIC_ID");
	g_autofree char *path = api_path("/api/metrics/{/}", id, NULL);
	const struct api_call call = {.path = path, .also_fine = HTTP_NOT_FOUND};
	int code = api_ask(invocation, &call, &reply);
	if (code)
		return code;
	if (reply->status == HTTP_NOT_FOUND) {
		output_warn("Metric not found: %s\n", id);
		return EXIT_CODE_FAILED;
	}
	if (invocation_flag(invocation, "json"))
		output_json_text(reply->body, reply->size);
	else
		print_metric(reply->json);
	return EXIT_CODE_OK;
}

/* --- declarations --- */

static const struct option list_options[] = {
	{"category", 0, OPTION_TEXT, "NAME", "Only those of this category"},
	OPTION_JSON,
	{0},
};

const struct command command_metrics_list = {
	"metrics list",
	"List the definitions of metrics",
	.options = list_options,
	.run = run_list,
};

static const struct argument show_arguments[] = {
	{"METRIC_ID", "CATEGORY/NAME, as in revenue/mrr"},
	{0},
};
static const struct option show_options[] = {
	OPTION_JSON,
	{0},
};

const struct command command_metrics_show = {
	"metrics show",
	"Show how a metric is computed",
	.arguments = show_arguments,
	.options = show_options,
	.run = run_show,
};
