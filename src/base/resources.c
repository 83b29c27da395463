/* Finding folders relative to the program, so that an installed tree can be moved. */
#include "base/resources.h"

#include "base/process.h"

/* How far above the program the prefix may be: bin/da, libexec/agnes/da-engine. */
enum { DEEPEST_PROGRAM = 2 };

char *resources_folder(const char *variable, const char *name)
{
	const char *given = g_getenv(variable);
	if (given && *given)
		return g_strdup(given);
	g_autofree char *program = g_file_read_link(PROCESS_SELF, NULL);
	g_autofree char *beside = g_path_get_dirname(program ? program : "");
	g_autofree char *above = g_path_get_dirname(beside);
	g_autofree char *prefix = g_strdup(above);
	for (int i = 0; i < DEEPEST_PROGRAM; i++) {
		g_autofree char *installed = g_build_filename(prefix, "share", "agnes", name, NULL);
		if (g_file_test(installed, G_FILE_TEST_IS_DIR))
			return g_steal_pointer(&installed);
		char *higher = g_path_get_dirname(prefix);
		g_free(prefix);
		prefix = higher;
	}
	return g_build_filename(above, name, NULL);
}
