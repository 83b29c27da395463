/* Reads the files of the configuration and puts them over each other. */
#include "base/error.h"
#include "base/yaml.h"
#include "config/check.h"
#include "config/private.h"
#include "config/problem.h"
#include "config/value.h"

#include <string.h>

/* The config_version that this program was written for. */
enum { KNOWN_VERSION = 1 };

/* A file of the configuration; without document there is none, or it could not be read. */
struct config_file {
	char *path;
	struct yaml_document *document;
};

static void config_file_clear(struct config_file *file)
{
	g_free(file->path);
	yaml_document_free(file->document);
}
DEFINE_AUTO(config_file)

/* What is known while a snapshot is made. */
struct loading {
	struct configuration *config;
	const struct config_file *fixed, *overlay;
};

char *config_overlay_path(const char *data_dir)
{
	return g_build_filename(data_dir, "state", "instance.yaml", NULL);
}

/* False if there is no such file. A file that is wrong has a problem and no document. */
static bool read_file(struct config_file *file, GPtrArray *problems)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(yaml_document) document = yaml_read(file->path, &error);
	if (!document) {
		if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
			return false;
		config_problems_add(problems, CONFIG_ERROR, "%s", error->message);
		return true;
	}
	if (json_is_null(document->root)) {
		config_problems_add(problems, CONFIG_WARNING, "%s: is empty", file->path);
		json_decref(document->root);
		document->root = json_object();
	}
	if (json_is_object(document->root))
		file->document = g_steal_pointer(&document);
	else
		config_problems_add(problems, CONFIG_ERROR,
				    "%s:1:1: must be a map of sections (name: value)", file->path);
	return true;
}

/* $CONFIG_DIR/instance.yaml; ./config/instance.yaml if that does not exist. */
static void read_static(struct config_file *file, GPtrArray *problems)
{
	static const char *const standard = "./config";
	const char *folder = g_getenv("CONFIG_DIR");
	file->path = g_build_filename(folder && *folder ? folder : standard, "instance.yaml", NULL);
	if (read_file(file, problems) || !folder || !*folder)
		return;
	g_free(file->path);
	file->path = g_build_filename(standard, "instance.yaml", NULL);
	read_file(file, problems);
}

static json_t *root_of(const struct config_file *file)
{
	return file->document ? file->document->root : NULL;
}

static void check_file(const struct loading *loading, const struct config_file *file,
		       const json_t *overlaid)
{
	struct config_check check = {
		.file = file->path,
		.environment = loading->config->environment,
		.problems = loading->config->problems,
		.secret_paths = loading->config->secret_paths,
	};
	if (file->document)
		config_check_tree(&check, file->document->root, file->document->place, overlaid);
}

/* What a tree says about a key: NULL if nothing, or a parent is not a map. */
static json_t *look_up(json_t *tree, const char *name)
{
	g_auto(GStrv) parts = g_strsplit(name, ".", -1);
	for (char **at = parts; tree && *at; at++)
		tree = json_object_get(tree, *at);
	return tree;
}

/* The value by the environment; NULL if it does not set the key, or wrongly. */
static json_t *from_environment(const struct loading *loading, const struct config_key *key)
{
	const char *text = key->env ? variables_get(loading->config->environment, key->env) : NULL;
	if (!text || !*text)
		return NULL;
	g_autofree char *problem = NULL;
	g_autoptr(json_t) given = json_string(text);
	if (!given) {
		config_problems_add(loading->config->problems, CONFIG_ERROR,
				    "environment variable %s is not UTF-8", key->env);
		return NULL;
	}
	json_t *value = config_value_convert(key, given, &problem);
	/* Variables such as DEBUG are set by all kinds of tools: one that overrides no key only
	 * gets a warning. */
	if (problem)
		config_problems_add(loading->config->problems,
				    key->name ? CONFIG_ERROR : CONFIG_WARNING,
				    "environment variable %s %s", key->env, problem);
	return value;
}

/* The value by the files: the overlay's where it says something, even null. */
static json_t *from_files(const struct loading *loading, const struct config_key *key,
			  json_t *merged, enum config_origin *origin)
{
	if (!key->name)
		return NULL;
	*origin = look_up(root_of(loading->overlay), key->name) ? CONFIG_FROM_OVERLAY
								: CONFIG_FROM_STATIC;
	g_autofree char *reported = NULL; /* by the check of the file */
	return config_value_convert(key, look_up(merged, key->name), &reported);
}

static void resolve_keys(const struct loading *loading, json_t *merged)
{
	struct configuration *config = loading->config;
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		config->keys[i].value = from_environment(loading, key);
		config->keys[i].origin = CONFIG_FROM_ENVIRONMENT;
		if (!config->keys[i].value)
			config->keys[i].value = from_files(loading, key, merged,
							   &config->keys[i].origin);
		if (!config->keys[i].value) {
			config->keys[i].value = config_value_default(key);
			config->keys[i].origin = CONFIG_FROM_DEFAULT;
		}
	}
}

/* An empty list says that none is meant. */
static bool is_decided(const struct loading *loading, const char *name)
{
	return config_is_set(loading->config, name) ||
	       json_is_array(look_up(root_of(loading->fixed), name)) ||
	       json_is_array(look_up(root_of(loading->overlay), name));
}

/* A required key is missed where somebody wrote a file; without one the defaults are meant. */
static void check_required(const struct loading *loading)
{
	const struct config_file *file = loading->fixed;
	for (size_t i = 0; file->document && i < config_key_count; i++) {
		const char *name = config_keys[i].name;
		if (!config_keys[i].required || is_decided(loading, name))
			continue;
		g_autofree char *section = g_strndup(name, strcspn(name, "."));
		const struct yaml_place *place = yaml_place_member(file->document->place, section);
		config_problems_add(loading->config->problems, CONFIG_WARNING,
				    "%s:%d:%d: %s is required and not set: %s", file->path,
				    place->line, place->column, name, config_keys[i].meaning);
	}
	if (config_int(loading->config, "config_version") != KNOWN_VERSION)
		config_problems_add(loading->config->problems, CONFIG_WARNING,
				    "config_version is not %d: the file was written for another "
				    "version of this program",
				    KNOWN_VERSION);
}

struct configuration *config_inspect(const char *data_dir)
{
	struct configuration *config = g_new0(struct configuration, 1);
	g_atomic_ref_count_init(&config->references);
	config->problems = config_problems_new();
	config->secret_paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	config->keys = g_malloc0_n(config_key_count, sizeof *config->keys);
	config->environment = variables_new(data_dir, config->problems);

	g_auto(config_file) fixed = {0};
	g_auto(config_file) overlay = {.path = config_overlay_path(data_dir)};
	const struct loading loading = {config, &fixed, &overlay};
	read_static(&fixed, config->problems);
	read_file(&overlay, config->problems);
	check_file(&loading, &fixed, root_of(&overlay));
	check_file(&loading, &overlay, NULL);

	g_autoptr(json_t) merged = fixed.document ? json_deep_copy(fixed.document->root)
						  : json_object();
	if (overlay.document)
		json_object_update_recursive(merged, overlay.document->root);
	resolve_keys(&loading, merged);
	check_required(&loading);
	config->sections = g_steal_pointer(&merged);
	return config;
}

struct configuration *config_load(const char *data_dir, GError **error)
{
	g_autoptr(configuration) config = config_inspect(data_dir);
	for (guint i = 0; i < config->problems->len; i++) {
		const struct config_problem *problem = g_ptr_array_index(config->problems, i);
		if (problem->severity == CONFIG_WARNING)
			g_warning("configuration: %s", problem->text);
	}
	const struct config_problem *first = config_problems_error(config->problems);
	if (!first)
		return g_steal_pointer(&config);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "%s ('agnesd config --check' shows everything that is wrong)", first->text);
	return NULL;
}
