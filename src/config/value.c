/* Conversion of configuration values, one function a type. */
#include "config/value.h"

#include "base/yaml.h"

#include <math.h>
#include <string.h>

/* Sizes are computed as doubles: this is well inside what 64 bits hold. */
#define LARGEST_SIZE 9e18

G_GNUC_PRINTF(2, 3)
static json_t *wrong(char **problem, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	*problem = g_strdup_vprintf(format, args);
	va_end(args);
	return NULL;
}

static bool is_scalar(const json_t *value)
{
	return json_is_string(value) || json_is_number(value) || json_is_boolean(value);
}

/* A scalar as it would be typed. */
static char *scalar_text(const json_t *value)
{
	return json_is_string(value) ? g_strdup(json_string_value(value))
				     : g_strchomp(yaml_write(value));
}

static json_t *convert_text(const json_t *given, char **problem)
{
	if (!is_scalar(given))
		return wrong(problem, "must be text");
	if (!json_is_string(given))
		*problem = g_strdup("is not text: write it in quotes to keep it as it is typed");
	g_autofree char *text = scalar_text(given);
	return json_string(text);
}

static bool is_in_range(const struct config_key *key, double number, char **problem)
{
	if (number >= key->least && (key->most == 0 || number <= key->most))
		return true;
	if (key->most == 0)
		wrong(problem, "must be at least %.15g", key->least);
	else
		wrong(problem, "must be between %.15g and %.15g", key->least, key->most);
	return false;
}

static json_t *convert_int(const struct config_key *key, const json_t *given, char **problem)
{
	gint64 number = json_integer_value(given);
	if (json_is_string(given)) {
		g_autofree char *text = g_strstrip(g_strdup(json_string_value(given)));
		if (!g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &number, NULL))
			return wrong(problem, "must be a whole number");
	} else if (!json_is_integer(given)) {
		return wrong(problem, "must be a whole number");
	}
	return is_in_range(key, (double)number, problem) ? json_integer(number) : NULL;
}

static json_t *convert_double(const struct config_key *key, const json_t *given, char **problem)
{
	double number = json_number_value(given);
	if (json_is_string(given)) {
		g_autofree char *text = g_strstrip(g_strdup(json_string_value(given)));
		char *end;
		number = g_ascii_strtod(text, &end);
		if (end == text || *end || !isfinite(number))
			return wrong(problem, "must be a number");
	} else if (!json_is_number(given)) {
		return wrong(problem, "must be a number");
	}
	return is_in_range(key, number, problem) ? json_real(number) : NULL;
}

static json_t *convert_bool(const json_t *given, char **problem)
{
	static const char *const trues[] = {"true", "yes", "on", "1", NULL};
	static const char *const falses[] = {"false", "no", "off", "0", NULL};
	if (json_is_boolean(given))
		return json_incref((json_t *)given);
	if (is_scalar(given)) {
		g_autofree char *text = scalar_text(given);
		g_autofree char *word = g_ascii_strdown(g_strstrip(text), -1);
		if (g_strv_contains(trues, word))
			return json_true();
		if (g_strv_contains(falses, word))
			return json_false();
	}
	return wrong(problem, "must be true or false");
}

/* What a unit of size multiplies by; 0 for none that is known. */
static double unit_factor(const char *unit)
{
	static const char prefixes[] = "kmgt";
	if (*unit == '\0' || g_ascii_strcasecmp(unit, "b") == 0)
		return 1;
	const char *prefix = strchr(prefixes, g_ascii_tolower(*unit));
	bool decimal = g_ascii_strcasecmp(unit + 1, "b") == 0;
	if (!prefix || (!decimal && g_ascii_strcasecmp(unit + 1, "ib") != 0))
		return 0;
	double factor = 1;
	for (const char *at = prefixes; at <= prefix; at++)
		factor *= decimal ? 1000 : 1024;
	return factor;
}

/* "512MB", "1.5 GiB", "1000": the bytes; below 0 if it is no size. */
static double parse_size(const char *text)
{
	size_t length = strspn(text, "0123456789.");
	g_autofree char *digits = g_strndup(text, length);
	g_autofree char *unit = g_strstrip(g_strdup(text + length));
	char *end;
	double number = g_ascii_strtod(digits, &end);
	double factor = unit_factor(unit);
	return length == 0 || *end || factor == 0 ? -1 : number * factor;
}

static json_t *convert_size(const struct config_key *key, const json_t *given, char **problem)
{
	double bytes = -1;
	if (json_is_integer(given)) {
		bytes = (double)json_integer_value(given);
	} else if (json_is_string(given)) {
		g_autofree char *text = g_strstrip(g_strdup(json_string_value(given)));
		bytes = parse_size(text);
	}
	if (!(bytes >= 0 && bytes < LARGEST_SIZE))
		return wrong(problem, "must be a size such as 512MB or 2GiB");
	return is_in_range(key, bytes, problem) ? json_integer((json_int_t)bytes) : NULL;
}

static json_t *convert_choice(const struct config_key *key, const json_t *given, char **problem)
{
	g_auto(GStrv) choices = g_strsplit(key->choices, "|", -1);
	for (char **at = choices; json_is_string(given) && *at; at++) {
		if (g_ascii_strcasecmp(*at, json_string_value(given)) == 0)
			return json_string(*at);
	}
	g_autofree char *all = g_strjoinv(", ", choices);
	return wrong(problem, "must be one of %s", all);
}

static json_t *split_list(const char *text)
{
	json_t *list = json_array();
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);
	for (char **at = parts; *at; at++) {
		if (*g_strstrip(*at))
			json_array_append_new(list, json_string(*at));
	}
	return list;
}

static json_t *convert_list(const json_t *given, char **problem)
{
	if (is_scalar(given)) {
		g_autofree char *text = scalar_text(given);
		return split_list(text);
	}
	if (!json_is_array(given))
		return wrong(problem, "must be a list");
	g_autoptr(json_t) list = json_array();
	size_t index;
	const json_t *item;
	json_array_foreach(given, index, item)
	{
		if (!is_scalar(item))
			return wrong(problem, "must be a list of texts");
		g_autofree char *text = scalar_text(item);
		json_array_append_new(list, json_string(text));
	}
	return g_steal_pointer(&list);
}

static json_t *convert_tree(const json_t *given, char **problem)
{
	return json_is_object(given) ? json_incref((json_t *)given)
				     : wrong(problem, "must be a map");
}

json_t *config_value_convert(const struct config_key *key, const json_t *given, char **problem)
{
	*problem = NULL;
	if (!given || json_is_null(given) ||
	    (key->type != CONFIG_TEXT && g_strcmp0(json_string_value(given), "") == 0))
		return NULL;
	switch (key->type) {
	case CONFIG_TEXT:
		return convert_text(given, problem);
	case CONFIG_INT:
		return convert_int(key, given, problem);
	case CONFIG_DOUBLE:
		return convert_double(key, given, problem);
	case CONFIG_BOOL:
		return convert_bool(given, problem);
	case CONFIG_SIZE:
		return convert_size(key, given, problem);
	case CONFIG_CHOICE:
		return convert_choice(key, given, problem);
	case CONFIG_LIST:
		return convert_list(given, problem);
	case CONFIG_TREE:
		return convert_tree(given, problem);
	}
	return NULL;
}

json_t *config_value_default(const struct config_key *key)
{
	g_autofree char *problem = NULL;
	g_autoptr(json_t) text = key->fallback ? json_string(key->fallback) : NULL;
	json_t *value = config_value_convert(key, text, &problem);
	if (value)
		return value;
	if (key->fallback ||
	    !(key->type == CONFIG_TEXT || key->type == CONFIG_LIST || key->type == CONFIG_TREE))
		g_error("the default of '%s' is wrong", config_key_label(key));
	return key->type == CONFIG_TEXT	  ? json_string("")
	       : key->type == CONFIG_LIST ? json_array()
					  : json_object();
}

char *config_value_to_text(const struct config_key *key, const json_t *value)
{
	if (key->type == CONFIG_TREE)
		return json_to_text(value);
	if (key->type != CONFIG_LIST)
		return scalar_text(value);
	g_autoptr(GPtrArray) parts = g_ptr_array_new();
	size_t index;
	const json_t *item;
	json_array_foreach(value, index, item)
		g_ptr_array_add(parts, (char *)json_string_value(item));
	g_ptr_array_add(parts, NULL);
	return g_strjoinv(", ", (char **)parts->pdata);
}
