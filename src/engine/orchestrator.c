/* The rebuild: publish, decide, record, swap. */
#include "engine/orchestrator.h"

#include "base/error.h"
#include "base/files.h"
#include "duck/query.h"
#include "engine/ownership.h"
#include "engine/sources.h"
#include "state/registry.h"
#include "state/sync_state.h"
#include "state/view_ownership.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* What a registered query is extracted from, unless it says otherwise. */
#define DEFAULT_MATERIALIZED_SOURCE "bigquery"

enum { MOST_CHILDREN = 4 };

struct orchestrator {
	char *data_dir;
	struct state *state;
	struct publish_limits limits;
	int children; /* that read extracts at a time */
	enum orchestrator_locking locking;
	bool interrupted; /* a rebuild died before it recorded what it had published */
	GMutex rebuilding;
	GMutex lock; /* of the edition in force */
	struct edition *edition;
};

void rebuild_clear(struct rebuild *rebuild)
{
	g_clear_pointer(&rebuild->before, edition_free);
	g_clear_pointer(&rebuild->after, edition_free);
	g_clear_pointer(&rebuild->refused, g_ptr_array_unref);
}

static void log_failures(const struct published_source *source)
{
	for (guint i = 0; i < source->failures->len; i++) {
		const struct published_failure *failure = g_ptr_array_index(source->failures, i);
		if (failure->name)
			g_warning("source '%s': table '%s' was not published, its last version "
				  "stays: %s",
				  source->name, failure->name, failure->message);
		else
			g_warning("source '%s' was not published, its last version stays: %s",
				  source->name, failure->message);
	}
}

void rebuild_log(const struct rebuild *rebuild)
{
	const GPtrArray *before = rebuild->before->sources;
	for (guint i = 0; i < rebuild->after->sources->len; i++) {
		const struct published_source *source = g_ptr_array_index(rebuild->after->sources,
									  i);
		if (!g_ptr_array_find((GPtrArray *)before, source, NULL))
			log_failures(source);
	}
	for (guint i = 0; i < rebuild->refused->len; i++)
		g_warning("%s", (const char *)g_ptr_array_index(rebuild->refused, i));
}

void orchestrator_free(struct orchestrator *orchestrator)
{
	if (!orchestrator)
		return;
	edition_free(orchestrator->edition);
	g_mutex_clear(&orchestrator->lock);
	g_mutex_clear(&orchestrator->rebuilding);
	g_free(orchestrator->data_dir);
	g_free(orchestrator);
}

struct edition *orchestrator_edition(struct orchestrator *orchestrator)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&orchestrator->lock);
	return edition_ref(orchestrator->edition);
}

/* Takes over `edition`. */
static void set_edition(struct orchestrator *orchestrator, struct edition *edition)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&orchestrator->lock);
	edition_free(orchestrator->edition);
	orchestrator->edition = edition;
}

/* struct view_owner */
static GPtrArray *stored_owners(struct orchestrator *orchestrator)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *owners = view_ownership_list(orchestrator->state, NULL, &error);
	if (owners)
		return owners;
	g_warning("owners of table names cannot be read, and are decided anew: %s", error->message);
	return g_ptr_array_new();
}

static struct edition *make_edition(uint64_t number, const GPtrArray *sources,
				    const struct ownership *ownership)
{
	struct edition *edition = edition_new(number, sources);
	for (guint i = 0; i < sources->len; i++) {
		const struct published_source *source = g_ptr_array_index(sources, i);
		for (guint j = 0; j < source->tables->len; j++) {
			const struct published_table *table = g_ptr_array_index(source->tables, j);
			if (ownership_has(ownership, source->name, table->name))
				edition_add(edition, source, table);
		}
	}
	return edition;
}

/* The edition that the published files make up, before any rebuild. */
static struct edition *load_edition(struct orchestrator *orchestrator, GError **error)
{
	g_autoptr(GPtrArray) sources = sources_load(orchestrator->data_dir, error);
	if (!sources)
		return NULL;
	g_autoptr(GPtrArray) stored = stored_owners(orchestrator);
	g_auto(ownership) ownership = {0};
	ownership_decide(&ownership, stored, sources);
	return make_edition(1, sources, &ownership);
}

int orchestrator_lock(const char *data_dir, int milliseconds, GError **error)
{
	g_autofree char *folder = g_build_filename(data_dir, "published", NULL);
	g_autofree char *path = g_build_filename(folder, ".lock", NULL);
	return files_make_folder(folder, error) ? files_lock(path, milliseconds, error) : -1;
}

struct orchestrator *orchestrator_new(const char *data_dir, struct state *state,
				      const struct publish_limits *limits,
				      enum orchestrator_locking locking, GError **error)
{
	g_autoptr(orchestrator) orchestrator = g_new0(struct orchestrator, 1);
	int cores = (int)g_get_num_processors();
	orchestrator->data_dir = g_canonicalize_filename(data_dir, NULL);
	orchestrator->state = state;
	orchestrator->limits = *limits;
	orchestrator->children = CLAMP(cores, 1, MOST_CHILDREN);
	g_mutex_init(&orchestrator->lock);
	g_mutex_init(&orchestrator->rebuilding);
	orchestrator->locking = locking;
	orchestrator->edition = load_edition(orchestrator, error);
	return orchestrator->edition ? g_steal_pointer(&orchestrator) : NULL;
}

static bool is_changed(const struct edition *before, const struct published_table *table)
{
	const struct edition_table *previous = edition_find(before, table->name);
	return !previous || g_strcmp0(previous->table->md5, table->md5) != 0;
}

/*
 * What the state lacks: tables whose content it does not know. A row that somebody removed is not
 * made again until the table changes, unless rows may be missing for another reason.
 */
static bool is_to_record(const struct edition *before, GHashTable *hashes, bool incomplete,
			 const struct published_table *table)
{
	const char *recorded = g_hash_table_lookup(hashes, table->name);
	if (recorded)
		return strcmp(recorded, table->md5 ? table->md5 : "") != 0;
	return incomplete || is_changed(before, table);
}

static struct sync_result make_record(const struct published_table *table)
{
	gint64 now = g_get_real_time();
	struct sync_result record;
	sync_result_init(&record, table->name);
	/* A time in the future would keep the table from ever being due again. */
	if (table->extracted_at != DUCK_NO_TIME)
		record.state.last_sync = MIN(table->extracted_at, now);
	record.state.rows = table->rows;
	record.state.file_size_bytes = table->size_bytes;
	record.state.columns = table->columns;
	record.state.hash = table->md5 ? table->md5 : "";
	return record;
}

static GArray *collect_records(const struct rebuild *rebuild, GHashTable *hashes, bool incomplete)
{
	GArray *records = g_array_new(FALSE, FALSE, sizeof(struct sync_result));
	for (guint i = 0; i < rebuild->after->tables->len; i++) {
		const struct edition_table *entry = g_ptr_array_index(rebuild->after->tables, i);
		if (!is_to_record(rebuild->before, hashes, incomplete, entry->table))
			continue;
		struct sync_result record = make_record(entry->table);
		g_array_append_val(records, record);
	}
	return records;
}

static bool record_changes(struct orchestrator *orchestrator, const struct rebuild *rebuild,
			   GError **error)
{
	g_autoptr(GPtrArray) states = sync_state_list(orchestrator->state, error);
	if (!states)
		return false;
	g_autoptr(GHashTable) hashes = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < states->len; i++) {
		const struct sync_state *row = g_ptr_array_index(states, i);
		g_hash_table_replace(hashes, (void *)row->table_id,
				     (void *)(row->hash ? row->hash : ""));
	}
	bool incomplete = orchestrator->interrupted || states->len == 0;
	g_autoptr(GArray) records = collect_records(rebuild, hashes, incomplete);
	return records->len == 0 || sync_state_save(orchestrator->state, records, error);
}

/* Whether any source is another than before. */
static bool is_same(const struct edition *edition, const GPtrArray *sources)
{
	if (edition->sources->len != sources->len)
		return false;
	for (guint i = 0; i < sources->len; i++) {
		if (g_ptr_array_index(edition->sources, i) != g_ptr_array_index(sources, i))
			return false;
	}
	return true;
}

/* `sources` are in force from here on, or else, on error, nothing is. */
static bool adopt(struct orchestrator *orchestrator, const GPtrArray *sources,
		  struct rebuild *rebuild, GError **error)
{
	g_autoptr(GPtrArray) stored = stored_owners(orchestrator);
	g_auto(ownership) ownership = {0};
	ownership_decide(&ownership, stored, sources);
	for (guint i = 0; i < ownership.collisions->len; i++)
		g_ptr_array_add(rebuild->refused,
				g_strdup(g_ptr_array_index(ownership.collisions, i)));
	rebuild->after = is_same(rebuild->before, sources)
				 ? edition_ref(rebuild->before)
				 : make_edition(rebuild->before->number + 1, sources, &ownership);
	if (!ownership_save(&ownership, orchestrator->state, error) ||
	    !record_changes(orchestrator, rebuild, error))
		return false;
	set_edition(orchestrator, edition_ref(rebuild->after));
	return true;
}

/*
 * A file that is there from before anything is published until it is recorded. No sync of its own:
 * the file systems that we are made for keep the order of creations.
 */
static bool mark_start(struct orchestrator *orchestrator, const char *mark, GError **error)
{
	orchestrator->interrupted = g_file_test(mark, G_FILE_TEST_EXISTS);
	AUTO_FD fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		agnes_set_errno(error, errno, "cannot make %s", mark);
	return fd >= 0;
}

static void free_names(gpointer names)
{
	g_ptr_array_unref(names);
}

/* Registered queries, by the source whose folder holds their result. */
static GHashTable *find_materialized(struct orchestrator *orchestrator, GError **error)
{
	g_autoptr(GPtrArray) tables = registry_list(orchestrator->state, error);
	if (!tables)
		return NULL;
	GHashTable *sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_names);
	for (guint i = 0; i < tables->len; i++) {
		const struct registered_table *table = g_ptr_array_index(tables, i);
		if (g_strcmp0(table->query_mode, "materialized") != 0)
			continue;
		const char *source = table->source_type && *table->source_type
					     ? table->source_type
					     : DEFAULT_MATERIALIZED_SOURCE;
		GPtrArray *names = g_hash_table_lookup(sources, source);
		if (!names) {
			names = g_ptr_array_new_with_free_func(g_free);
			g_hash_table_replace(sources, g_strdup(source), names);
		}
		g_ptr_array_add(names, g_strdup(table->name));
	}
	return sources;
}

static bool rebuild_locked(struct orchestrator *orchestrator, const char *source,
			   struct rebuild *rebuild, GError **error)
{
	g_autoptr(GHashTable) materialized = find_materialized(orchestrator, error);
	if (!materialized)
		return false;
	const struct sources_plan plan = {
		.data_dir = orchestrator->data_dir,
		.only = source,
		.materialized = materialized,
		.previous = rebuild->before->sources,
		.limits = &orchestrator->limits,
		.children = orchestrator->children,
	};
	g_autofree char *mark = g_build_filename(orchestrator->data_dir, "published", ".unrecorded",
						 NULL);
	if (!mark_start(orchestrator, mark, error))
		return false;
	g_autoptr(GPtrArray)
		sources = sources_publish(&plan, rebuild->refused, &rebuild->slowest_source, error);
	if (!sources || !adopt(orchestrator, sources, rebuild, error) || !files_remove(mark, error))
		return false;
	sources_remove_gone(orchestrator->data_dir, sources);
	return true;
}

/* Unless the caller holds it. */
static bool take_lock(struct orchestrator *orchestrator, int *lock, GError **error)
{
	if (orchestrator->locking == ORCHESTRATOR_LOCKED)
		return true;
	*lock = orchestrator_lock(orchestrator->data_dir, ORCHESTRATOR_PATIENCE, error);
	return *lock >= 0;
}

bool orchestrator_rebuild(struct orchestrator *orchestrator, const char *source,
			  struct rebuild *rebuild, GError **error)
{
	g_autoptr(GMutexLocker) turn = g_mutex_locker_new(&orchestrator->rebuilding);
	AUTO_FD lock = -1;
	if (!take_lock(orchestrator, &lock, error))
		return false;
	gint64 start = g_get_monotonic_time();
	rebuild->refused = g_ptr_array_new_with_free_func(g_free);
	rebuild->before = orchestrator_edition(orchestrator);
	if (!rebuild_locked(orchestrator, source, rebuild, error))
		return false;
	g_info("rebuild took %.1f ms, the slowest source %.1f ms of them",
	       (double)(g_get_monotonic_time() - start) / 1000,
	       (double)rebuild->slowest_source / 1000);
	return true;
}

bool orchestrator_sweep(struct orchestrator *orchestrator, int64_t seconds, GError **error)
{
	g_autoptr(GMutexLocker) turn = g_mutex_locker_new(&orchestrator->rebuilding);
	AUTO_FD lock = -1;
	if (!take_lock(orchestrator, &lock, error))
		return false;
	g_autoptr(edition) edition = orchestrator_edition(orchestrator);
	for (guint i = 0; i < edition->sources->len; i++)
		publish_sweep(orchestrator->data_dir, g_ptr_array_index(edition->sources, i),
			      seconds);
	return true;
}
