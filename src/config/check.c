/* The checks of one configuration file. */
#include "config/check.h"

#include "config/keys.h"
#include "config/problem.h"
#include "config/value.h"

#include <string.h>

enum {
	/* More help nobody. Errors have as much room again behind the warnings. */
	MAX_WARNINGS = 200,
	MAX_PROBLEMS = 2 * MAX_WARNINGS,
	/* What a text may grow to when variables are put in. */
	MAX_TEXT = 1024 * 1024,
};

G_GNUC_PRINTF(5, 6)
static void add_problem(struct config_check *check, enum config_severity severity,
			const struct yaml_place *place, const char *path, const char *format, ...)
{
	if (check->problems->len >= (severity == CONFIG_ERROR ? MAX_PROBLEMS : MAX_WARNINGS))
		return;
	va_list args;
	va_start(args, format);
	g_autofree char *what = g_strdup_vprintf(format, args);
	va_end(args);
	if (place)
		config_problems_add(check->problems, severity, "%s:%d:%d: %s %s", check->file,
				    place->line, place->column, path, what);
	else
		config_problems_add(check->problems, severity, "%s: %s %s", check->file, path,
				    what);
}

/* Appends the value of a variable that a text at `path` refers to. */
static void append_variable(struct config_check *check, GString *out, const char *path,
			    const char *name, const struct yaml_place *place, bool quiet)
{
	const char *value = variables_get(check->environment, name);
	if (!value && !quiet)
		add_problem(check, CONFIG_WARNING, place, path,
			    "is empty: the environment variable %s is not set", name);
	if (config_is_secret_name(name)) /* an item of a list makes the list secret */
		g_hash_table_add(check->secret_paths, g_strndup(path, strcspn(path, "[")));
	g_string_append(out, value ? value : "");
}

/*
 * A text with variables put in: "${", one or more characters, "}". NULL if it has none, or if it
 * cannot be used. `quiet` keeps from warning of variables that are not set.
 */
static json_t *expand(struct config_check *check, const char *path, const char *text,
		      const struct yaml_place *place, bool quiet)
{
	g_autoptr(GString) out = g_string_new(NULL);
	const char *start, *end;
	for (const char *at = text;; at = end + 1) {
		start = strstr(at, "${");
		end = start ? strchr(start, '}') : NULL;
		if (!end) {
			g_string_append(out, at);
			break;
		}
		g_string_append_len(out, at, start - at);
		g_autofree char *name = g_strndup(start + 2, (gsize)(end - start - 2));
		if (*name)
			append_variable(check, out, path, name, place, quiet);
		else
			g_string_append(out, "${}");
		if (out->len > MAX_TEXT) {
			add_problem(check, CONFIG_ERROR, place, path,
				    "becomes too long when variables are put in");
			return NULL;
		}
	}
	json_t *expanded = json_stringn(out->str, out->len);
	if (!expanded)
		add_problem(check, CONFIG_ERROR, place, path,
			    "is not UTF-8 once variables are put in");
	return expanded;
}

/* Puts variables into every text of a value; returns what takes its place, a new reference. */
static json_t *expand_all(struct config_check *check, const char *path, json_t *value,
			  const struct yaml_place *place, bool quiet)
{
	const char *key;
	size_t index;
	json_t *part;
	if (json_is_string(value)) {
		json_t *text = expand(check, path, json_string_value(value), place, quiet);
		return text ? text : json_incref(value);
	}
	json_object_foreach(value, key, part)
	{
		g_autofree char *below = g_strdup_printf("%s.%s", path, key);
		json_object_set_new(
			value, key,
			expand_all(check, below, part, yaml_place_member(place, key), quiet));
	}
	json_array_foreach(value, index, part)
	{
		g_autofree char *below = g_strdup_printf("%s[%zu]", path, index);
		json_array_set_new(
			value, index,
			expand_all(check, below, part, yaml_place_item(place, index), quiet));
	}
	return json_incref(value);
}

static void report_unknown(struct config_check *check, const char *path, const char *key,
			   const struct yaml_place *place)
{
	const char *meant = check->problems->len < MAX_WARNINGS ? config_suggest(path) : NULL;
	if (strchr(key, '.'))
		add_problem(check, CONFIG_WARNING, place, path,
			    "is not a known key: a key with a dot is not a section and a key");
	else if (meant)
		add_problem(check, CONFIG_WARNING, place, path,
			    "is not a known key; did you mean %s?", meant);
	else
		add_problem(check, CONFIG_WARNING, place, path,
			    "is not a known key; 'agnesd config --list' shows them");
}

static void check_type(struct config_check *check, const struct config_key *key,
		       const json_t *value, const struct yaml_place *place)
{
	g_autofree char *problem = NULL;
	g_autoptr(json_t) converted = config_value_convert(key, value, &problem);
	if (problem)
		add_problem(check, converted ? CONFIG_WARNING : CONFIG_ERROR, place, key->name,
			    "%s", problem);
}

static void check_section(struct config_check *check, const char *prefix, json_t *section,
			  const struct yaml_place *place, const json_t *overlaid);

static void check_member(struct config_check *check, const char *path, const char *key,
			 json_t *section, const struct yaml_place *place, const json_t *overlaid)
{
	json_t *value = json_object_get(section, key);
	const struct config_key *declared = NULL;
	enum config_class class = strchr(key, '.') ? CONFIG_UNKNOWN
						   : config_classify(path, &declared);
	if (class == CONFIG_SECTION && json_is_object(value)) {
		check_section(check, path, value, place, overlaid);
		return;
	}
	bool covered = overlaid && !(json_is_object(overlaid) && json_is_object(value));
	json_t *expanded = expand_all(check, path, value, place, covered);
	json_object_set_new(section, key, expanded);
	if (class == CONFIG_UNKNOWN)
		report_unknown(check, path, key, place);
	else if (class == CONFIG_SECTION && !json_is_null(expanded))
		add_problem(check, CONFIG_ERROR, place, path, "must be a section with keys");
	else if (declared)
		check_type(check, declared, expanded, place);
}

static void check_section(struct config_check *check, const char *prefix, json_t *section,
			  const struct yaml_place *place, const json_t *overlaid)
{
	const char *key;
	json_t *value;
	json_object_foreach(section, key, value)
	{
		g_autofree char *path = prefix ? g_strdup_printf("%s.%s", prefix, key)
					       : g_strdup(key);
		check_member(check, path, key, section, yaml_place_member(place, key),
			     json_object_get(overlaid, key));
	}
}

void config_check_tree(struct config_check *check, json_t *tree, const struct yaml_place *place,
		       const json_t *overlaid)
{
	check_section(check, NULL, tree, place, overlaid);
}
