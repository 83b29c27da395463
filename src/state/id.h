/* Random identifiers of rows. Ids that are read are opaque strings: old files hold other forms. */
#pragma once

#include <glib.h>

enum { ID_HEX_MAX = 32 };

/*
 * `prefix` and then `digits` (at most 12, or all 32) random hex digits. g_free() it. A plain UUID
 * is g_uuid_string_random().
 */
char *id_hex(const char *prefix, guint digits);
