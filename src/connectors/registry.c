/* The table of connectors. */
#include "connectors/registry.h"

#include "connectors/local/local.h"

#include <string.h>

static const struct connector *const connectors[] = {
	&connector_local,
};

const struct connector *connector_at(size_t index)
{
	return index < G_N_ELEMENTS(connectors) ? connectors[index] : NULL;
}

const struct connector *connector_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(connectors); i++) {
		if (strcmp(connectors[i]->name, name) == 0)
			return connectors[i];
	}
	return NULL;
}
