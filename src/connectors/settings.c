/* A connector's section of the configuration as JSON. */
#include "connectors/settings.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>

/* What of a key's name stands after the section; NULL: it is of another. */
static const char *name_in_section(const struct config_key *key, const char *section)
{
	size_t length = strlen(section);
	if (!key->name || strncmp(key->name, section, length) != 0 || key->name[length] != '.')
		return NULL;
	return key->name + length + 1;
}

static json_t *configured_value(const struct configuration *config, const struct config_key *key)
{
	switch (key->type) {
	case CONFIG_INT:
		return json_integer(config_int(config, key->name));
	case CONFIG_DOUBLE:
		return json_real(config_double(config, key->name));
	case CONFIG_BOOL:
		return json_boolean(config_bool(config, key->name));
	case CONFIG_SIZE:
		return json_integer((json_int_t)config_size(config, key->name));
	case CONFIG_LIST:
		return json_deep_copy(config_list(config, key->name));
	case CONFIG_TREE:
		return json_deep_copy(config_tree(config, key->name));
	default:
		return json_string(config_text(config, key->name));
	}
}

static bool is_in_range(const struct config_key *key, const json_t *value)
{
	double number = json_number_value(value);
	return number >= key->least && (key->most == 0 || number <= key->most);
}

static bool is_choice(const struct config_key *key, const json_t *value)
{
	g_auto(GStrv) choices = g_strsplit(key->choices, "|", -1);
	return json_is_string(value) &&
	       g_strv_contains((const char *const *)choices, json_string_value(value));
}

static bool fits(const struct config_key *key, const json_t *value)
{
	switch (key->type) {
	case CONFIG_INT:
	case CONFIG_SIZE:
		return json_is_integer(value) && is_in_range(key, value);
	case CONFIG_DOUBLE:
		return json_is_number(value) && is_in_range(key, value);
	case CONFIG_BOOL:
		return json_is_boolean(value);
	case CONFIG_LIST:
		return json_is_array(value);
	case CONFIG_TREE:
		return json_is_object(value);
	case CONFIG_CHOICE:
		return is_choice(key, value);
	default:
		return json_is_string(value);
	}
}

static bool add_key(json_t *settings, const struct configuration *config,
		    const struct config_key *key, const char *name, const json_t *given,
		    GError **error)
{
	json_t *value = json_object_get(given, name);
	if (!value || json_is_null(value)) {
		json_object_set_new(settings, name, configured_value(config, key));
		return true;
	}
	if (!fits(key, value)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "the setting %s is not %s, or out of its range: %s", key->name,
			    config_type_name(key->type), key->meaning);
		return false;
	}
	json_object_set(settings, name, value);
	return true;
}

static bool check_given(const struct connector *connector, const json_t *settings,
			const json_t *given, GError **error)
{
	const char *name;
	json_t *value;
	if (given && !json_is_object(given)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "the settings of '%s' must be a JSON object", connector->name);
		return false;
	}
	json_object_foreach((json_t *)given, name, value)
	{
		if (json_object_get(settings, name))
			continue;
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "there is no setting %s.%s",
			    connector->section, name);
		return false;
	}
	return true;
}

/* Only the program itself knows what it takes. */
static json_t *program_settings(const struct connector *connector,
				const struct configuration *config, const json_t *given,
				GError **error)
{
	const json_t *all = config_tree(config, "connectors");
	const json_t *configured = json_object_get(all, connector->name);
	if ((given && !json_is_object(given)) || (configured && !json_is_object(configured))) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "connectors.%s must be a map of settings", connector->name);
		return NULL;
	}
	json_t *settings = configured ? json_deep_copy(configured) : json_object();
	json_object_update(settings, (json_t *)given);
	return settings;
}

json_t *connector_settings_new(const struct connector *connector,
			       const struct configuration *config, const json_t *given,
			       GError **error)
{
	if (!connector->section)
		return program_settings(connector, config, given, error);
	g_autoptr(json_t) settings = json_object();
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		const char *name = name_in_section(key, connector->section);
		if (name && !add_key(settings, config, key, name, given, error))
			return NULL;
	}
	return check_given(connector, settings, given, error) ? g_steal_pointer(&settings) : NULL;
}

const char *connector_settings_text(const json_t *settings, const char *key)
{
	return json_string_value(json_object_get(settings, key));
}

int64_t connector_settings_int(const json_t *settings, const char *key)
{
	return json_integer_value(json_object_get(settings, key));
}

double connector_settings_double(const json_t *settings, const char *key)
{
	return json_number_value(json_object_get(settings, key));
}

bool connector_settings_bool(const json_t *settings, const char *key)
{
	return json_is_true(json_object_get(settings, key));
}
