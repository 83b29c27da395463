/* Reading and writing the folder of the settings. */
#include "cli/settings.h"

#include "base/error.h"
#include "base/files.h"
#include "base/order.h"
#include "base/yaml.h"
#include "cli/output.h"

#include <string.h>
#include <sys/stat.h>

static const char default_server[] = "http://localhost:8000";
static const char token_file[] = "token.json";
static const char config_file[] = "config.yaml";

enum { LARGEST_FILE = 16 * 1024 * 1024, PRIVATE_FILE = 0600 };

char *settings_folder(void)
{
	const char *given = g_getenv("DA_CONFIG_DIR");
	const char *home = g_getenv("HOME");
	if (given && *given)
		return g_strdup(given);
	return g_build_filename(home && *home ? home : g_get_home_dir(), ".config", "da", NULL);
}

char *settings_path(const char *name)
{
	g_autofree char *folder = settings_folder();
	return g_build_filename(folder, name, NULL);
}

void settings_free(struct settings *settings)
{
	if (!settings)
		return;
	g_free(settings->folder);
	g_free(settings->server);
	g_free(settings->token);
	g_free(settings);
}

/* --- files --- */

/* The text of a file; NULL without an error if there is none. */
static char *read_file(const char *path, size_t *size, GError **error)
{
	g_autoptr(GError) problem = NULL;
	char *text = files_read(path, LARGEST_FILE, size, &problem);
	if (!text && !g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
		g_propagate_error(error, g_steal_pointer(&problem));
	return text;
}

json_t *settings_read_json(const char *name, GError **error)
{
	size_t size;
	g_autoptr(GError) problem = NULL;
	g_autofree char *path = settings_path(name);
	g_autofree char *text = read_file(path, &size, error);
	if (!text)
		return NULL;
	g_autoptr(json_t) value = json_parse(text, size, path, &problem);
	if (json_is_object(value))
		return g_steal_pointer(&value);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CORRUPT, "%s: %s; remove it to start anew",
		    problem ? problem->message : path,
		    problem ? "it is not JSON" : "it holds no JSON object");
	return NULL;
}

bool settings_write_json(const char *name, const json_t *value, size_t flags, GError **error)
{
	g_autofree char *folder = settings_folder();
	g_autofree char *path = settings_path(name);
	if (!files_make_folder(folder, error))
		return false;
	char *text = json_dumps(value, flags);
	bool written = files_replace(path, text, strlen(text), PRIVATE_FILE, error);
	explicit_bzero(text, strlen(text)); /* a token may be in it */
	free(text);
	return written;
}

bool settings_save_token(const char *token, const char *email, GError **error)
{
	g_autoptr(json_t) value = json_pack("{ss ss}", "access_token", token, "email", email);
	return settings_write_json(token_file, value, JSON_INDENT(2) | JSON_ENSURE_ASCII, error);
}

bool settings_remove_token(GError **error)
{
	g_autofree char *path = settings_path(token_file);
	return files_remove(path, error);
}

/* The mapping of config.yaml, empty if there is no file. */
static json_t *read_config(GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autofree char *path = settings_path(config_file);
	g_autoptr(yaml_document) document = yaml_read(path, &problem);
	if (!document && !g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return NULL;
	}
	if (!document || json_is_null(document->root))
		return json_object();
	if (json_is_object(document->root))
		return json_incref(document->root);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "%s: it must be a mapping such as "
		    "'server: https://data.example.com'",
		    path);
	return NULL;
}

static json_t *sort_keys(json_t *object)
{
	const char *key;
	json_t *value;
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	json_object_foreach(object, key, value)
	{
		g_ptr_array_add(keys, (char *)key);
	}
	g_ptr_array_sort(keys, order_texts);
	json_t *sorted = json_object();
	for (guint i = 0; i < keys->len; i++)
		json_object_set(sorted, keys->pdata[i], json_object_get(object, keys->pdata[i]));
	return sorted;
}

bool settings_save_server(const char *url, GError **error)
{
	g_autofree char *folder = settings_folder();
	g_autofree char *path = settings_path(config_file);
	g_autoptr(json_t) config = read_config(error);
	if (!config || !files_make_folder(folder, error))
		return false;
	json_object_set_new(config, "server", json_string(url));
	g_autoptr(json_t) sorted = sort_keys(config);
	g_autofree char *text = yaml_write(sorted);
	return files_replace(path, text, strlen(text), PRIVATE_FILE, error);
}

/* --- the server --- */

char *settings_check_server(const char *url, GError **error)
{
	g_autofree char *bare = g_strdup(url);
	g_strstrip(bare);
	for (size_t size = strlen(bare); size > 0 && bare[size - 1] == '/'; size--)
		bare[size - 1] = '\0';
	g_autoptr(GUri) parsed = g_uri_parse(bare, G_URI_FLAGS_NONE, NULL);
	const char *scheme = parsed ? g_uri_get_scheme(parsed) : "";
	bool known = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
	if (known && g_uri_get_host(parsed) && *g_uri_get_host(parsed))
		return g_steal_pointer(&bare);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "'%s' is not the address of a server; it must be like https://data.example.com",
		    url);
	return NULL;
}

static bool load_server(struct settings *settings, GError **error)
{
	const char *given = g_getenv("DA_SERVER");
	g_autoptr(json_t) config = read_config(error);
	if (!config)
		return false;
	if (!given || !*given)
		given = json_string_value(json_object_get(config, "server"));
	settings->server_is_set = given && *given;
	settings->server = settings_check_server(settings->server_is_set ? given : default_server,
						 error);
	return settings->server != NULL;
}

/* A token that is there wins over the environment, even when it is empty. */
static bool load_token(struct settings *settings, GError **error)
{
	GError *problem = NULL;
	const char *given = g_getenv("DA_TOKEN");
	g_autoptr(json_t) stored = settings_read_json(token_file, &problem);
	if (problem) {
		g_propagate_error(error, problem);
		return false;
	}
	if (!stored) {
		settings->token = given && *given ? g_strdup(given) : NULL;
		return true;
	}
	settings->token = g_strdup(json_string_value(json_object_get(stored, "access_token")));
	if (given && *given && g_strcmp0(given, settings->token) != 0)
		output_warn("Hint: DA_TOKEN is not used, because %s/%s holds a token; "
			    "'da auth logout' removes it.\n",
			    settings->folder, token_file);
	return true;
}

struct settings *settings_load(GError **error)
{
	g_autoptr(settings) settings = g_new0(struct settings, 1);
	settings->folder = settings_folder();
	if (!load_server(settings, error) || !load_token(settings, error))
		return NULL;
	return g_steal_pointer(&settings);
}

void settings_use_server(struct settings *settings, const char *url)
{
	g_free(settings->server);
	settings->server = g_strdup(url);
	settings->server_is_set = true;
}

void settings_use_token(struct settings *settings, const char *token)
{
	g_free(settings->token);
	settings->token = g_strdup(token);
}
