/* Framing, and descriptors by SCM_RIGHTS. */
#include "query/wire.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = 4 };

/* Room for one descriptor, aligned as the kernel wants it. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static bool lost(GError **error)
{
	if (errno == EAGAIN)
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_TIMEOUT,
				    "the other side does not answer");
	else
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_UNAVAILABLE,
				    "the other side is gone");
	return false;
}

static bool send_rest(int socket, const char *data, size_t size, GError **error)
{
	while (size > 0) {
		ssize_t sent = send(socket, data, size, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return lost(error);
		data += sent;
		size -= (size_t)sent;
	}
	return true;
}

static void attach(struct msghdr *message, union control *control, int descriptor)
{
	memset(control, 0, sizeof *control);
	message->msg_control = control->room;
	message->msg_controllen = sizeof control->room;
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
}

bool wire_send(int socket, const json_t *message, int descriptor, GError **error)
{
	g_autofree char *text = json_to_text(message);
	size_t size = strlen(text);
	unsigned char header[HEADER];
	for (unsigned i = 0; i < HEADER; i++)
		header[i] = (unsigned char)(size >> (8 * i));
	struct iovec first = {.iov_base = header, .iov_len = sizeof header};
	struct msghdr start = {.msg_iov = &first, .msg_iovlen = 1};
	union control control;
	if (descriptor >= 0)
		attach(&start, &control, descriptor);
	ssize_t sent;
	do {
		sent = sendmsg(socket, &start, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return lost(error);
	return send_rest(socket, (const char *)header + sent, sizeof header - (size_t)sent,
			 error) &&
	       send_rest(socket, text, size, error);
}

static bool receive_rest(int socket, char *data, size_t size, GError **error)
{
	while (size > 0) {
		ssize_t got = recv(socket, data, size, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = EPIPE;
		if (got <= 0)
			return lost(error);
		data += got;
		size -= (size_t)got;
	}
	return true;
}

static int attached(struct msghdr *message)
{
	int descriptor = -1;
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
	return descriptor;
}

static bool receive_header(int socket, size_t *size, int *descriptor, GError **error)
{
	unsigned char header[HEADER];
	union control control;
	struct iovec first = {.iov_base = header, .iov_len = sizeof header};
	struct msghdr start = {.msg_iov = &first, .msg_iovlen = 1};
	if (descriptor) {
		*descriptor = -1;
		start.msg_control = control.room;
		start.msg_controllen = sizeof control.room;
	}
	ssize_t got;
	do {
		got = recvmsg(socket, &start, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got == 0)
		errno = EPIPE;
	if (got <= 0)
		return lost(error);
	if (descriptor)
		*descriptor = attached(&start);
	if (!receive_rest(socket, (char *)header + got, sizeof header - (size_t)got, error))
		return false;
	*size = 0;
	for (unsigned i = 0; i < HEADER; i++)
		*size |= (size_t)header[i] << (8 * i);
	return true;
}

static json_t *receive_body(int socket, size_t size, size_t longest, GError **error)
{
	if (size > longest) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
			    "a message of %zu bytes is longer than the %zu allowed", size, longest);
		return NULL;
	}
	g_autofree char *text = g_malloc(size + 1);
	if (!receive_rest(socket, text, size, error))
		return NULL;
	return json_parse(text, size, "message", error);
}

json_t *wire_receive(int socket, size_t longest, int *descriptor, GError **error)
{
	AUTO_FD came = -1;
	size_t size = 0;
	if (!receive_header(socket, &size, descriptor ? &came : NULL, error))
		return NULL;
	json_t *message = receive_body(socket, size, longest, error);
	if (message && descriptor)
		*descriptor = descriptor_steal(&came);
	return message;
}

static const struct {
	enum agnes_error code;
	const char *name;
} codes[] = {
	{AGNES_ERROR_INVALID, "invalid"},	  {AGNES_ERROR_NOT_FOUND, "not_found"},
	{AGNES_ERROR_DENIED, "denied"},		  {AGNES_ERROR_TOO_LARGE, "too_large"},
	{AGNES_ERROR_CANCELLED, "cancelled"},	  {AGNES_ERROR_NO_SPACE, "no_space"},
	{AGNES_ERROR_CORRUPT, "corrupt"},	  {AGNES_ERROR_UNSUPPORTED, "unsupported"},
	{AGNES_ERROR_UNAVAILABLE, "unavailable"}, {AGNES_ERROR_FATAL, "fatal"},
};

json_t *wire_pack_error(const GError *error)
{
	const char *name = "failed";
	for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
		if (error->code == (int)codes[i].code)
			name = codes[i].name;
	}
	g_autofree char *message = g_utf8_make_valid(error->message, -1);
	return json_pack("{ss ss}", "code", name, "message", message);
}

void wire_unpack_error(const json_t *packed, GError **error)
{
	const char *name = "", *message = "the worker gave no reason";
	json_unpack((json_t *)packed, "{s?s s?s}", "code", &name, "message", &message);
	enum agnes_error code = AGNES_ERROR_FAILED;
	for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
		if (strcmp(name, codes[i].name) == 0)
			code = codes[i].code;
	}
	g_set_error_literal(error, AGNES_ERROR, code, message);
}
