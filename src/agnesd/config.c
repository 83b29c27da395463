/* agnesd config: what can be configured, what is, and what is wrong with it. */
#include "config/config.h"

#include "agnesd/commands.h"
#include "config/example.h"
#include "config/problem.h"

#include <string.h>

static gboolean option_list, option_check, option_show;
static char *option_example;

/* A choice is described by its choices. */
static const char *type_text(const struct config_key *key)
{
	return key->choices ? key->choices : config_type_name(key->type);
}

static const char *or_dash(const char *text)
{
	return text && *text ? text : "-";
}

static int list_keys(void)
{
	int widths[4] = {0};
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		const char *const cells[] = {or_dash(key->name), type_text(key),
					     or_dash(key->fallback), or_dash(key->env)};
		for (size_t c = 0; c < G_N_ELEMENTS(cells); c++)
			widths[c] = MAX(widths[c], (int)strlen(cells[c]));
	}
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		g_print("%-*s  %-*s  %-*s  %-*s  %s\n", widths[0], or_dash(key->name), widths[1],
			type_text(key), widths[2], or_dash(key->fallback), widths[3],
			or_dash(key->env), key->meaning);
	}
	return EXIT_CODE_OK;
}

static int check(const char *data_dir)
{
	g_autoptr(configuration) config = config_inspect(data_dir);
	const GPtrArray *problems = config_problems(config);
	for (guint i = 0; i < problems->len; i++) {
		const struct config_problem *problem = g_ptr_array_index(problems, i);
		g_print("%s: %s\n", problem->severity == CONFIG_ERROR ? "error" : "warning",
			problem->text);
	}
	if (problems->len > 0)
		return EXIT_CODE_FAILED;
	g_print("The configuration is good.\n");
	return EXIT_CODE_OK;
}

static const char *origin_text(const struct configuration *config, const struct config_key *key)
{
	static const char *const texts[] = {
		[CONFIG_FROM_DEFAULT] = "default",
		[CONFIG_FROM_STATIC] = "static file",
		[CONFIG_FROM_OVERLAY] = "overlay",
		[CONFIG_FROM_ENVIRONMENT] = "environment",
	};
	return texts[config_origin(config, key)];
}

static int show(const char *data_dir)
{
	g_autoptr(configuration) config = config_inspect(data_dir);
	for (size_t i = 0; i < config_key_count; i++) {
		g_autofree char *value = config_show(config, &config_keys[i]);
		g_print("%s = %s  (%s)\n", config_key_label(&config_keys[i]), value,
			origin_text(config, &config_keys[i]));
	}
	if (!config_problems_error(config_problems(config)))
		return EXIT_CODE_OK;
	g_printerr("agnesd config: there are errors; 'agnesd config --check' shows them\n");
	return EXIT_CODE_FAILED;
}

static int print_example(const char *kind)
{
	g_autofree char *text = strcmp(kind, "yaml") == 0  ? config_example_yaml()
				: strcmp(kind, "env") == 0 ? config_example_env()
							   : NULL;
	if (!text) {
		g_printerr("agnesd config: --example is yaml or env\n");
		return EXIT_CODE_USAGE;
	}
	g_print("%s", text);
	return EXIT_CODE_OK;
}

static int run(const struct command_context *context, int argc, char **argv)
{
	if (option_list + option_check + option_show + (option_example != NULL) != 1) {
		g_printerr("agnesd config: one of --list, --check, --show and --example\n");
		return EXIT_CODE_USAGE;
	}
	if (option_list)
		return list_keys();
	if (option_check)
		return check(context->data_dir);
	return option_show ? show(context->data_dir) : print_example(option_example);
}

static const GOptionEntry options[] = {
	{"list", 0, 0, G_OPTION_ARG_NONE, &option_list,
	 "Every key: name, type, default, environment variable, meaning", NULL},
	{"check", 0, 0, G_OPTION_ARG_NONE, &option_check,
	 "Everything that is wrong with the files; exit code 1 if anything is", NULL},
	{"show", 0, 0, G_OPTION_ARG_NONE, &option_show,
	 "The values in force and where they come from, secrets masked", NULL},
	{"example", 0, 0, G_OPTION_ARG_STRING, &option_example,
	 "An example of instance.yaml, or of .env", "yaml|env"},
	G_OPTION_ENTRY_NULL,
};

const struct command command_config = {
	.name = "config",
	.arguments = "",
	.summary = "Show or check the configuration",
	.options = options,
	.run = run,
};
