/* A bounded set of what was begun. */
#include "app/downloads.h"

/* Beyond that all are forgotten, and what goes on then counts once more. */
enum { MOST_BEGUN = 20 * 1000 };

struct downloads {
	GMutex lock;
	GHashTable *begun; /* "user\ntable\nversion" */
};

struct downloads *downloads_new(void)
{
	struct downloads *downloads = g_new0(struct downloads, 1);
	g_mutex_init(&downloads->lock);
	downloads->begun = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return downloads;
}

void downloads_free(struct downloads *downloads)
{
	if (!downloads)
		return;
	g_hash_table_unref(downloads->begun);
	g_mutex_clear(&downloads->lock);
	g_free(downloads);
}

bool downloads_begin(struct downloads *downloads, const char *user_id, const char *table_id,
		     const char *version, bool from_start)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&downloads->lock);
	if (g_hash_table_size(downloads->begun) >= MOST_BEGUN)
		g_hash_table_remove_all(downloads->begun);
	bool fresh = g_hash_table_add(downloads->begun,
				      g_strjoin("\n", user_id, table_id, version, NULL));
	return fresh || from_start;
}
