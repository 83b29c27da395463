/* agnesd migrate: brings system.duckdb to the present version without starting the server. */
#include "agnesd/commands.h"
#include "config/config.h"
#include "state/file.h"
#include "state/schema.h"

static int run(const struct command_context *context, int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_auto(state_upgrade) upgrade = {0};
	struct state_options options;
	g_autoptr(configuration) config = config_load(context->data_dir, &error);
	if (!config)
		return command_fail(&command_migrate, g_steal_pointer(&error));
	state_options_init(&options, config);
	g_autoptr(state_file) file = state_file_open(context->data_dir, &options, &upgrade, &error);
	if (!file)
		return command_fail(&command_migrate,
				    command_explain_use(g_steal_pointer(&error),
							"the server migrates when it starts, and "
							"'da diagnose' asks it how it is"));
	if (upgrade.created)
		g_print("%s: new, version %d\n", file->path, SCHEMA_VERSION);
	else if (upgrade.from < SCHEMA_VERSION)
		g_print("%s: version %d -> %d\n", file->path, upgrade.from, SCHEMA_VERSION);
	else
		g_print("%s: version %d%s\n", file->path, SCHEMA_VERSION,
			upgrade.copy ? ", mended" : ", nothing to do");
	if (upgrade.copy)
		g_print("the file as it was: %s\n", upgrade.copy);
	return EXIT_CODE_OK;
}

const struct command command_migrate = {
	.name = "migrate",
	.arguments = "",
	.summary = "Bring the state database to this version",
	.details = "The server does the same when it starts. A copy of the file is kept beside it "
		   "first. The server must not be running.",
	.run = run,
};
