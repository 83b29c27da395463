/* sd_notify(3) and sd_listen_fds(3) as their manuals describe the protocol. */
#include "base/systemd.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_GIVEN = 3 }; /* descriptors that were passed begin here */

bool systemd_notify(const char *state, GError **error)
{
	const char *path = g_getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (!path || !*path)
		return true;
	size_t length = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || length >= sizeof address.sun_path) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "NOTIFY_SOCKET is neither a path nor an abstract name: '%s'", path);
		return false;
	}
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	AUTO_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && sendto(fd, state, strlen(state), MSG_NOSIGNAL,
			      (const struct sockaddr *)&address, size) >= 0)
		return true;
	agnes_set_errno(error, errno, "cannot tell systemd %s", state);
	return false;
}

static bool is_listening_socket(int fd)
{
	int listening = 0;
	socklen_t size = sizeof listening;
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

int systemd_take_listener(GError **error)
{
	gint64 pid = 0, count = 0;
	const char *for_whom = g_getenv("LISTEN_PID"), *how_many = g_getenv("LISTEN_FDS");
	bool given = for_whom && how_many &&
		     g_ascii_string_to_signed(for_whom, 10, 1, G_MAXINT, &pid, NULL) &&
		     g_ascii_string_to_signed(how_many, 10, 1, G_MAXINT, &count, NULL) &&
		     pid == getpid();
	g_unsetenv("LISTEN_PID");
	g_unsetenv("LISTEN_FDS");
	g_unsetenv("LISTEN_FDNAMES");
	if (!given)
		return -1;
	if (count != 1 || !is_listening_socket(FIRST_GIVEN)) {
		g_set_error(
			error, AGNES_ERROR, AGNES_ERROR_INVALID,
			"the service was started with %d descriptors; one listening stream socket "
			"is what it takes (ListenStream= and Accept=no)",
			(int)count);
		return -1;
	}
	if (fcntl(FIRST_GIVEN, F_SETFD, FD_CLOEXEC) < 0) {
		agnes_set_errno(error, errno, "cannot use the socket that systemd passed");
		return -1;
	}
	return FIRST_GIVEN;
}
