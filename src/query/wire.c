/* Framing, with as few system calls as messages. */
#include "query/wire.h"

#include "base/error.h"
#include "base/json.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
	HEADER = 8,
	FIRST = 16 * 1024, /* read at once, which is all of most messages */
};

static bool lost(enum agnes_error code, GError **error)
{
	if (errno == EAGAIN)
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_TIMEOUT,
				    "the other side does not answer");
	else
		g_set_error_literal(error, AGNES_ERROR, code, "the other side is gone");
	return false;
}

static void put_length(unsigned char *to, size_t length)
{
	for (unsigned i = 0; i < HEADER / 2; i++)
		to[i] = (unsigned char)(length >> (8 * i));
}

static size_t get_length(const unsigned char *from)
{
	size_t length = 0;
	for (unsigned i = 0; i < HEADER / 2; i++)
		length |= (size_t)from[i] << (8 * i);
	return length;
}

/* Takes what was sent off the front of the parts. */
static void skip_parts(struct msghdr *message, size_t sent)
{
	while (message->msg_iovlen > 0 && sent >= message->msg_iov->iov_len) {
		sent -= message->msg_iov->iov_len;
		message->msg_iov++;
		message->msg_iovlen--;
	}
	if (message->msg_iovlen > 0) {
		message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + sent;
		message->msg_iov->iov_len -= sent;
	}
}

/* Monotonic; G_MAXINT64 stands for ever. */
static gint64 deadline_of(int milliseconds)
{
	return milliseconds == WIRE_FOREVER ? G_MAXINT64
					    : g_get_monotonic_time() + (gint64)milliseconds * 1000;
}

/* So that only what is not there at once costs a poll(). */
static int flags_of(gint64 deadline)
{
	return deadline == G_MAXINT64 ? 0 : MSG_DONTWAIT;
}

/* Whether to try again what errno says of a call; else errno is EAGAIN at the deadline. */
static bool may_retry(int socket, short events, gint64 deadline)
{
	struct pollfd ready = {.fd = socket, .events = events};
	if (errno != EAGAIN)
		return errno == EINTR;
	gint64 left = deadline - g_get_monotonic_time();
	if (left > 0 && (poll(&ready, 1, (int)(left / 1000) + 1) >= 0 || errno == EINTR))
		return true;
	errno = EAGAIN;
	return false;
}

bool wire_send(int socket, const json_t *message, const void *bytes, size_t size, int milliseconds,
	       GError **error)
{
	gint64 deadline = deadline_of(milliseconds);
	g_autofree char *text = json_to_text(message);
	size_t length = strlen(text);
	unsigned char header[HEADER];
	put_length(header, length);
	put_length(header + HEADER / 2, size);
	struct iovec parts[] = {{header, sizeof header}, {text, length}, {(void *)bytes, size}};
	struct msghdr all = {.msg_iov = parts, .msg_iovlen = size > 0 ? 3 : 2};
	while (all.msg_iovlen > 0) {
		ssize_t sent = sendmsg(socket, &all, MSG_NOSIGNAL | flags_of(deadline));
		if (sent < 0 && may_retry(socket, POLLOUT, deadline))
			continue;
		if (sent < 0)
			return lost(AGNES_ERROR_UNAVAILABLE, error);
		skip_parts(&all, (size_t)sent);
	}
	return true;
}

/* At least so many bytes, at most as many as there is room for: how many, 0 on failure. */
static size_t receive(int socket, void *data, size_t least, size_t room, gint64 deadline,
		      GError **error)
{
	size_t all = 0;
	while (all < least) {
		ssize_t got = recv(socket, (char *)data + all, room - all, flags_of(deadline));
		if (got < 0 && may_retry(socket, POLLIN, deadline))
			continue;
		if (got == 0)
			errno = EPIPE;
		if (got <= 0) {
			/* The kernel tells a peer that left something unread. */
			lost(errno == ECONNRESET ? AGNES_ERROR_UNAVAILABLE : AGNES_ERROR_FAILED,
			     error);
			return 0;
		}
		all += (size_t)got;
	}
	return all;
}

/* The text and the bytes behind it, of which `got` bytes stand in `first` already. */
static char *receive_body(int socket, const unsigned char *first, size_t got, size_t size,
			  gint64 deadline, GError **error)
{
	g_autofree char *body = g_malloc(size + 1);
	memcpy(body, first, got);
	if (got < size && receive(socket, body + got, size - got, size - got, deadline, error) == 0)
		return NULL;
	body[size] = '\0';
	return g_steal_pointer(&body);
}

static bool check_lengths(size_t text, size_t bytes, size_t got, size_t longest, bool takes_bytes,
			  GError **error)
{
	if (text > longest || bytes > longest) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
			    "a message of %zu bytes is longer than the %zu allowed",
			    MAX(text, bytes), longest);
		return false;
	}
	if ((takes_bytes || bytes == 0) && got <= HEADER + text + bytes)
		return true;
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "there is more than the message");
	return false;
}

json_t *wire_receive(int socket, size_t longest, int milliseconds, GBytes **bytes, GError **error)
{
	gint64 deadline = deadline_of(milliseconds);
	unsigned char first[FIRST];
	if (bytes)
		*bytes = NULL;
	size_t got = receive(socket, first, HEADER, sizeof first, deadline, error);
	if (got == 0)
		return NULL;
	size_t text = get_length(first), size = get_length(first + HEADER / 2);
	if (!check_lengths(text, size, got, longest, bytes != NULL, error))
		return NULL;
	g_autofree char *body = receive_body(socket, first + HEADER, got - HEADER, text + size,
					     deadline, error);
	json_t *message = body ? json_parse(body, text, "message", error) : NULL;
	if (message && size > 0)
		*bytes = g_bytes_new(body + text, size);
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
