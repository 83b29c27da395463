/* Opens the listening socket, or prepares one that somebody else opened. */
#include "http/listen.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BACKLOG = 1024,
	/* A client whose machine vanished while it waits for a long answer is noticed after two
	 * minutes. */
	PROBE_AFTER_SECONDS = 60,
	PROBE_EVERY_SECONDS = 20,
	PROBES = 3,
};

static int open_one(const struct addrinfo *address)
{
	const int on = 1;
	AUTO_FD fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		return -1;
	return descriptor_steal(&fd);
}

/* A name may stand for several addresses: the first one that this machine has. */
static int open_listener(const char *host, int port, GError **error)
{
	struct addrinfo *found = NULL;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	g_autofree char *service = g_strdup_printf("%d", port);
	int problem = getaddrinfo(host, service, &hints, &found);
	if (problem) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "cannot listen on '%s': %s",
			    host, gai_strerror(problem));
		return -1;
	}
	int fd = -1;
	for (const struct addrinfo *each = found; each && fd < 0; each = each->ai_next)
		fd = open_one(each);
	if (fd < 0)
		agnes_set_errno(error, errno, "cannot listen on %s port %d", host, port);
	freeaddrinfo(found);
	return fd;
}

static int bound_port(int fd)
{
	struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
	socklen_t size = sizeof address;
	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return 0;
	if (address.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&address)->sin_port);
	if (address.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
	return 0;
}

/* Accepted connections inherit these. A socket without TCP has none of them, which is fine. */
static void probe_clients(int fd)
{
	const int on = 1, after = PROBE_AFTER_SECONDS, every = PROBE_EVERY_SECONDS, most = PROBES;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &after, sizeof after);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof every);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &most, sizeof most);
}

bool http_listen(struct http_options *options, int *port, GError **error)
{
	if (options->listen_fd < 0)
		options->listen_fd = open_listener(options->host, options->port, error);
	if (options->listen_fd < 0)
		return false;
	int flags = fcntl(options->listen_fd, F_GETFL);
	if (flags < 0 || fcntl(options->listen_fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(options->listen_fd, F_SETFD, FD_CLOEXEC) < 0) {
		agnes_set_errno(error, errno, "cannot use the listening socket");
		return false;
	}
	probe_clients(options->listen_fd);
	*port = bound_port(options->listen_fd);
	return true;
}
