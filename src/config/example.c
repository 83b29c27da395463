/* Writes the example files. */
#include "config/example.h"

#include "base/json.h"
#include "base/yaml.h"
#include "config/keys.h"

#include <glib.h>
#include <string.h>

enum { INDENT = 2 };

/* The meaning, and what the type does not say by itself. */
static void append_meaning(GString *out, const struct config_key *key, int indent)
{
	g_string_append_printf(out, "%*s# %s", indent, "", key->meaning);
	if (key->choices)
		g_string_append_printf(out, " (%s)", key->choices);
	g_string_append_c(out, '\n');
}

/* As it stands in YAML, in one line. */
static char *yaml_text(const struct config_key *key)
{
	const char *text = key->example ? key->example : key->fallback ? key->fallback : "";
	if (key->type != CONFIG_TEXT && key->type != CONFIG_LIST)
		return g_strdup(text);
	g_autoptr(json_t) value = json_string(text);
	return g_strchomp(yaml_write(value));
}

/* Opens the sections that the previous key did not stand in; returns the depth. */
static int append_sections(GString *out, char **parts, char **previous)
{
	int depth = 0;
	bool same = true;
	for (; parts[depth + 1]; depth++) {
		same = same && previous && previous[depth] && previous[depth + 1] &&
		       strcmp(parts[depth], previous[depth]) == 0;
		if (!same)
			g_string_append_printf(out, "%s%*s%s:\n", depth == 0 ? "\n" : "",
					       depth * INDENT, "", parts[depth]);
	}
	if (depth == 0)
		g_string_append_c(out, '\n');
	return depth;
}

static void append_yaml_key(GString *out, const struct config_key *key, const char *last,
			    int indent)
{
	const char *mark = key->required ? "" : "# ";
	g_autofree char *text = yaml_text(key);
	append_meaning(out, key, indent);
	if (key->env)
		g_string_append_printf(out, "%*s# The environment variable %s goes before it.\n",
				       indent, "", key->env);
	if (key->type == CONFIG_TREE)
		g_string_append_printf(out, "%*s%s%s:\n%*s%s%*s%s\n", indent, "", mark, last,
				       indent, "", mark, INDENT, "", text);
	else
		g_string_append_printf(out, "%*s%s%s:%s%s\n", indent, "", mark, last,
				       *text ? " " : "", text);
}

char *config_example_yaml(void)
{
	GString *out = g_string_new(
		"# The configuration: copy it to instance.yaml in the folder that CONFIG_DIR names,\n"
		"# ./config if it names none. Commented lines show defaults. ${NAME} in a text becomes\n"
		"# the value of that environment variable. 'agnesd config --check' checks the file.\n");
	g_auto(GStrv) previous = NULL;
	for (size_t i = 0; i < config_key_count; i++) {
		if (!config_keys[i].name)
			continue;
		char **parts = g_strsplit(config_keys[i].name, ".", -1);
		int depth = append_sections(out, parts, previous);
		append_yaml_key(out, &config_keys[i], parts[depth], depth * INDENT);
		g_strfreev(previous);
		previous = parts;
	}
	return g_string_free(out, FALSE);
}

char *config_example_env(void)
{
	GString *out = g_string_new(
		"# Environment variables of the programs: copy it to .env. agnesd reads that in the "
		"folder\n# where it is started, and so does Docker Compose; a value with spaces needs "
		"quotes.\n");
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		if (!key->env)
			continue;
		g_string_append_c(out, '\n');
		append_meaning(out, key, 0);
		if (key->name)
			g_string_append_printf(out, "# It goes before %s of instance.yaml.\n",
					       key->name);
		g_string_append_printf(out, "# %s=%s\n", key->env,
				       key->fallback ? key->fallback : "");
	}
	return g_string_free(out, FALSE);
}
