/* What the editor of the configuration knows about fields that may be absent: kinds, hints,
 * defaults. */
#pragma once

#include <jansson.h>

/* A new object with an entry for every editable section. */
json_t *server_config_fields(void);
