/*
 * The settings of a connector: the keys of its section in the table of configuration keys, from the
 * configuration or from whoever started the run.
 */
#pragma once

#include "config/config.h"
#include "connectors/connector.h"

/*
 * A new object with a value for every key of the connector's section, by the key's last part: from
 * `given` if it is there and no null, else from the configuration. INVALID: `given` holds a key
 * that there is none of, or a value of the wrong type or out of range. Without a
 * section it is what stands under the connector's name below "connectors", unchecked.
 */
json_t *connector_settings_new(const struct connector *connector,
			       const struct configuration *config, const json_t *given,
			       GError **error);

/* Of a key of that type. */
const char *connector_settings_text(const json_t *settings, const char *key);
int64_t connector_settings_int(const json_t *settings, const char *key);
double connector_settings_double(const json_t *settings, const char *key);
bool connector_settings_bool(const json_t *settings, const char *key);
