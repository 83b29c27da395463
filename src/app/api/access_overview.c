/* GET /api/admin/access-overview: groups, grants, and everything that could be granted. */
#include "app/app.h"
#include "app/group_list.h"
#include "app/group_origin.h"
#include "app/resource_types.h"
#include "app/routes.h"
#include "app/wire.h"
#include "state/grants.h"
#include "state/marketplaces.h"

#include <string.h>

/* --- groups and grants --- */

static json_t *describe_group(const struct directory_group *group, int members)
{
	const struct group *row = group->row;
	return json_pack("{ss ss so sb so ss sb so si sI}", "id", row->id, "name", row->name,
			 "description", wire_text(row->description), "is_system", row->is_system,
			 "created_by", wire_text(row->created_by), "origin",
			 group_origin(row->name, row->is_system, row->created_by),
			 "is_google_managed", group_is_google_managed(row), "mapped_email",
			 wire_text(group_mapped_email(row)), "member_count", members, "grant_count",
			 (json_int_t)pmap_size(group->grants));
}

static json_t *describe_grants(const GPtrArray *grants)
{
	json_t *list = json_array();
	for (guint i = 0; i < grants->len; i++) {
		const struct grant *grant = grants->pdata[i];
		json_array_append_new(list, json_pack("{ss ss ss ss}", "id", grant->id, "group_id",
						      grant->group_id, "resource_type",
						      grant->resource_type, "resource_id",
						      grant->resource_id));
	}
	return list;
}

/* --- resources --- */

/* Takes over the items. */
static json_t *block(const char *id, const char *name, json_t *items)
{
	return json_pack("{ss ss so}", "id", id, "name", name, "items", items);
}

static json_t *describe_plugin(const struct marketplace_plugin *plugin)
{
	g_autofree char *id = g_strconcat(plugin->marketplace_id, "/", plugin->name, NULL);
	return json_pack("{ss ss so so so so}", "resource_id", id, "name", plugin->name, "version",
			 wire_text(plugin->version), "category", wire_text(plugin->category),
			 "description", wire_text(plugin->description), "source_type",
			 wire_text(plugin->source_type));
}

static int compare_marketplaces(const void *left, const void *right)
{
	const struct marketplace *const *first = left, *const *second = right;
	if ((*first)->registered_at != (*second)->registered_at)
		return (*first)->registered_at < (*second)->registered_at ? -1 : 1;
	return strcmp((*first)->id, (*second)->id);
}

/* Those without plugins are shown, too. */
static json_t *plugin_blocks(GPtrArray *marketplaces, const GPtrArray *plugins)
{
	json_t *blocks = json_array();
	g_ptr_array_sort(marketplaces, compare_marketplaces);
	for (guint i = 0; i < marketplaces->len; i++) {
		const struct marketplace *marketplace = marketplaces->pdata[i];
		json_t *items = json_array();
		for (guint j = 0; j < plugins->len; j++) {
			const struct marketplace_plugin *plugin = plugins->pdata[j];
			if (strcmp(plugin->marketplace_id, marketplace->id) == 0)
				json_array_append_new(items, describe_plugin(plugin));
		}
		json_array_append_new(blocks, block(marketplace->id, marketplace->name, items));
	}
	return blocks;
}

static const char *bucket_of(const struct registered_table *table)
{
	return table->bucket && *table->bucket ? table->bucket : NULL;
}

/* By bucket, those without one at the end, then by name. */
static int compare_tables(const void *left, const void *right)
{
	const struct registered_table *const *first = left, *const *second = right;
	const char *one = bucket_of(*first), *other = bucket_of(*second);
	if (!one != !other)
		return one ? -1 : 1;
	int order = g_strcmp0(one, other);
	return order ? order : strcmp((*first)->name, (*second)->name);
}

static json_t *describe_table(const struct registered_table *table)
{
	return json_pack("{ss ss so so so}", "resource_id", table->id, "name", table->name,
			 "category", wire_text(table->query_mode), "source_type",
			 wire_text(table->source_type), "description",
			 wire_text(table->description));
}

static json_t *table_blocks(const struct directory *directory)
{
	g_autoptr(GPtrArray) tables = g_ptr_array_new();
	for (size_t i = 0; i < directory->table_count; i++) {
		if (directory->tables[i]->registered)
			g_ptr_array_add(tables, (gpointer)directory->tables[i]->registered);
	}
	g_ptr_array_sort(tables, compare_tables);
	json_t *blocks = json_array(), *items = NULL;
	const char *current = NULL;
	for (guint i = 0; i < tables->len; i++) {
		const char *bucket = bucket_of(tables->pdata[i]);
		if (!items || g_strcmp0(bucket, current) != 0) {
			const char *name = bucket ? bucket : "(no bucket)";
			items = json_array();
			json_array_append_new(blocks, block(name, name, items));
			current = bucket;
		}
		json_array_append_new(items, describe_table(tables->pdata[i]));
	}
	return blocks;
}

static json_t *domain_blocks(void)
{
	json_t *items = json_array();
	for (size_t i = 0; memory_domains[i]; i++)
		json_array_append_new(
			items,
			json_pack("{ss ss ss so}", "resource_id", memory_domains[i], "name",
				  memory_domains[i], "category", "domain", "description",
				  json_sprintf("Knowledge of the domain %s", memory_domains[i])));
	return json_pack("[o]", block("memory_domains", "Memory domains", items));
}

static json_t *resource(int type, json_t *blocks)
{
	return json_pack("{ss ss so}", "type_key", resource_types[type].key, "type_display",
			 resource_types[type].display_name, "blocks", blocks);
}

static struct http_response *get_overview(struct http_request *request)
{
	struct app *app = app_of(request);
	const struct directory *directory = caller_of(request)->directory;
	GError *error = NULL;
	g_autoptr(GPtrArray) grants = grants_list(app->state, NULL, NULL, &error);
	g_autoptr(GPtrArray) marketplaces = grants ? marketplaces_list(app->state, &error) : NULL;
	g_autoptr(GPtrArray)
		plugins = marketplaces ? marketplaces_list_plugins(app->state, NULL, &error) : NULL;
	if (!plugins)
		return http_refuse_error(request, error);
	json_t *resources = json_pack(
		"[ooo]", resource(RESOURCE_PLUGIN, plugin_blocks(marketplaces, plugins)),
		resource(RESOURCE_TABLE, table_blocks(directory)),
		resource(RESOURCE_MEMORY_DOMAIN, domain_blocks()));
	return http_json(200, json_pack("{so so so}", "groups",
					group_list_describe(directory, describe_group), "grants",
					describe_grants(grants), "resources", resources));
}

const struct http_route access_overview_routes[] = {
	{HTTP_GET, "/api/admin/access-overview", ACCESS_ADMIN, HTTP_BLOCKING, .tag = "access",
	 .summary = "All groups, all grants, and all that can be granted", .handle = get_overview},
	{0},
};
