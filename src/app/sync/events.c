/* The thread that writes to listeners, and their queues. */
#include "app/sync/events.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

enum {
	MOST_LISTENERS = 64,
	MOST_QUEUED = 4 * 1024 * 1024, /* bytes that wait for one listener */
	BEAT_SECONDS = 15,	       /* a comment, so that nobody in between thinks it is dead */
	/* Then it ends, and whoever comes back must show again who they are. */
	LONGEST_SECONDS = 15 * 60,
};

struct listener {
	int fd;	      /* non-blocking */
	GQueue queue; /* of GBytes */
	size_t sent;  /* of the first one */
	size_t queued;
	gint64 until;
	bool ready; /* the picture is at the head of the queue */
	bool left;  /* nobody reads any more */
};

struct sync_events {
	GThread *thread;
	int wake;    /* an eventfd */
	GMutex lock; /* for what follows */
	GPtrArray *listeners;
	bool stopping, closed;
	atomic_int count; /* of listeners */
};

static void listener_free(gpointer data)
{
	struct listener *listener = data;
	descriptor_close(&listener->fd);
	g_queue_clear_full(&listener->queue, (GDestroyNotify)g_bytes_unref);
	g_free(listener);
}

static GBytes *format_event(const char *name, const json_t *data)
{
	g_autofree char *text = json_to_text(data);
	char *event = g_strdup_printf("event: %s\ndata: %s\n\n", name, text);
	return g_bytes_new_take(event, strlen(event));
}

/* With the lock held. */
static void queue_bytes(struct listener *listener, GBytes *bytes)
{
	g_queue_push_tail(&listener->queue, g_bytes_ref(bytes));
	listener->queued += g_bytes_get_size(bytes);
}

/* Writes what fits into the pipe now; false when nobody reads it any more. */
static bool write_queue(struct listener *listener)
{
	GBytes *first;
	while ((first = g_queue_peek_head(&listener->queue))) {
		gsize size;
		const char *bytes = g_bytes_get_data(first, &size);
		ssize_t step = write(listener->fd, bytes + listener->sent, size - listener->sent);
		if (step < 0 && errno == EAGAIN)
			return true;
		if (step < 0 && errno == EINTR)
			continue;
		if (step < 0)
			return false;
		listener->sent += (size_t)step;
		if (listener->sent < size)
			continue;
		listener->sent = 0;
		listener->queued -= size;
		g_bytes_unref(g_queue_pop_head(&listener->queue));
	}
	return true;
}

static bool is_over(const struct listener *listener, gint64 now)
{
	return listener->queued > MOST_QUEUED || now >= listener->until;
}

/* With the lock held: serves everybody, and lets go who left or does not keep up. */
static void serve(struct sync_events *events, bool beat)
{
	static const char comment[] = ":\n\n";
	g_autoptr(GBytes) bytes = g_bytes_new_static(comment, strlen(comment));
	gint64 now = g_get_monotonic_time();
	if (events->closed)
		g_ptr_array_set_size(events->listeners, 0);
	for (guint i = events->listeners->len; i-- > 0;) {
		struct listener *listener = g_ptr_array_index(events->listeners, i);
		if (!listener->ready)
			continue;
		if (beat && listener->queued == 0)
			queue_bytes(listener, bytes);
		if (listener->left || !write_queue(listener) || is_over(listener, now))
			g_ptr_array_remove_index_fast(events->listeners, i);
	}
	atomic_store(&events->count, (int)events->listeners->len);
}

static GArray *what_to_watch(struct sync_events *events)
{
	GArray *watched = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
	struct pollfd wake = {.fd = events->wake, .events = POLLIN};
	g_array_append_val(watched, wake);
	for (guint i = 0; i < events->listeners->len; i++) {
		const struct listener *listener = g_ptr_array_index(events->listeners, i);
		/* That nobody reads any more is told without being asked for. */
		struct pollfd one = {.fd = listener->fd,
				     .events = listener->ready && listener->queued > 0 ? POLLOUT
										       : 0};
		g_array_append_val(watched, one);
	}
	return watched;
}

/* With the lock held: the listeners that were watched are still the first ones of the list. */
static void mark_left(struct sync_events *events, const GArray *watched)
{
	for (guint i = 1; i < watched->len; i++) {
		struct listener *listener = g_ptr_array_index(events->listeners, i - 1);
		if (g_array_index(watched, struct pollfd, i).revents & POLLERR)
			listener->left = true;
	}
}

static gpointer write_loop(gpointer data)
{
	struct sync_events *events = data;
	gint64 beat = g_get_monotonic_time() + BEAT_SECONDS * G_USEC_PER_SEC;
	g_mutex_lock(&events->lock);
	while (!events->stopping) {
		g_autoptr(GArray) watched = what_to_watch(events);
		g_mutex_unlock(&events->lock);
		eventfd_t ignored;
		struct pollfd *all = (struct pollfd *)watched->data;
		int patience = (int)MAX(0, (beat - g_get_monotonic_time()) / 1000) + 1;
		if (poll(all, watched->len, patience) > 0 && all[0].revents)
			eventfd_read(events->wake, &ignored);
		bool is_time = g_get_monotonic_time() >= beat;
		if (is_time)
			beat = g_get_monotonic_time() + BEAT_SECONDS * G_USEC_PER_SEC;
		g_mutex_lock(&events->lock);
		mark_left(events, watched);
		serve(events, is_time);
	}
	g_mutex_unlock(&events->lock);
	return NULL;
}

struct sync_events *sync_events_new(GError **error)
{
	g_autoptr(sync_events) events = g_new0(struct sync_events, 1);
	g_mutex_init(&events->lock);
	events->listeners = g_ptr_array_new_with_free_func(listener_free);
	events->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (events->wake < 0) {
		agnes_set_errno(error, errno, "cannot make an eventfd");
		return NULL;
	}
	events->thread = g_thread_new("events", write_loop, events);
	return g_steal_pointer(&events);
}

void sync_events_close(struct sync_events *events)
{
	g_mutex_lock(&events->lock);
	events->closed = true;
	g_mutex_unlock(&events->lock);
	eventfd_write(events->wake, 1);
}

void sync_events_free(struct sync_events *events)
{
	if (!events)
		return;
	if (events->thread) {
		g_mutex_lock(&events->lock);
		events->stopping = true;
		g_mutex_unlock(&events->lock);
		eventfd_write(events->wake, 1);
		g_thread_join(events->thread);
	}
	g_ptr_array_unref(events->listeners);
	descriptor_close(&events->wake);
	g_mutex_clear(&events->lock);
	g_free(events);
}

/* Takes over `fd`. */
static struct listener *enter(struct sync_events *events, int fd, GError **error)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&events->lock);
	if (events->closed || events->listeners->len >= MOST_LISTENERS) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_BUSY, "%s",
			    events->closed ? "the server is shutting down"
					   : "too many listen already; try again later");
		close(fd);
		return NULL;
	}
	struct listener *listener = g_new0(struct listener, 1);
	listener->fd = fd;
	listener->until = g_get_monotonic_time() + LONGEST_SECONDS * G_USEC_PER_SEC;
	g_queue_init(&listener->queue);
	g_ptr_array_add(events->listeners, listener);
	atomic_store(&events->count, (int)events->listeners->len);
	return listener;
}

int sync_events_listen(struct sync_events *events, json_t *(*picture)(void *data), void *data,
		       GError **error)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0) {
		agnes_set_errno(error, errno, "cannot make a pipe");
		return -1;
	}
	AUTO_FD reader = ends[0];
	/* First a place in the list, then the picture: what changes meanwhile waits behind it. */
	struct listener *listener = enter(events, ends[1], error);
	if (!listener)
		return -1;
	g_autoptr(json_t) now = picture(data);
	GBytes *bytes = format_event("status", now);
	g_mutex_lock(&events->lock);
	if (g_ptr_array_find(events->listeners, listener, NULL)) {
		g_queue_push_head(&listener->queue, g_bytes_ref(bytes));
		listener->queued += g_bytes_get_size(bytes);
		listener->ready = true;
	}
	g_mutex_unlock(&events->lock);
	g_bytes_unref(bytes);
	eventfd_write(events->wake, 1);
	return descriptor_steal(&reader);
}

bool sync_events_wanted(struct sync_events *events)
{
	return atomic_load(&events->count) > 0;
}

void sync_events_send(struct sync_events *events, const char *name, json_t *data)
{
	g_autoptr(json_t) owned = data;
	if (!sync_events_wanted(events))
		return;
	g_autoptr(GBytes) bytes = format_event(name, owned);
	g_mutex_lock(&events->lock);
	for (guint i = 0; i < events->listeners->len; i++)
		queue_bytes(g_ptr_array_index(events->listeners, i), bytes);
	g_mutex_unlock(&events->lock);
	eventfd_write(events->wake, 1);
}
