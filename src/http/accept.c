/* One thread that waits for the listening socket, or for room. */
#include "http/accept.h"

#include "base/error.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAUSE_MS = 100 }; /* when no descriptor is left: some request will free one */

struct http_acceptor {
	struct MHD_Daemon *daemon;
	int listener;
	int limit;
	int wake; /* an eventfd: there is room again, or it is over */
	atomic_int count;
	atomic_bool stopping;
	GThread *thread;
};

/* Waits for the eventfd and, if `listener` is one, for a connection. */
static void wait_for(const struct http_acceptor *acceptor, int listener, int milliseconds)
{
	struct pollfd polled[] = {{.fd = acceptor->wake, .events = POLLIN},
				  {.fd = listener, .events = POLLIN}};
	eventfd_t ignored;
	if (poll(polled, G_N_ELEMENTS(polled), milliseconds) > 0 && polled[0].revents)
		eventfd_read(acceptor->wake, &ignored);
}

/* The kernel reports a network error of the new connection by accept(): that is the peer's matter.
 */
static bool is_exhausted(int errnum)
{
	return errnum == EMFILE || errnum == ENFILE || errnum == ENOBUFS || errnum == ENOMEM;
}

static void accept_one(struct http_acceptor *acceptor)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;
	int fd = accept4(acceptor->listener, (struct sockaddr *)&address, &size,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 && is_exhausted(errno)) {
		g_warning("cannot accept a connection: %s", g_strerror(errno));
		wait_for(acceptor, -1, PAUSE_MS);
	} else if (fd < 0 && errno == EAGAIN) {
		wait_for(acceptor, acceptor->listener, -1);
	}
	if (fd < 0)
		return;
	atomic_fetch_add(&acceptor->count, 1);
	if (MHD_add_connection(acceptor->daemon, fd, (struct sockaddr *)&address, size) != MHD_YES)
		atomic_fetch_sub(&acceptor->count, 1); /* it closed the descriptor */
}

static gpointer accept_loop(gpointer data)
{
	struct http_acceptor *acceptor = data;
	while (!atomic_load(&acceptor->stopping)) {
		if (atomic_load(&acceptor->count) < acceptor->limit)
			accept_one(acceptor);
		else
			wait_for(acceptor, -1, -1);
	}
	return NULL;
}

struct http_acceptor *http_acceptor_new(int listener, int limit, struct MHD_Daemon *daemon,
					GError **error)
{
	struct http_acceptor *acceptor = g_new0(struct http_acceptor, 1);
	acceptor->daemon = daemon;
	acceptor->listener = listener;
	acceptor->limit = limit;
	acceptor->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (acceptor->wake < 0) {
		agnes_set_errno(error, errno, "cannot set up an eventfd");
		g_free(acceptor);
		return NULL;
	}
	return acceptor;
}

void http_acceptor_start(struct http_acceptor *acceptor)
{
	acceptor->thread = g_thread_new("http-accept", accept_loop, acceptor);
}

void http_acceptor_stop(struct http_acceptor *acceptor)
{
	if (!acceptor->thread)
		return;
	atomic_store(&acceptor->stopping, true);
	eventfd_write(acceptor->wake, 1);
	g_thread_join(g_steal_pointer(&acceptor->thread));
}

void http_acceptor_free(struct http_acceptor *acceptor)
{
	if (!acceptor)
		return;
	http_acceptor_stop(acceptor);
	close(acceptor->wake);
	g_free(acceptor);
}

void http_acceptor_closed(struct http_acceptor *acceptor)
{
	if (atomic_fetch_sub(&acceptor->count, 1) == acceptor->limit)
		eventfd_write(acceptor->wake, 1);
}

int http_acceptor_count(const struct http_acceptor *acceptor)
{
	return atomic_load(&acceptor->count);
}
