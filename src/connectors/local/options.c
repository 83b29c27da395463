/* Checking a table's overrides. */
#include "connectors/local/options.h"

#include "base/error.h"
#include "base/json.h"
#include "connectors/local/prepare.h"
#include "connectors/settings.h"

#include <string.h>

/* Only these reach DuckDB, each as a literal. */
static const struct {
	const char *name;
	unsigned int types; /* bits by json_type */
	const char *wanted;
} keys[] = {
	{"format", 1U << JSON_STRING, "csv, tsv, json, ndjson or parquet"},
	{"encoding", 1U << JSON_STRING, "a name that iconv knows, such as windows-1250"},
	{"delimiter", 1U << JSON_STRING, "text, such as ;"},
	{"quote", 1U << JSON_STRING, "one character, or nothing for none"},
	{"escape", 1U << JSON_STRING, "one character, or nothing for none"},
	{"header", 1U << JSON_TRUE | 1U << JSON_FALSE, "true or false"},
	{"skip", 1U << JSON_INTEGER, "the number of lines before the header"},
	{"null", 1U << JSON_STRING | 1U << JSON_ARRAY, "text that stands for nothing, or a list"},
	{"types", 1U << JSON_OBJECT, "a map of columns to DuckDB types"},
	{"date_format", 1U << JSON_STRING, "such as %d.%m.%Y"},
	{"timestamp_format", 1U << JSON_STRING, "such as %d.%m.%Y %H:%M"},
	{"decimal_comma", 1U << JSON_TRUE | 1U << JSON_FALSE, "true or false"},
	{"union_by_name", 1U << JSON_TRUE | 1U << JSON_FALSE, "true or false"},
	{"partition_by", 1U << JSON_STRING, "the column whose month partitions the table"},
	{"max_rejects", 1U << JSON_STRING | 1U << JSON_INTEGER, "a number of rows, or as in 1%"},
};

/* A null reads as missing, as everywhere in the configuration. */
static const json_t *present(const json_t *value)
{
	return json_is_null(value) ? NULL : value;
}

static bool check_key(const char *table, const char *name, const json_t *value, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (strcmp(keys[i].name, name) != 0)
			continue;
		if (!present(value) || keys[i].types & 1U << json_typeof(value))
			return true;
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "local.tables.%s.%s must be %s", table, name, keys[i].wanted);
		return false;
	}
	/* Reading a file otherwise than was meant is worse than not reading it. */
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "local.tables.%s: there is no '%s'; docs/CONNECTORS.md lists what "
		    "there is",
		    table, name);
	return false;
}

static bool check_elements(const char *table, const char *name, const json_t *value, GError **error)
{
	size_t index;
	const char *key;
	json_t *element;
	bool good = true;
	json_array_foreach((json_t *)value, index, element) good &= json_is_string(element);
	json_object_foreach((json_t *)value, key, element) good &= json_is_string(element);
	if (!good)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "local.tables.%s.%s: only text can be in it", table, name);
	return good;
}

static bool parse_rejects(struct local_options *options, const json_t *value, GError **error)
{
	const char *text = json_string_value(value);
	char *end = NULL;
	options->most_rejects = text ? -1 : json_integer_value(value);
	if (!text && options->most_rejects >= 0)
		return true;
	double percent = text ? g_ascii_strtod(text, &end) : -1;
	if (text && end != text && strcmp(end, "%") == 0 && percent >= 0 && percent <= 100) {
		options->most_rejected_share = percent / 100;
		return true;
	}
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "max_rejects must be a number of rows, such as 10, or a share, such as 0.5%%");
	return false;
}

/* They become part of a statement. */
static bool check_types(const json_t *types, GError **error)
{
	const char *column;
	json_t *type;
	json_object_foreach((json_t *)types, column, type)
	{
		const char *text = json_string_value(type);
		if (text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_ (),[]")] == '\0')
			continue;
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "'%s' is no type of DuckDB (column %s)", text, column);
		return false;
	}
	return true;
}

static bool check_given(const char *table, const json_t *given, GError **error)
{
	const char *name;
	json_t *value;
	if (given && !json_is_object(given)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "local.tables.%s must be a map", table);
		return false;
	}
	json_object_foreach((json_t *)given, name, value)
	{
		if (!check_key(table, name, value, error) ||
		    !check_elements(table, name, value, error))
			return false;
	}
	return true;
}

static bool check_values(struct local_options *options, GError **error)
{
	const char *format = json_string_value(local_options_get(options, "format"));
	if (format && !local_format_parse(format, &options->format)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "no format '%s': there are csv, tsv, json, ndjson and parquet", format);
		return false;
	}
	options->has_format = format != NULL;
	options->encoding = json_string_value(local_options_get(options, "encoding"));
	options->partition_by = json_string_value(local_options_get(options, "partition_by"));
	return (!options->encoding || local_encoding_check(options->encoding, error)) &&
	       check_types(local_options_get(options, "types"), error);
}

bool local_options_init(struct local_options *options, const json_t *settings,
			const struct connector_table *table, GError **error)
{
	const json_t *given = present(
		json_object_get(json_object_get(settings, "tables"), table->name));
	*options = (struct local_options){
		.given = given,
		.longest_line = connector_settings_int(settings, "max_line_size"),
		.compression = connector_settings_text(settings, "compression"),
	};
	if (!check_given(table->name, given, error) || !check_values(options, error))
		return false;
	const json_t *rejects = local_options_get(options, "max_rejects");
	options->most_rejects = -1;
	options->most_rejected_share = connector_settings_double(settings, "reject_threshold");
	if (rejects && !parse_rejects(options, rejects, error))
		return false;
	g_autofree char *text = given ? json_to_text(given) : g_strdup("");
	options->digest = g_compute_checksum_for_string(G_CHECKSUM_MD5, text, -1);
	return true;
}

void local_options_clear(struct local_options *options)
{
	g_free(options->digest);
}

const json_t *local_options_get(const struct local_options *options, const char *key)
{
	return present(json_object_get(options->given, key));
}
