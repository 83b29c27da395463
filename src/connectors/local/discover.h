/* What lies in the roots. */
#pragma once

#include "connectors/connector.h"

/* A registry row for each file or folder at the top of a root that could be a table. */
json_t *local_discover(struct connector_run *run, GError **error);

/* Whether every root can be listed. */
bool local_test(struct connector_run *run, GError **error);
