/* Every connector that is built in. */
#pragma once

#include "connectors/connector.h"

/* In the order of the table; NULL behind its end. */
const struct connector *connector_at(size_t index);

/* NULL: none of that name. */
const struct connector *connector_find(const char *name);
