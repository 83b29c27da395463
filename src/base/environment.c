/* Reading yes and no from the environment. */
#include "base/environment.h"

#include <glib.h>

bool environment_flag(const char *name)
{
	const char *value = g_getenv(name);
	return value &&
	       (g_ascii_strcasecmp(value, "1") == 0 || g_ascii_strcasecmp(value, "true") == 0 ||
		g_ascii_strcasecmp(value, "yes") == 0);
}
