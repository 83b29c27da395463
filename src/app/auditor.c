/* The thread that writes audit notes. */
#include "app/auditor.h"

#include "base/json.h"
#include "state/audit.h"

enum {
	GATHER_MS = 50,		   /* notes of this long go into one commit */
	RETRY_SECONDS = 2,	   /* after a failure */
	MOST_WAITING = 100 * 1000, /* beyond that notes are lost: memory is not for the taking */
};

struct auditor {
	struct state *state;
	GThread *thread;
	GMutex lock;
	GCond changed;
	GPtrArray *queue; /* of struct audit_entry */
	bool stopping, flushing, writing, failing;
	size_t lost;
};

static void entry_free(gpointer data)
{
	struct audit_entry *entry = data;
	g_free((char *)entry->id);
	g_free((char *)entry->user_id);
	g_free((char *)entry->action);
	g_free((char *)entry->resource);
	g_free((char *)entry->params);
	g_free((char *)entry->result);
	g_free(entry);
}

/* Waits for notes, then a moment longer for more of them; NULL when it is time to end. */
static GPtrArray *gather(struct auditor *auditor)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&auditor->lock);
	while (auditor->queue->len == 0 && !auditor->stopping)
		g_cond_wait(&auditor->changed, &auditor->lock);
	if (auditor->queue->len == 0)
		return NULL;
	gint64 pause = auditor->failing ? RETRY_SECONDS * G_TIME_SPAN_SECOND
					: GATHER_MS * G_TIME_SPAN_MILLISECOND;
	gint64 until = g_get_monotonic_time() + pause;
	while (!auditor->stopping && !auditor->flushing &&
	       g_cond_wait_until(&auditor->changed, &auditor->lock, until))
		;
	GPtrArray *batch = auditor->queue;
	auditor->queue = g_ptr_array_new_with_free_func(entry_free);
	auditor->writing = true;
	return batch;
}

/* Puts what could not be written before what came since. */
static void give_back(struct auditor *auditor, GPtrArray *batch)
{
	g_ptr_array_extend_and_steal(batch, g_steal_pointer(&auditor->queue));
	auditor->queue = batch;
	if (batch->len > MOST_WAITING) {
		guint surplus = batch->len - MOST_WAITING;
		auditor->lost += surplus;
		g_ptr_array_remove_range(batch, 0, surplus);
		g_critical("the audit log cannot be written: %zu notes are lost", auditor->lost);
	}
}

static bool finish(struct auditor *auditor, GPtrArray *batch, bool written)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&auditor->lock);
	auditor->writing = false;
	auditor->failing = !written;
	auditor->flushing = false;
	if (written)
		g_ptr_array_unref(batch);
	else
		give_back(auditor, batch);
	g_cond_broadcast(&auditor->changed);
	return written || !auditor->stopping;
}

static gpointer write_loop(gpointer data)
{
	struct auditor *auditor = data;
	GPtrArray *batch;
	while ((batch = gather(auditor))) {
		g_autoptr(GError) error = NULL;
		bool written = audit_write(auditor->state, batch, &error);
		if (!written)
			g_critical("the audit log cannot be written, %u notes wait: %s", batch->len,
				   error->message);
		if (!finish(auditor, batch, written))
			break;
	}
	return NULL;
}

struct auditor *auditor_new(struct state *state)
{
	struct auditor *auditor = g_new0(struct auditor, 1);
	g_mutex_init(&auditor->lock);
	g_cond_init(&auditor->changed);
	auditor->state = state;
	auditor->queue = g_ptr_array_new_with_free_func(entry_free);
	auditor->thread = g_thread_new("audit", write_loop, auditor);
	return auditor;
}

void auditor_free(struct auditor *auditor)
{
	if (!auditor)
		return;
	g_mutex_lock(&auditor->lock);
	auditor->stopping = true;
	g_cond_broadcast(&auditor->changed);
	g_mutex_unlock(&auditor->lock);
	g_thread_join(auditor->thread);
	if (auditor->queue->len > 0)
		g_critical("%u audit notes could not be written before the end",
			   auditor->queue->len);
	g_ptr_array_unref(auditor->queue);
	g_mutex_clear(&auditor->lock);
	g_cond_clear(&auditor->changed);
	g_free(auditor);
}

void auditor_record(struct auditor *auditor, const struct audit_note *note, json_t *params)
{
	struct audit_entry *entry = g_new0(struct audit_entry, 1);
	entry->id = g_uuid_string_random();
	entry->timestamp = g_get_real_time();
	entry->user_id = g_strdup(note->user_id);
	entry->action = g_strdup(note->action);
	entry->resource = g_strdup(note->resource);
	entry->params = params && json_object_size(params) > 0 ? json_to_text(params) : NULL;
	entry->result = g_strdup(note->result);
	entry->duration_ms = note->duration_ms < 0 ? RECORD_NO_INT : note->duration_ms;
	json_decref(params);
	g_mutex_lock(&auditor->lock);
	g_ptr_array_add(auditor->queue, entry);
	if (auditor->queue->len == 1)
		g_cond_broadcast(&auditor->changed);
	g_mutex_unlock(&auditor->lock);
}

void auditor_flush(struct auditor *auditor)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&auditor->lock);
	while ((auditor->queue->len > 0 && !auditor->failing) || auditor->writing) {
		auditor->flushing = true;
		g_cond_broadcast(&auditor->changed);
		g_cond_wait(&auditor->changed, &auditor->lock);
	}
}

void auditor_load(struct auditor *auditor, size_t *waiting, size_t *lost)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&auditor->lock);
	*waiting = auditor->queue->len;
	*lost = auditor->lost;
}
