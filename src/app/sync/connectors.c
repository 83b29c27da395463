/* Looking at the table of connectors and into the folder of the others. */
#include "app/sync/connectors.h"

#include "app/sync/plan.h"
#include "connectors/custom/custom.h"
#include "connectors/registry.h"
#include "engine/schedule.h"

#include <string.h>

struct sync_connectors {
	char **names; /* of those in other languages */
	struct configuration *config;
	GArray *list;
};

static bool is_registered(const struct directory *directory, const char *source)
{
	for (size_t i = 0; i < directory->table_count; i++) {
		const struct registered_table *row = directory->tables[i]->registered;
		if (row && g_strcmp0(row->source_type, source) == 0)
			return true;
	}
	return false;
}

/* When a table of the source was last found up to date. */
static int64_t last_sync(const struct directory *directory, const struct edition *edition,
			 const char *source)
{
	int64_t last = SCHEDULE_NEVER;
	for (guint i = 0; i < edition->tables->len; i++) {
		const struct edition_table *entry = g_ptr_array_index(edition->tables, i);
		if (strcmp(entry->source->name, source) != 0)
			continue;
		const struct directory_table *table = directory_table_named(directory,
									    entry->table->name);
		if (table && table->synced)
			last = MAX(last, table->synced->last_sync);
	}
	return last;
}

static const char *schedule_of(const struct configuration *config, const char *name)
{
	const json_t *settings = json_object_get(config_tree(config, "connectors"), name);
	return json_string_value(json_object_get(settings, "sync_schedule"));
}

struct sync_connectors *sync_connectors_new(const struct configuration *config,
					    const struct directory *directory,
					    const struct edition *edition)
{
	struct sync_connectors *connectors = g_new0(struct sync_connectors, 1);
	connectors->list = g_array_new(FALSE, TRUE, sizeof(struct plan_connector));
	connectors->names = custom_connector_names(config_text(config, "CONNECTORS_DIR"));
	connectors->config = configuration_ref((struct configuration *)config);
	for (size_t i = 0; connector_at(i); i++) {
		const struct plan_connector one = {.name = connector_at(i)->name};
		g_array_append_val(connectors->list, one);
	}
	for (char **name = connectors->names; *name; name++) {
		struct plan_connector one = {.name = *name};
		if (connector_find(*name))
			continue;
		one.whole = !is_registered(directory, *name);
		one.schedule = schedule_of(config, *name);
		one.last = one.whole ? last_sync(directory, edition, *name) : SCHEDULE_NEVER;
		g_array_append_val(connectors->list, one);
	}
	return connectors;
}

void sync_connectors_free(struct sync_connectors *connectors)
{
	if (!connectors)
		return;
	g_array_unref(connectors->list);
	g_strfreev(connectors->names);
	configuration_free(connectors->config);
	g_free(connectors);
}

const GArray *sync_connectors_list(const struct sync_connectors *connectors)
{
	return connectors->list;
}
