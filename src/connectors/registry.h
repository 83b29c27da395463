/* Every connector that is built in. */
#pragma once

#include "connectors/connector.h"

/* NULL: none of that name. */
const struct connector *connector_find(const char *name);
