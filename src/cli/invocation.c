/* What a command is told: the values of its arguments and options. */
#include "cli/invocation.h"

#include "base/environment.h"
#include "cli/api.h"
#include "cli/settings.h"

#include <string.h>

struct invocation *invocation_new(const struct command *command, char **argv)
{
	struct invocation *invocation = g_new0(struct invocation, 1);
	invocation->command = command;
	invocation->argv = argv;
	invocation->values = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	return invocation;
}

void invocation_free(struct invocation *invocation)
{
	if (!invocation)
		return;
	g_hash_table_unref(invocation->values);
	api_free(invocation->api);
	settings_free(invocation->settings);
	g_free(invocation);
}

void invocation_set(struct invocation *invocation, const char *name, const char *value)
{
	g_hash_table_insert(invocation->values, (char *)name, g_strdup(value));
}

bool invocation_parse_integer(const char *text, int64_t *value)
{
	return g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, value, NULL);
}

/* NULL for an argument; a name that is declared nowhere ends the program. */
static const struct option *declaration(const struct invocation *invocation, const char *name)
{
	for (const struct option *at = invocation->command->options; at && at->name; at++) {
		if (strcmp(at->name, name) == 0)
			return at;
	}
	for (const struct argument *at = invocation->command->arguments; at && at->name; at++) {
		if (strcmp(at->name, name) == 0)
			return NULL;
	}
	g_error("da %s has no %s", invocation->command->path, name);
}

const char *invocation_text(const struct invocation *invocation, const char *name)
{
	const struct option *option = declaration(invocation, name);
	const char *given = g_hash_table_lookup(invocation->values, name);
	if (given || !option)
		return given;
	const char *variable = option->variable ? g_getenv(option->variable) : NULL;
	return variable && *variable ? variable : option->fallback;
}

int64_t invocation_integer(const struct invocation *invocation, const char *name)
{
	const char *text = invocation_text(invocation, name);
	int64_t value = 0;
	if (text)
		invocation_parse_integer(text, &value);
	return value;
}

bool invocation_flag(const struct invocation *invocation, const char *name)
{
	return invocation_given(invocation, name);
}

bool invocation_given(const struct invocation *invocation, const char *name)
{
	declaration(invocation, name);
	return g_hash_table_contains(invocation->values, name);
}

const struct command *invocation_command(const struct invocation *invocation)
{
	return invocation->command;
}

struct settings *invocation_settings(struct invocation *invocation, GError **error)
{
	if (!invocation->settings)
		invocation->settings = settings_load(error);
	return invocation->settings;
}

struct api *invocation_api(struct invocation *invocation, GError **error)
{
	const struct settings *settings = invocation_settings(invocation, error);
	if (settings && !invocation->api)
		invocation->api = api_new(settings->server, settings->token, error);
	return invocation->api;
}
