/* The queue and the workers. Who waits is served in order, except those who are at their limit. */
#include "query/pool.h"

#include "base/error.h"
#include "base/files.h"
#include "query/pool_private.h"
#include "query/spare.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How much of a statement the report shows. */
enum { SHOWN_SQL = 2000 };

/* A place for a worker. While a thread starts one in it, child is NULL. */
struct pool_slot {
	struct query_source *source;
	struct query_child *child;
	struct query_ticket *ticket; /* whose query it runs; NULL: idle */
	gint64 used;		     /* when it became idle */
	unsigned queries;
};

struct query_pool {
	const struct query_pool_options *options;
	GMutex lock;
	GPtrArray *slots;   /* struct pool_slot */
	GPtrArray *tickets; /* struct query_ticket, in order of arrival */
	GCond left;	    /* one of them has gone */
	GPtrArray *ended;   /* struct pool_slot, to be freed without the lock */
	struct query_spare *spare;
	GHashTable *editions; /* by a source's key: the present one, once another was retired */
	uint64_t oldest;      /* age of a source that is not retired */
};

static void slot_free(gpointer data)
{
	struct pool_slot *slot = data;
	query_child_free(slot->child);
	query_source_free(slot->source);
	g_free(slot);
}

/* Ending a worker takes a while: nobody shall wait for it. */
static void unlock(struct query_pool *pool)
{
	g_autoptr(GPtrArray) ended = g_steal_pointer(&pool->ended);
	pool->ended = g_ptr_array_new_with_free_func(slot_free);
	g_mutex_unlock(&pool->lock);
}

static void end_slot(struct query_pool *pool, struct pool_slot *slot)
{
	g_ptr_array_remove_fast(pool->slots, slot);
	g_ptr_array_add(pool->ended, slot);
}

struct query_pool *query_pool_new(const struct query_pool_options *options, GError **error)
{
	/* What workers of a server that was killed left behind. */
	if (!files_remove_tree(options->child.temporary, error) ||
	    !files_make_folder(options->child.temporary, error))
		return NULL;
	struct query_pool *pool = g_new0(struct query_pool, 1);
	pool->options = options;
	pool->slots = g_ptr_array_new();
	pool->tickets = g_ptr_array_new();
	pool->ended = g_ptr_array_new_with_free_func(slot_free);
	pool->spare = query_spare_new(&options->child);
	pool->editions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_mutex_init(&pool->lock);
	g_cond_init(&pool->left);
	return pool;
}

static void cancel(struct query_ticket *ticket)
{
	ticket->cancelled = true;
	g_cond_signal(&ticket->turn);
	eventfd_write(ticket->wake, 1);
}

static void end_queries(struct query_pool *pool)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&pool->lock);
	for (guint i = 0; i < pool->tickets->len; i++)
		cancel(g_ptr_array_index(pool->tickets, i));
	while (pool->tickets->len > 0)
		g_cond_wait(&pool->left, &pool->lock);
}

void query_pool_free(struct query_pool *pool)
{
	if (!pool)
		return;
	end_queries(pool);
	query_spare_free(pool->spare);
	g_ptr_array_set_free_func(pool->slots, slot_free);
	g_ptr_array_unref(pool->ended);
	g_hash_table_unref(pool->editions);
	g_ptr_array_unref(pool->slots);
	g_ptr_array_unref(pool->tickets);
	g_cond_clear(&pool->left);
	g_mutex_clear(&pool->lock);
	g_free(pool);
}

static bool is_of(const struct pool_slot *slot, const struct query_source *source)
{
	return strcmp(slot->source->key, source->key) == 0 &&
	       strcmp(slot->source->edition, source->edition) == 0;
}

/* When any worker of the slot's source was last used: the source that is unused longest goes first.
 */
static gint64 source_used(const struct query_pool *pool, const struct pool_slot *slot)
{
	gint64 used = slot->used;
	for (guint i = 0; i < pool->slots->len; i++) {
		const struct pool_slot *other = g_ptr_array_index(pool->slots, i);
		if (is_of(other, slot->source))
			used = MAX(used, other->ticket ? G_MAXINT64 : other->used);
	}
	return used;
}

static struct pool_slot *find_idle(struct query_pool *pool, const struct query_source *source)
{
	struct pool_slot *best = NULL;
	for (guint i = pool->slots->len; i-- > 0;) {
		struct pool_slot *slot = g_ptr_array_index(pool->slots, i);
		if (slot->ticket || !is_of(slot, source))
			continue;
		/* The one that was used last is the warmest. */
		if (!query_child_is_alive(slot->child))
			end_slot(pool, slot);
		else if (!best || slot->used > best->used)
			best = slot;
	}
	return best;
}

/* An idle worker whose place another source may take. */
static struct pool_slot *find_victim(const struct query_pool *pool)
{
	struct pool_slot *victim = NULL;
	gint64 victim_used = 0;
	for (guint i = 0; i < pool->slots->len; i++) {
		struct pool_slot *slot = g_ptr_array_index(pool->slots, i);
		gint64 used = source_used(pool, slot);
		if (!slot->ticket && (!victim || used < victim_used)) {
			victim = slot;
			victim_used = used;
		}
	}
	return victim;
}

static unsigned count_slots(const struct query_pool *pool, const struct query_source *source)
{
	unsigned count = 0;
	for (guint i = 0; i < pool->slots->len; i++)
		count += is_of(g_ptr_array_index(pool->slots, i), source) ? 1 : 0;
	return count;
}

/* Tickets of a user that are queued, or those that are not. */
static unsigned count_tickets(const struct query_pool *pool, const char *user, bool queued)
{
	unsigned count = 0;
	for (guint i = 0; i < pool->tickets->len; i++) {
		const struct query_ticket *ticket = g_ptr_array_index(pool->tickets, i);
		bool is_queued = ticket->state == RUN_QUEUED;
		if (is_queued == queued && (!user || strcmp(ticket->user, user) == 0))
			count++;
	}
	return count;
}

static void take_slot(struct query_ticket *ticket, struct pool_slot *slot)
{
	slot->ticket = ticket;
	slot->queries++;
	ticket->slot = slot;
	ticket->child = slot->child;
	ticket->state = RUN_STARTING;
	g_cond_signal(&ticket->turn);
}

/* An empty place for a new worker, made by letting another go when all are taken. */
static struct pool_slot *make_slot(struct query_pool *pool, struct query_source *source)
{
	if (count_slots(pool, source) >= pool->options->workers_a_source)
		return NULL;
	if (pool->slots->len >= pool->options->workers) {
		struct pool_slot *victim = find_victim(pool);
		if (!victim)
			return NULL;
		end_slot(pool, victim);
	}
	struct pool_slot *slot = g_new0(struct pool_slot, 1);
	slot->source = query_source_ref(source);
	g_ptr_array_add(pool->slots, slot);
	return slot;
}

/* Gives workers to those who wait, first come first served, and skips who is at a limit. */
static void dispatch(struct query_pool *pool)
{
	for (guint i = 0; i < pool->tickets->len; i++) {
		struct query_ticket *ticket = g_ptr_array_index(pool->tickets, i);
		if (ticket->state != RUN_QUEUED || ticket->cancelled ||
		    count_tickets(pool, ticket->user, false) >= pool->options->running_a_user)
			continue;
		struct pool_slot *slot = find_idle(pool, ticket->source);
		if (!slot)
			slot = make_slot(pool, ticket->source);
		if (slot)
			take_slot(ticket, slot);
	}
}

static void ticket_free(struct query_ticket *ticket)
{
	query_source_free(ticket->source);
	g_free(ticket->id);
	g_free(ticket->user);
	g_free(ticket->sql);
	g_free(ticket->format);
	close(ticket->wake);
	g_cond_clear(&ticket->turn);
	g_free(ticket);
}

/* Without a user: of anybody. */
static bool is_named(const struct query_ticket *ticket, const char *id, const char *user)
{
	return strcmp(ticket->id, id) == 0 && (!user || strcmp(ticket->user, user) == 0);
}

/* What others call their queries is nobody's business. */
static bool is_taken(const struct query_pool *pool, const char *id, const char *user)
{
	for (guint i = 0; i < pool->tickets->len; i++) {
		if (is_named(g_ptr_array_index(pool->tickets, i), id, user))
			return true;
	}
	return false;
}

static bool may_queue(const struct query_pool *pool, const struct query_pool_request *request,
		      GError **error)
{
	const struct query_pool_options *options = pool->options;
	if (is_taken(pool, request->id, request->user)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
			    "a query with the id '%s' is running", request->id);
		return false;
	}
	if (count_tickets(pool, NULL, true) < options->queued &&
	    count_tickets(pool, request->user, true) < options->queued_a_user)
		return true;
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_BUSY,
			    "too many queries are waiting; try again later");
	return false;
}

static struct query_ticket *queue_up(struct query_pool *pool, struct query_source *source,
				     const struct query_pool_request *request)
{
	struct query_ticket *ticket = g_new0(struct query_ticket, 1);
	ticket->pool = pool;
	ticket->id = g_strdup(request->id);
	ticket->user = g_strdup(request->user);
	ticket->sql = g_utf8_make_valid(request->sql, (gssize)strnlen(request->sql, SHOWN_SQL));
	ticket->format = g_strdup(request->format);
	ticket->since = g_get_monotonic_time();
	ticket->source = query_source_ref(source);
	ticket->abandoned = request->abandoned;
	ticket->cancelled = ticket->abandoned && atomic_load(ticket->abandoned);
	ticket->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	g_cond_init(&ticket->turn);
	g_ptr_array_add(pool->tickets, ticket);
	dispatch(pool);
	return ticket;
}

/* Until it has a slot; false when it shall not have one. */
static bool wait_for_turn(struct query_ticket *ticket, GError **error)
{
	struct query_pool *pool = ticket->pool;
	gint64 deadline = ticket->since + (gint64)pool->options->queue_seconds * G_USEC_PER_SEC;
	while (ticket->state == RUN_QUEUED && !ticket->cancelled) {
		if (!g_cond_wait_until(&ticket->turn, &pool->lock, deadline) &&
		    ticket->state == RUN_QUEUED) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_BUSY,
				    "the query waited %u seconds for its turn; try again later",
				    pool->options->queue_seconds);
			return false;
		}
	}
	if (!ticket->cancelled)
		return true;
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_CANCELLED,
			    "Query error: the query was cancelled");
	return false;
}

/* Starts a worker in the ticket's empty slot; without the lock, because it takes a while. */
static bool fill_slot(struct query_ticket *ticket, GError **error)
{
	if (ticket->child)
		return true;
	g_autoptr(query_child) child = query_spare_take(ticket->pool->spare, error);
	if (!child || !query_child_open(child, ticket->source, error))
		return false;
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&ticket->pool->lock);
	ticket->slot->child = ticket->child = g_steal_pointer(&child);
	return true;
}

struct query_ticket *query_pool_enter(struct query_pool *pool, struct query_source *source,
				      const struct query_pool_request *request, GError **error)
{
	g_mutex_lock(&pool->lock);
	struct query_ticket *ticket = may_queue(pool, request, error)
					      ? queue_up(pool, source, request)
					      : NULL;
	bool has_turn = ticket && wait_for_turn(ticket, error);
	unlock(pool);
	if (!ticket)
		return NULL;
	if (!has_turn || !fill_slot(ticket, error)) {
		query_pool_leave(ticket, true);
		return NULL;
	}
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&pool->lock);
	ticket->state = RUN_RUNNING;
	return ticket;
}

static bool is_outdated(const struct query_pool *pool, const struct query_source *source)
{
	const char *present = g_hash_table_lookup(pool->editions, source->key);
	return source->age < pool->oldest || (present && strcmp(present, source->edition) != 0);
}

void query_pool_leave(struct query_ticket *ticket, bool reusable)
{
	struct query_pool *pool = ticket->pool;
	struct pool_slot *slot = ticket->slot;
	bool keep = reusable && ticket->child && !query_child_is_bloated(ticket->child);
	g_mutex_lock(&pool->lock);
	g_ptr_array_remove(pool->tickets, ticket);
	g_cond_signal(&pool->left);
	if (slot) {
		slot->ticket = NULL;
		slot->used = g_get_monotonic_time();
		if (!keep || is_outdated(pool, slot->source))
			end_slot(pool, slot);
	}
	dispatch(pool);
	unlock(pool);
	ticket_free(ticket);
}

bool query_pool_cancel(struct query_pool *pool, const char *id, const char *user, GError **error)
{
	bool found = false;
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&pool->lock);
	for (guint i = 0; i < pool->tickets->len; i++) {
		struct query_ticket *ticket = g_ptr_array_index(pool->tickets, i);
		if (!is_named(ticket, id, user))
			continue;
		cancel(ticket);
		found = true;
	}
	if (!found)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND,
			    "no query with the id '%s' is running", id);
	return found;
}

void query_pool_abandon(struct query_pool *pool, atomic_bool *abandoned)
{
	/* One that queues up after this looks for itself. */
	atomic_store(abandoned, true);
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&pool->lock);
	for (guint i = 0; i < pool->tickets->len; i++) {
		struct query_ticket *ticket = g_ptr_array_index(pool->tickets, i);
		if (ticket->abandoned == abandoned)
			cancel(ticket);
	}
}

static json_t *report_ticket(const struct query_ticket *ticket)
{
	static const char *const states[] = {
		[RUN_QUEUED] = "queued", [RUN_STARTING] = "starting", [RUN_RUNNING] = "running"};
	json_int_t age = (g_get_monotonic_time() - ticket->since) / 1000;
	return json_pack("{ss ss ss ss ss sI}", "id", ticket->id, "user", ticket->user, "state",
			 states[ticket->state], "sql", ticket->sql, "format", ticket->format,
			 "milliseconds", age);
}

static json_t *report_slot(const struct pool_slot *slot)
{
	const char *state = !slot->child ? "starting" : slot->ticket ? "busy" : "idle";
	json_int_t pid = slot->child ? query_child_pid(slot->child) : 0;
	return json_pack("{sI ss si ss si}", "pid", pid, "edition", slot->source->edition, "tables",
			 (int)json_array_size(slot->source->tables), "state", state, "queries",
			 (int)slot->queries);
}

json_t *query_pool_report(struct query_pool *pool)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&pool->lock);
	json_t *queries = json_array(), *workers = json_array();
	for (guint i = 0; i < pool->tickets->len; i++)
		json_array_append_new(queries, report_ticket(g_ptr_array_index(pool->tickets, i)));
	for (guint i = 0; i < pool->slots->len; i++)
		json_array_append_new(workers, report_slot(g_ptr_array_index(pool->slots, i)));
	return json_pack("{so so}", "queries", queries, "workers", workers);
}

/* Busy ones go when they are done. */
static void end_outdated(struct query_pool *pool)
{
	for (guint i = pool->slots->len; i-- > 0;) {
		struct pool_slot *slot = g_ptr_array_index(pool->slots, i);
		if (!slot->ticket && is_outdated(pool, slot->source))
			end_slot(pool, slot);
	}
}

void query_pool_retire(struct query_pool *pool, const char *key, const char *edition)
{
	g_mutex_lock(&pool->lock);
	g_hash_table_replace(pool->editions, g_strdup(key), g_strdup(edition));
	end_outdated(pool);
	unlock(pool);
}

void query_pool_retire_before(struct query_pool *pool, uint64_t age)
{
	g_mutex_lock(&pool->lock);
	pool->oldest = MAX(pool->oldest, age);
	end_outdated(pool);
	unlock(pool);
}
