/* Asking a child about files of tables, and remembering what it said. */
#include "app/table_facts.h"

#include "base/clock.h"
#include "base/error.h"
#include "engine/metrics.h"
#include "state/profiles.h"

#include <string.h>

enum {
	MOST_KEPT = 512,    /* lists of columns; beyond that all are read anew */
	MOST_PROFILING = 2, /* at the same time: each may take PROFILE_MEMORY_MB */
};

struct table_facts {
	struct state *state;
	GMutex lock;	     /* for what follows */
	GHashTable *columns; /* MD5 → json_t */
	int profiling;
	GMutex reading; /* one child for columns at a time */
};

struct table_facts *table_facts_new(struct state *state)
{
	struct table_facts *facts = g_new0(struct table_facts, 1);
	facts->state = state;
	g_mutex_init(&facts->lock);
	g_mutex_init(&facts->reading);
	facts->columns = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					       (GDestroyNotify)json_decref);
	return facts;
}

void table_facts_free(struct table_facts *facts)
{
	if (!facts)
		return;
	g_hash_table_unref(facts->columns);
	g_mutex_clear(&facts->lock);
	g_mutex_clear(&facts->reading);
	g_free(facts);
}

/* --- columns --- */

static json_t *recall(struct table_facts *facts, const char *md5)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&facts->lock);
	return json_incref(g_hash_table_lookup(facts->columns, md5));
}

static void remember(struct table_facts *facts, const char *md5, json_t *columns)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&facts->lock);
	if (g_hash_table_size(facts->columns) >= MOST_KEPT)
		g_hash_table_remove_all(facts->columns);
	g_hash_table_insert(facts->columns, g_strdup(md5), json_incref(columns));
}

json_t *table_facts_columns(struct table_facts *facts, const struct published_table *published,
			    GError **error)
{
	json_t *columns = recall(facts, published->md5);
	if (columns)
		return columns;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&facts->reading);
	columns = recall(facts, published->md5);
	if (columns)
		return columns;
	g_auto(measurement) measurement;
	measurement_init(&measurement);
	columns = measure_columns(&measurement, published->file, error);
	if (columns)
		remember(facts, published->md5, columns);
	return columns;
}

/* --- profiles --- */

static bool begin_profiling(struct table_facts *facts, GError **error)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&facts->lock);
	if (facts->profiling < MOST_PROFILING) {
		facts->profiling++;
		return true;
	}
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_BUSY,
		    "%d tables are being profiled already; try again later", MOST_PROFILING);
	return false;
}

static void end_profiling(struct table_facts *facts)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&facts->lock);
	facts->profiling--;
}

/* "id,day" from what the registry keeps; NULL: no key. */
static char *key_of(const struct registered_table *registered)
{
	g_auto(GStrv) columns = registry_decode_key(registered ? registered->primary_key : NULL);
	return columns ? g_strjoinv(",", columns) : NULL;
}

static char *measure(struct table_facts *facts, const struct directory_table *table,
		     const struct published_table *published, const struct configuration *config,
		     struct measurement *measurement, GError **error)
{
	const struct registered_table *registered = table->registered;
	g_autofree char *key = key_of(registered);
	g_autofree char *synced = table->synced ? clock_format(table->synced->last_sync) : NULL;
	g_autofree char *used_by = metrics_used_by(facts->state, table->name, error);
	struct profile_limits limits;
	profile_limits_load(&limits, config);
	const struct profile_request request = {
		.path = published->file,
		.table = table->name,
		.description = registered ? registered->description : NULL,
		.sync_strategy = registered ? registered->sync_strategy : NULL,
		.last_sync = synced,
		.primary_key = key,
		.used_by = used_by,
		.limits = &limits,
	};
	return used_by ? measure_profile(measurement, &request, error) : NULL;
}

json_t *table_facts_profile(struct table_facts *facts, const struct directory_table *table,
			    const struct published_table *published,
			    const struct configuration *config, struct measurement *measurement,
			    GError **error)
{
	if (!begin_profiling(facts, error))
		return NULL;
	g_autofree char *text = measure(facts, table, published, config, measurement, error);
	end_profiling(facts);
	g_autoptr(json_t) profile = text ? json_parse(text, strlen(text), "profile", error) : NULL;
	return profile && profiles_save(facts->state, table->name, text, error)
		       ? g_steal_pointer(&profile)
		       : NULL;
}
