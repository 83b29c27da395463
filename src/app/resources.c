/* Finding folders relative to the program, so that an installed tree can be moved. */
#include "app/resources.h"

#include "base/process.h"

char *resources_folder(const char *variable, const char *name)
{
	const char *given = g_getenv(variable);
	if (given && *given)
		return g_strdup(given);
	g_autofree char *program = g_file_read_link(PROCESS_SELF, NULL);
	g_autofree char *beside = g_path_get_dirname(program ? program : "");
	g_autofree char *above = g_path_get_dirname(beside);
	char *installed = g_build_filename(above, "share", "agnes", name, NULL);
	if (g_file_test(installed, G_FILE_TEST_IS_DIR))
		return installed;
	g_free(installed);
	return g_build_filename(above, name, NULL);
}
