/* Hex ids from the digits of a random UUID. */
#include "state/id.h"

char *id_hex(const char *prefix, guint digits)
{
	g_autofree char *uuid = g_uuid_string_random();
	g_auto(GStrv) parts = g_strsplit(uuid, "-", 0);
	g_autofree char *hex = g_strjoinv("", parts);
	return g_strdup_printf("%s%.*s", prefix, (int)MIN(digits, ID_HEX_MAX), hex);
}
