/* What grants can be about. */
#pragma once

#include <glib.h>
#include <jansson.h>

struct resource_type {
	const char *key, *display_name, *description, *id_format;
};

enum { RESOURCE_PLUGIN, RESOURCE_TABLE, RESOURCE_MEMORY_DOMAIN, RESOURCE_TYPES };
extern const struct resource_type resource_types[RESOURCE_TYPES];

/* The domains of the corporate memory, NULL-terminated. */
extern const char *const memory_domains[];

/* NULL: there is no such type. */
const struct resource_type *resource_type_find(const char *key);
