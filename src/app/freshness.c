/* What the state of a table's last sync says about its data. */
#include "app/freshness.h"

#include <glib.h>
#include <string.h>

#define STALE_AFTER (INT64_C(24) * 3600 * G_USEC_PER_SEC)

bool freshness_is_stale(const struct directory_table *table, int64_t now)
{
	return table->synced && table->synced->last_sync != DUCK_NO_TIME &&
	       table->synced->last_sync < now - STALE_AFTER;
}

bool freshness_is_failing(const struct directory_table *table)
{
	return table->synced && table->synced->status &&
	       strcmp(table->synced->status, "error") == 0;
}
