/* Sources of queries, one for each set of groups, kept until tables or grants change. */
#include "app/queries.h"

#include "base/files.h"
#include "base/json.h"
#include "base/sandbox.h"
#include "engine/generation.h"
#include "engine/remote_catalogs.h"
#include "extract/names.h"

#include <string.h>

enum {
	MOST_SOURCES = 256, /* that are kept; beyond that all are made anew */
	WORKERS_A_SOURCE = 4,
	QUEUED = 64, /* each waits in a thread */
	QUEUED_A_USER = 16,
	QUEUE_SECONDS = 30,
	ADDRESS_SPACE_FACTOR = 4, /* of the memory limit: below that DuckDB may crash */
	ADDRESS_SPACE_BASE = 2048,
	KEPT_BASE = 1024, /* beside the memory limit: what the heaps of threads reserve */
};

struct queries {
	struct generations *generations;
	struct query_pool_options options;
	struct query_pool *pool;
	struct queries_limits limits;
	char *temporary;
	GMutex lock;
	GHashTable *sources; /* groups → struct query_source */
	uint64_t access_version, tables_version, edition;
};

static void choose_options(struct queries *queries, const struct configuration *config)
{
	static const char *const argv[] = {"agnesd", "query-worker", NULL};
	int memory_mb = (int)(config_size(config, "query.memory_limit") / 1000000);
	queries->options = (struct query_pool_options){
		.child = {.program = PROCESS_SELF,
			  .argv = argv,
			  .temporary = queries->temporary,
			  .memory_mb = memory_mb,
			  .temporary_mb = (int)(config_size(config, "query.temporary_limit") /
						1000000),
			  .address_space_mb = memory_mb * ADDRESS_SPACE_FACTOR + ADDRESS_SPACE_BASE,
			  .kept_mb = memory_mb + KEPT_BASE,
			  .threads = (int)config_int(config, "query.threads"),
			  .landlock = SANDBOX_ANY_LANDLOCK},
		.workers = (unsigned)config_int(config, "query.workers"),
		.workers_a_source = WORKERS_A_SOURCE,
		.running_a_user = (unsigned)config_int(config, "query.max_concurrent_per_user"),
		.queued = QUEUED,
		.queued_a_user = QUEUED_A_USER,
		.queue_seconds = QUEUE_SECONDS,
	};
	queries->limits = (struct queries_limits){
		.rows = config_int(config, "query.max_rows"),
		.bytes = config_size(config, "query.max_result_bytes"),
		.seconds = (unsigned)config_int(config, "query.timeout_seconds"),
		.reader_seconds = (unsigned)config_int(config, "query.reader_seconds"),
		.slow_milliseconds = (unsigned)config_int(config, "query.slow_milliseconds"),
		.at_once = queries->options.workers + queries->options.queued,
	};
}

struct queries *queries_new(const char *data_dir, const struct configuration *config,
			    GError **error)
{
	g_autoptr(queries) queries = g_new0(struct queries, 1);
	g_autofree char *root = g_canonicalize_filename(data_dir, NULL);
	g_mutex_init(&queries->lock);
	queries->temporary = g_build_filename(root, "tmp", "queries", NULL);
	queries->sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
						 (GDestroyNotify)query_source_free);
	choose_options(queries, config);
	if (!files_make_folder(queries->temporary, error))
		return NULL;
	queries->generations = generations_new(root, error);
	queries->pool = queries->generations ? query_pool_new(&queries->options, error) : NULL;
	return queries->pool ? g_steal_pointer(&queries) : NULL;
}

void queries_free(struct queries *queries)
{
	if (!queries)
		return;
	g_hash_table_unref(queries->sources);
	query_pool_free(queries->pool);
	generations_free(queries->generations);
	g_mutex_clear(&queries->lock);
	g_free(queries->temporary);
	g_free(queries);
}

struct query_pool *queries_pool(struct queries *queries)
{
	return queries->pool;
}

const struct queries_limits *queries_limits(const struct queries *queries)
{
	return &queries->limits;
}

/* --- sources --- */

/* Why a table that the caller may read cannot be queried now. */
static char *problem_of(const struct directory_table *table)
{
	const struct registered_table *registered = table->registered;
	const char *mode = registered && registered->query_mode ? registered->query_mode : "local";
	if (strcmp(mode, "materialized") == 0)
		return g_strdup_printf("Table '%s' has query_mode='materialized' and is not yet "
				       "materialized: run `da sync` after POST /api/sync/trigger",
				       table->id);
	if (strcmp(mode, "remote") == 0)
		return g_strdup_printf("Table '%s' is remote; its source cannot be asked from here",
				       table->id);
	return g_strdup_printf("Table '%s' has no data yet; it comes with the next sync",
			       table->id);
}

/* What a source is made of. */
struct contents {
	enum queries_reach reach;
	const json_t *catalogs; /* of the edition; see remote_catalogs(); NULL: not asked for */
	json_t *tables;		/* for the worker */
	json_t *remote;		/* those of the catalogs that its tables are in */
	GPtrArray *names;	/* of tables that have a file; NULL at the end */
};

/* Each at most once; NULL: there is none. */
static json_t *find_catalog(const json_t *catalogs, const char *alias)
{
	size_t i;
	json_t *catalog;
	json_array_foreach((json_t *)catalogs, i, catalog)
	{
		if (g_strcmp0(json_string_value(json_object_get(catalog, "alias")), alias) == 0)
			return catalog;
	}
	return NULL;
}

/* False: its catalog cannot be asked. */
static bool add_remote(struct contents *contents, const struct published_table *table)
{
	json_t *catalog = find_catalog(contents->catalogs, table->alias);
	bool elsewhere = contents->reach == QUERIES_LOCAL;
	if (!catalog && !elsewhere)
		return false;
	json_array_append_new(contents->tables, json_pack("{ss s[sss] sb}", "name", table->name,
							  "remote", table->alias, table->schema,
							  table->table, "elsewhere", elsewhere));
	if (catalog && !find_catalog(contents->remote, table->alias))
		json_array_append(contents->remote, catalog);
	return true;
}

static void add_table(struct contents *contents, const struct directory_table *table,
		      const struct edition *edition)
{
	const struct edition_table *entry = edition_find(edition, table->name);
	const struct published_table *published = entry ? entry->table : NULL;
	if (published && published->file) {
		json_array_append_new(contents->tables, json_string(table->name));
		g_ptr_array_add(contents->names, (gpointer)table->name);
	} else if (!published || !published->alias || !add_remote(contents, published)) {
		g_autofree char *problem = problem_of(table);
		json_array_append_new(contents->tables, json_pack("{ss ss}", "name", table->name,
								  "problem", problem));
	}
}

static void list_tables(struct contents *contents, const struct directory *directory,
			const struct directory_user *user, const struct edition *edition)
{
	for (size_t i = 0; i < directory->table_count; i++) {
		const struct directory_table *table = directory->tables[i];
		if (name_is_strict(table->name) && directory_may_read(directory, user, table))
			add_table(contents, table, edition);
	}
	g_ptr_array_add(contents->names, NULL);
}

static void release_generation(void *held)
{
	generation_free(held);
}

/* What a worker sees: the data, and which tables of it. Other grants change nothing for it. */
static char *edition_name(const struct edition *edition, const json_t *tables)
{
	g_autofree char *list = json_to_text(tables);
	g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, list, -1);
	return g_strdup_printf("%" G_GUINT64_FORMAT ".%s", edition->number, sum);
}

static struct query_source *make_source(struct queries *queries, const struct directory *directory,
					const struct directory_user *user, struct edition *edition,
					enum queries_reach reach, const char *key, GError **error)
{
	bool remote = reach == QUERIES_REMOTE;
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(json_t) catalogs = remote ? remote_catalogs(edition) : NULL;
	g_autoptr(json_t) tables = json_array(), reached = json_array();
	struct contents contents = {reach, catalogs, tables, reached, names};
	list_tables(&contents, directory, user, edition);
	struct generation *generation = generations_open(queries->generations, edition,
							 (const char *const *)names->pdata, error);
	if (!generation)
		return NULL;
	struct query_source *source = query_source_new();
	source->key = g_strdup(key);
	source->edition = edition_name(edition, tables);
	source->age = edition->number;
	source->folder = g_strdup(generation_folder(generation));
	source->tables = g_steal_pointer(&tables);
	source->remote = remote ? g_steal_pointer(&reached) : NULL;
	source->release = release_generation;
	source->held = generation;
	return source;
}

/* Callers of one key see the same tables. */
static char *key_of(const struct directory_user *user, enum queries_reach reach)
{
	const char *prefix = reach == QUERIES_REMOTE ? "remote " : "";
	g_autofree char *groups = g_strjoinv("\n", user->group_ids);
	return user->is_admin ? g_strconcat(prefix, "all", NULL)
			      : g_strconcat(prefix, "of ", groups, NULL);
}

/* With the lock held: forgets every source when anything that they are made of has changed. */
static void freshen(struct queries *queries, const struct directory *directory,
		    const struct edition *edition)
{
	if (queries->access_version == directory->access_version &&
	    queries->tables_version == directory->tables_version &&
	    queries->edition == edition->number &&
	    g_hash_table_size(queries->sources) < MOST_SOURCES)
		return;
	g_hash_table_remove_all(queries->sources);
	if (queries->edition != edition->number) {
		generations_retire(queries->generations, edition->number);
		query_pool_retire_before(queries->pool, edition->number);
	}
	queries->access_version = directory->access_version;
	queries->tables_version = directory->tables_version;
	queries->edition = edition->number;
}

struct query_source *queries_source(struct queries *queries, const struct directory *directory,
				    const struct directory_user *user, struct edition *edition,
				    enum queries_reach reach, GError **error)
{
	g_autofree char *key = key_of(user, reach);
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queries->lock);
	freshen(queries, directory, edition);
	struct query_source *source = g_hash_table_lookup(queries->sources, key);
	if (!source) {
		source = make_source(queries, directory, user, edition, reach, key, error);
		if (!source)
			return NULL;
		g_hash_table_insert(queries->sources, g_strdup(key), source);
		query_pool_retire(queries->pool, key, source->edition);
	}
	return query_source_ref(source);
}

void queries_renew(struct queries *queries, const struct directory *directory,
		   const struct edition *edition)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queries->lock);
	freshen(queries, directory, edition);
}
