/* One thread and one epoll set for all suspended connections. */
#include "http/watch.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 64 };

struct http_watch {
	int fd; /* a duplicate, so that closing the original cannot confuse the set */
	enum http_watch_for what;
	bool armed;
	void (*call)(void *data);
	void *data;
};

struct http_watcher {
	int epoll;
	int wake; /* an eventfd that ends the thread */
	GThread *thread;
	GMutex lock;	  /* held while a call runs, so that a removal waits for it */
	GHashTable *live; /* set of watches: an event may arrive for one that was just removed */
};

static void dispatch(struct http_watcher *watcher, struct http_watch *watch)
{
	g_mutex_lock(&watcher->lock);
	if (g_hash_table_contains(watcher->live, watch) && watch->armed) {
		watch->armed = false;
		watch->call(watch->data);
	}
	g_mutex_unlock(&watcher->lock);
}

static gpointer watch_loop(gpointer data)
{
	struct http_watcher *watcher = data;
	struct epoll_event events[EVENTS_AT_ONCE];
	for (;;) {
		int count = epoll_wait(watcher->epoll, events, EVENTS_AT_ONCE, -1);
		for (int i = 0; i < count; i++) {
			if (!events[i].data.ptr)
				return NULL;
			dispatch(watcher, events[i].data.ptr);
		}
	}
}

struct http_watcher *http_watcher_new(GError **error)
{
	struct http_watcher *watcher = g_new0(struct http_watcher, 1);
	watcher->epoll = epoll_create1(EPOLL_CLOEXEC);
	watcher->wake = eventfd(0, EFD_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	if (watcher->epoll < 0 || watcher->wake < 0 ||
	    epoll_ctl(watcher->epoll, EPOLL_CTL_ADD, watcher->wake, &event) < 0) {
		agnes_set_errno(error, errno, "cannot set up epoll");
		http_watcher_free(watcher);
		return NULL;
	}
	g_mutex_init(&watcher->lock);
	watcher->live = g_hash_table_new(NULL, NULL);
	watcher->thread = g_thread_new("http-watch", watch_loop, watcher);
	return watcher;
}

void http_watcher_free(struct http_watcher *watcher)
{
	if (!watcher)
		return;
	if (watcher->thread) {
		eventfd_write(watcher->wake, 1);
		g_thread_join(watcher->thread);
		g_hash_table_unref(watcher->live);
		g_mutex_clear(&watcher->lock);
	}
	if (watcher->epoll >= 0)
		close(watcher->epoll);
	if (watcher->wake >= 0)
		close(watcher->wake);
	g_free(watcher);
}

/* The watch is armed before the set knows of it: the event may come before epoll_ctl() returns. */
static bool arm(struct http_watcher *watcher, struct http_watch *watch, int operation)
{
	struct epoll_event event = {
		.events = EPOLLONESHOT |
			  (watch->what == HTTP_WATCH_READABLE ? EPOLLIN : EPOLLRDHUP),
		.data.ptr = watch};
	g_mutex_lock(&watcher->lock);
	g_hash_table_add(watcher->live, watch);
	watch->armed = true;
	g_mutex_unlock(&watcher->lock);
	return watch->fd >= 0 && epoll_ctl(watcher->epoll, operation, watch->fd, &event) == 0;
}

struct http_watch *http_watch_add(struct http_watcher *watcher, int fd, enum http_watch_for what,
				  void (*call)(void *data), void *data)
{
	struct http_watch *watch = g_new0(struct http_watch, 1);
	watch->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	watch->what = what;
	watch->call = call;
	watch->data = data;
	if (arm(watcher, watch, EPOLL_CTL_ADD))
		return watch;
	http_watch_remove(watcher, watch);
	return NULL;
}

bool http_watch_again(struct http_watcher *watcher, struct http_watch *watch)
{
	return arm(watcher, watch, EPOLL_CTL_MOD);
}

void http_watch_remove(struct http_watcher *watcher, struct http_watch *watch)
{
	if (!watch)
		return;
	g_mutex_lock(&watcher->lock);
	g_hash_table_remove(watcher->live, watch);
	g_mutex_unlock(&watcher->lock);
	if (watch->fd >= 0) {
		epoll_ctl(watcher->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
		close(watch->fd);
	}
	g_free(watch);
}
