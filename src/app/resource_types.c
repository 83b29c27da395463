/* The types of resources, in the order in which they are shown. */
#include "app/resource_types.h"

#include "state/grants.h"

#include <string.h>

const struct resource_type resource_types[RESOURCE_TYPES] = {
	[RESOURCE_PLUGIN] = {"marketplace_plugin", "Marketplace plugins",
			     "Plugins that agents may install from a marketplace",
			     "<marketplace_slug>/<plugin_name>"},
	[RESOURCE_TABLE] = {GRANTS_TABLE, "Tables",
			    "Tables that may be read, queried and downloaded", "<table_id>"},
	[RESOURCE_MEMORY_DOMAIN] = {"memory_domain", "Memory domains",
				    "Domains of the corporate memory", "<domain>"},
};

const char *const memory_domains[] = {"finance",    "engineering",    "product", "data",
				      "operations", "infrastructure", NULL};

const struct resource_type *resource_type_find(const char *key)
{
	for (size_t i = 0; i < RESOURCE_TYPES; i++) {
		if (strcmp(resource_types[i].key, key) == 0)
			return &resource_types[i];
	}
	return NULL;
}
