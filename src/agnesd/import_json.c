/* agnesd import-json: takes over the state that the first versions kept in JSON files. */
#include "agnesd/commands.h"
#include "state/legacy.h"

static int run(const struct command_context *context, int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(state_db) state = state_open_configured(context->data_dir, &error);
	g_autoptr(json_t) counts = state ? legacy_import(state, context->data_dir, &error) : NULL;
	if (!counts)
		return command_fail(&command_import_json,
				    command_explain_use(g_steal_pointer(&error),
							"only this command reads those files"));
	g_autofree char *text = json_to_text(counts);
	g_print("%s\n", text);
	return EXIT_CODE_OK;
}

const struct command command_import_json = {
	.name = "import-json",
	.arguments = "",
	.summary = "Take over the state that the first versions kept in JSON",
	.details =
		"Reads sync_state.json, table_registry.json and profiles.json below "
		"src_data/metadata, corporate-memory/knowledge.json, "
		"notifications/telegram_users.json and auth/password_users.json in the data "
		"directory, and prints how many entries of each were taken over. Users, tables and "
		"knowledge items that exist stay as they are. The server must not be running.",
	.run = run,
};
