/* Metrics from the state to where people read them: YAML files, profiles. */
#include "engine/metrics.h"

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/yaml.h"

#include <string.h>

#define UNCATEGORIZED "uncategorized"

enum { FILE_MODE = 0644 };

static bool is_set(const char *text)
{
	return text && *text;
}

/* What is empty is left out. */
static void add_text(json_t *entry, const char *key, const char *text)
{
	if (is_set(text))
		json_object_set_new(entry, key, json_string(text));
}

static void add_list(json_t *entry, const char *key, char **list)
{
	if (!list || !*list)
		return;
	json_t *items = json_array();
	for (char **item = list; *item; item++)
		json_array_append_new(items, json_string(*item));
	json_object_set_new(entry, key, items);
}

static json_t *parse_column(const struct metric *metric, const char *column, const char *text,
			    GError **error)
{
	g_autofree char *what = g_strdup_printf("%s of metric '%s'", column, metric->id);
	return json_parse(text, strlen(text), what, error);
}

static bool add_trees(json_t *entry, const struct metric *metric, GError **error)
{
	const char *key;
	json_t *value;
	if (is_set(metric->sql_variants)) {
		g_autoptr(json_t) variants = parse_column(metric, "sql_variants",
							  metric->sql_variants, error);
		if (!variants)
			return false;
		json_object_foreach(variants, key, value)
		{
			g_autofree char *name = g_strconcat("sql_", key, NULL);
			add_text(entry, name, json_string_value(value));
		}
	}
	if (is_set(metric->validation)) {
		json_t *validation = parse_column(metric, "validation", metric->validation, error);
		if (!validation)
			return false;
		json_object_set_new(entry, "validation", validation);
	}
	return true;
}

static json_t *to_entry(const struct metric *metric, GError **error)
{
	g_autoptr(json_t) entry = json_object();
	add_text(entry, "name", metric->name);
	add_text(entry, "display_name", metric->display_name);
	add_text(entry, "category", metric->category);
	add_text(entry, "type", metric->type);
	add_text(entry, "unit", metric->unit);
	add_text(entry, "grain", metric->grain);
	add_text(entry, "time_column", metric->time_column);
	add_text(entry, "table", metric->table_name);
	add_list(entry, "tables", metric->tables);
	add_text(entry, "expression", metric->expression);
	add_text(entry, "description", metric->description);
	add_list(entry, "dimensions", metric->dimensions);
	add_list(entry, "filters", metric->filters);
	add_list(entry, "synonyms", metric->synonyms);
	add_list(entry, "notes", metric->notes);
	add_text(entry, "sql", metric->sql);
	return add_trees(entry, metric, error) ? g_steal_pointer(&entry) : NULL;
}

static const char *category_of(const struct metric *metric)
{
	return is_set(metric->category) ? metric->category : UNCATEGORIZED;
}

static bool write_metric(const struct metric *metric, const char *folder, GError **error)
{
	g_autofree char *category = g_build_filename(folder, category_of(metric), NULL);
	g_autofree char *file = g_strconcat(metric->name, ".yml", NULL);
	g_autofree char *path = g_build_filename(category, file, NULL);
	g_autoptr(json_t) entry = to_entry(metric, error);
	g_autofree char *text = entry ? yaml_write(entry) : NULL;
	return text && files_make_folder(category, error) &&
	       files_replace(path, text, strlen(text), FILE_MODE, error);
}

bool metrics_export(const GPtrArray *metrics, const char *folder, GError **error)
{
	for (guint i = 0; i < metrics->len; i++) {
		const struct metric *metric = metrics->pdata[i];
		if (metrics_name_is_good(metric->name) && metrics_name_is_good(category_of(metric)))
			continue;
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "metric '%s' cannot become a file by its name and category; rename it",
			    metric->id);
		return false;
	}
	for (guint i = 0; i < metrics->len; i++) {
		if (!write_metric(metrics->pdata[i], folder, error))
			return false;
	}
	return true;
}

char *metrics_used_by(struct state *state, const char *table, GError **error)
{
	g_autoptr(GPtrArray) metrics = metrics_list_of_table(state, table, error);
	g_autoptr(json_t) used_by = json_array();
	if (!metrics)
		return NULL;
	for (guint i = 0; i < metrics->len; i++) {
		const struct metric *metric = metrics->pdata[i];
		g_autofree char *file = is_set(metric->category)
						? g_strconcat(metric->category, "/", metric->name,
							      ".yml", NULL)
						: g_strdup("");
		json_array_append_new(used_by,
				      json_pack("{ssss}", "name", metric->name, "file", file));
	}
	return json_to_text(used_by);
}
