/* The snapshot of the configuration and how it is asked. */
#include "config/config.h"

#include "config/private.h"
#include "config/value.h"

#include <string.h>

static const char mask[] = "***";

struct configuration *configuration_ref(struct configuration *config)
{
	g_atomic_ref_count_inc(&config->references);
	return config;
}

void configuration_free(struct configuration *config)
{
	if (!config || !g_atomic_ref_count_dec(&config->references))
		return;
	for (size_t i = 0; i < config_key_count; i++)
		json_decref(config->keys[i].value);
	g_free(config->keys);
	g_hash_table_unref(config->secret_paths);
	g_ptr_array_unref(config->problems);
	variables_free(config->environment);
	json_decref(config->sections);
	g_free(config);
}

const GPtrArray *config_problems(const struct configuration *config)
{
	return config->problems;
}

/* The row of a declared key. */
static size_t find_key(const char *name)
{
	for (size_t i = 0; i < config_key_count; i++) {
		if (strcmp(config_key_label(&config_keys[i]), name) == 0)
			return i;
	}
	g_error("configuration key '%s' is not declared", name);
}

static const json_t *value_of(const struct configuration *config, const char *name,
			      enum config_type type)
{
	size_t i = find_key(name);
	if (config_keys[i].type != type)
		g_error("configuration key '%s' is of type %s, not %s", name,
			config_type_name(config_keys[i].type), config_type_name(type));
	return config->keys[i].value;
}

const char *config_text(const struct configuration *config, const char *name)
{
	enum config_type type = config_keys[find_key(name)].type;
	return json_string_value(
		value_of(config, name, type == CONFIG_CHOICE ? CONFIG_CHOICE : CONFIG_TEXT));
}

gint64 config_int(const struct configuration *config, const char *name)
{
	return json_integer_value(value_of(config, name, CONFIG_INT));
}

double config_double(const struct configuration *config, const char *name)
{
	return json_real_value(value_of(config, name, CONFIG_DOUBLE));
}

bool config_bool(const struct configuration *config, const char *name)
{
	return json_is_true(value_of(config, name, CONFIG_BOOL));
}

guint64 config_size(const struct configuration *config, const char *name)
{
	return (guint64)json_integer_value(value_of(config, name, CONFIG_SIZE));
}

const json_t *config_list(const struct configuration *config, const char *name)
{
	return value_of(config, name, CONFIG_LIST);
}

const json_t *config_tree(const struct configuration *config, const char *name)
{
	return value_of(config, name, CONFIG_TREE);
}

static bool is_empty(const json_t *value)
{
	return (json_is_string(value) && json_string_length(value) == 0) ||
	       (json_is_array(value) && json_array_size(value) == 0) ||
	       (json_is_object(value) && json_object_size(value) == 0);
}

bool config_is_set(const struct configuration *config, const char *name)
{
	size_t i = find_key(name);
	return config->keys[i].origin != CONFIG_FROM_DEFAULT && !is_empty(config->keys[i].value);
}

enum config_origin config_origin(const struct configuration *config, const struct config_key *key)
{
	return config->keys[key - config_keys].origin;
}

static bool is_secret(const struct configuration *config, const char *path)
{
	const char *dot = strrchr(path, '.');
	return config_is_secret_name(dot ? dot + 1 : path) ||
	       g_hash_table_contains(config->secret_paths, path);
}

/* A copy of a tree without what must not be shown. */
static json_t *mask_tree(const struct configuration *config, const char *path, const json_t *tree)
{
	if (is_secret(config, path))
		return json_string(mask);
	if (!json_is_object(tree))
		return json_deep_copy(tree);
	json_t *masked = json_object();
	const char *key;
	json_t *member;
	json_object_foreach((json_t *)tree, key, member)
	{
		g_autofree char *below = g_strdup_printf("%s.%s", path, key);
		json_object_set_new(masked, key, mask_tree(config, below, member));
	}
	return masked;
}

char *config_show(const struct configuration *config, const struct config_key *key)
{
	const json_t *value = config->keys[key - config_keys].value;
	const char *path = config_key_label(key);
	if (key->type == CONFIG_TREE) {
		g_autoptr(json_t) masked = mask_tree(config, path, value);
		return config_value_to_text(key, masked);
	}
	return !is_empty(value) && (key->secret || is_secret(config, path))
		       ? g_strdup(mask)
		       : config_value_to_text(key, value);
}

const char *config_env(const struct configuration *config, const char *name)
{
	return variables_get(config->environment, name);
}

const json_t *config_sections(const struct configuration *config)
{
	return config->sections;
}
