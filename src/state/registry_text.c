/* How ids and primary keys of the registry are written as text. */
#include "base/json.h"
#include "state/registry.h"

#include <string.h>

static char *make_id(const char *text, const char *replaced)
{
	g_autofree char *copy = g_strstrip(g_strdup(text));
	char *id = g_utf8_strdown(copy, -1);
	return g_strdelimit(id, replaced, '_');
}

char *registry_id_of_name(const char *name)
{
	return make_id(name, " ");
}

char *registry_id_of_source(const char *source_id)
{
	return make_id(source_id, ". ");
}

char *registry_encode_key(char **columns)
{
	if (!columns || !*columns)
		return NULL;
	g_autoptr(json_t) array = json_array();
	for (; *columns; columns++)
		json_array_append_new(array, json_string(*columns));
	return json_to_text(array);
}

/* NULL when the text is no JSON array. */
static char **from_json(const char *text)
{
	size_t index;
	json_t *column;
	g_autoptr(json_t) array = json_parse(text, strlen(text), "primary key", NULL);
	if (!json_is_array(array))
		return NULL;
	g_autoptr(GStrvBuilder) columns = g_strv_builder_new();
	json_array_foreach(array, index, column)
	{
		const char *name = json_string_value(column);
		if (name && *name)
			g_strv_builder_add(columns, name);
	}
	return g_strv_builder_end(columns);
}

static void add_column(GStrvBuilder *columns, GString *name)
{
	g_autofree char *trimmed = g_strstrip(g_strdup(name->str));
	if (*trimmed)
		g_strv_builder_add(columns, trimmed);
	g_string_truncate(name, 0);
}

/* Texts between commas, quoted or not; a backslash inside quotes takes the next letter as it is. */
static char **from_list(const char *text, const char *end)
{
	char quote = '\0';
	g_autoptr(GString) name = g_string_new(NULL);
	g_autoptr(GStrvBuilder) columns = g_strv_builder_new();
	for (const char *at = text; at < end; at++) {
		bool is_quote = *at == '\'' || *at == '"';
		if (quote && *at == '\\' && at + 1 < end)
			g_string_append_c(name, *++at);
		else if (quote && *at == quote)
			quote = '\0';
		else if (!quote && is_quote)
			quote = *at;
		else if (!quote && *at == ',')
			add_column(columns, name);
		else
			g_string_append_c(name, *at);
	}
	add_column(columns, name);
	return g_strv_builder_end(columns);
}

char **registry_decode_key(const char *text)
{
	if (!text || !*text)
		return NULL;
	char **columns = from_json(text);
	if (columns)
		return columns;
	const char *end = text + strlen(text);
	if (*text == '[' && end[-1] == ']')
		return from_list(text + 1, end - 1);
	return from_list(text, end);
}
