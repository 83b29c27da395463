/* From a response of ours to one of libmicrohttpd's: conditions, ranges, compression, relays. */
#include "http/cors.h"
#include "http/exchange.h"
#include "http/range.h"
#include "http/serving.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	COMPRESS_FROM = 1024, /* bytes; smaller bodies are sent as they are */
	COMPRESS_LEVEL = 5,
	RELAY_BLOCK = 16 * 1024, /* what a connection's memory takes in any case */
};

static bool may_compress(const struct http_exchange *exchange, const struct http_response *response)
{
	const char *const *prefixes = exchange->server->options.never_compressed;
	if (response->never_compressed || g_bytes_get_size(response->bytes) < COMPRESS_FROM)
		return false;
	for (; prefixes && *prefixes; prefixes++) {
		if (g_str_has_prefix(exchange->request.path, *prefixes))
			return false;
	}
	return true;
}

static GBytes *gzip(GBytes *bytes)
{
	g_autoptr(GZlibCompressor)
		compressor = g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP, COMPRESS_LEVEL);
	g_autoptr(GOutputStream) memory = g_memory_output_stream_new_resizable();
	g_autoptr(GOutputStream)
		stream = g_converter_output_stream_new(memory, G_CONVERTER(compressor));
	gsize size;
	const void *data = g_bytes_get_data(bytes, &size);
	if (!g_output_stream_write_all(stream, data, size, NULL, NULL, NULL) ||
	    !g_output_stream_close(stream, NULL, NULL))
		return NULL;
	return g_memory_output_stream_steal_as_bytes(G_MEMORY_OUTPUT_STREAM(memory));
}

/* Whether an Accept-Encoding list holds gzip, and not only to exclude it. */
static bool takes_gzip(const char *accepted)
{
	const char *at = accepted ? strstr(accepted, "gzip") : NULL;
	if (!at)
		return false;
	at += strlen("gzip");
	at += strspn(at, " \t");
	if (*at != ';')
		return true;
	at += 1 + strspn(at + 1, " \t");
	return !g_str_has_prefix(at, "q=") || g_ascii_strtod(at + strlen("q="), NULL) > 0;
}

/* Compresses the body if the client takes it and says so in the headers. */
static bool compress(const struct http_exchange *exchange, struct http_response *response)
{
	if (!may_compress(exchange, response))
		return false;
	http_response_header(response, "Vary", "Accept-Encoding");
	if (!takes_gzip(http_request_header(&exchange->request, "Accept-Encoding")))
		return false;
	GBytes *compressed = gzip(response->bytes);
	if (!compressed)
		return false;
	g_bytes_unref(response->bytes);
	response->bytes = compressed;
	http_response_header(response, "Content-Encoding", "gzip");
	return true;
}

/* What was compressed is the same content in other bytes: such an ETag is weak. */
static void add_etag(struct http_response *response, bool compressed)
{
	if (!response->etag || (response->status != 200 && response->status != 304))
		return;
	g_autofree char *quoted = g_strconcat(compressed ? "W/\"" : "\"", response->etag, "\"",
					      NULL);
	http_response_header(response, "ETag", quoted);
}

/* RFC 9110's form of an instant, whatever the locale. */
static char *format_date(time_t time)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm parts;
	gmtime_r(&time, &parts);
	return g_strdup_printf("%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * parts.tm_wday,
			       parts.tm_mday, months + 3 * parts.tm_mon, 1900 + parts.tm_year,
			       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/* Whether the client has this very content already. An ETag says it more exactly than a date. */
static bool not_modified(const struct http_exchange *exchange, const struct http_response *response,
			 const char *date)
{
	if (response->status != 200 || exchange->request.method != HTTP_GET)
		return false;
	const char *known = http_request_header(&exchange->request, "If-None-Match");
	if (known)
		return response->etag && http_etag_listed(known, response->etag);
	const char *since = date ? http_request_header(&exchange->request, "If-Modified-Since")
				 : NULL;
	return since && strcmp(since, date) == 0;
}

/* If-Range with anything but the current ETag or date asks for the whole. */
static const char *range_of(const struct http_exchange *exchange,
			    const struct http_response *response, const char *date)
{
	const char *condition = http_request_header(&exchange->request, "If-Range");
	if (exchange->request.head || response->status != 200)
		return NULL;
	if (condition && strcmp(condition, date) != 0 &&
	    !(response->etag && http_etag_is(condition, response->etag)))
		return NULL;
	return http_request_header(&exchange->request, "Range");
}

static struct MHD_Response *nothing(void)
{
	return MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
}

static struct MHD_Response *from_part(struct http_response *response, const char *range,
				      uint64_t size)
{
	uint64_t first = 0, last = 0;
	switch (http_range_parse(range, size, &first, &last)) {
	case HTTP_RANGE_ALL:
		last = size; /* one behind the end, only to count right below */
		break;
	case HTTP_RANGE_PART: {
		g_autofree char *part = g_strdup_printf("bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
							first, last, size);
		http_response_header(response, "Content-Range", part);
		response->status = 206;
		last++;
		break;
	}
	case HTTP_RANGE_NONE: {
		g_autofree char *whole = g_strdup_printf("bytes */%" PRIu64, size);
		http_response_header(response, "Content-Range", whole);
		response->status = 416;
		return nothing();
	}
	}
	if (last == first)
		return nothing();
	struct MHD_Response *out = MHD_create_response_from_fd_at_offset64(last - first,
									   response->fd, first);
	if (out)
		response->fd = -1; /* closed with the response */
	return out;
}

static struct MHD_Response *from_file(struct http_exchange *exchange,
				      struct http_response *response)
{
	struct stat status;
	if (fstat(response->fd, &status) < 0)
		return NULL;
	g_autofree char *date = format_date(status.st_mtime);
	add_etag(response, false);
	if (not_modified(exchange, response, date)) {
		response->status = 304;
		return nothing();
	}
	http_response_header(response, "Last-Modified", date);
	http_response_header(response, "Accept-Ranges", "bytes");
	return from_part(response, range_of(exchange, response, date), (uint64_t)status.st_size);
}

/* A relay while it is sent: the response outlives the handler, its connection outlives the relay.
 */
struct relay {
	struct http_exchange *exchange;
	int fd;
	bool ended;
	bool failed; /* its descriptor cannot be waited for */
	bool (*finish)(void *data, bool left);
	void *data;
	struct MHD_Response *reply; /* for the trailer */
	const char *trailer_name;
	const char *(*trailer)(void *data);
};

/*
 * Ends the transfer so that the client notices: without the last chunk, or, where the end of the
 * connection is the end of the body, by a reset.
 */
static ssize_t break_relay(const struct relay *relay)
{
	const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		relay->exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	/* Linger would not do: libmicrohttpd shuts the socket down in peace before it closes it. */
	if (relay->exchange->old && connect(info->connect_fd, &nobody, sizeof nobody) < 0)
		g_warning("cannot reset the connection of a broken transfer: %s",
			  g_strerror(errno));
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t end_relay(struct relay *relay)
{
	const char *value = relay->trailer ? relay->trailer(relay->data) : NULL;
	if (value)
		MHD_add_response_footer(relay->reply, relay->trailer_name, value);
	relay->ended = true;
	bool complete = !relay->finish || relay->finish(relay->data, false);
	return complete ? MHD_CONTENT_READER_END_OF_STREAM : break_relay(relay);
}

static ssize_t read_relay(void *cls, uint64_t position, char *buffer, size_t size)
{
	struct relay *relay = cls;
	struct http_exchange *exchange = relay->exchange;
	if (relay->failed || atomic_load(&exchange->gone) ||
	    atomic_load(&exchange->server->cutting))
		return break_relay(relay);
	for (;;) {
		ssize_t got = read(relay->fd, buffer, size);
		if (got > 0)
			return got;
		if (got == 0)
			return end_relay(relay);
		if (errno == EAGAIN) {
			/* Returning 0 without being suspended would spin on a core. */
			relay->failed = !http_exchange_suspend(exchange, relay->fd);
			return 0;
		}
		if (errno != EINTR)
			return break_relay(relay);
	}
}

static void free_relay(void *cls)
{
	struct relay *relay = cls;
	if (!relay->ended && relay->finish)
		relay->finish(relay->data, true);
	close(relay->fd);
	g_free(relay);
}

static struct MHD_Response *from_relay(struct http_exchange *exchange,
				       struct http_response *response)
{
	int flags = fcntl(response->fd, F_GETFL);
	if (flags < 0 || fcntl(response->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return NULL;
	struct relay *relay = g_new0(struct relay, 1);
	*relay = (struct relay){.exchange = exchange,
				.fd = response->fd,
				.finish = response->finish,
				.data = response->finish_data,
				.trailer_name = response->trailer_name,
				.trailer = response->trailer};
	response->fd = -1;
	response->finish = NULL;
	struct MHD_Response *out = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, RELAY_BLOCK,
								     read_relay, relay, free_relay);
	relay->reply = out;
	/* To HEAD libmicrohttpd would still send the last chunk, as if it were the next answer. */
	if (out && exchange->request.head)
		MHD_set_response_options(out, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	return out;
}

static struct MHD_Response *from_bytes(const struct http_exchange *exchange,
				       struct http_response *response)
{
	gsize size;
	if (not_modified(exchange, response, NULL)) {
		response->status = 304;
		add_etag(response, false);
		return nothing();
	}
	bool compressed = compress(exchange, response);
	add_etag(response, compressed);
	const void *data = g_bytes_get_data(response->bytes, &size);
	return MHD_create_response_from_buffer_with_free_callback_cls(
		size, (void *)(size ? data : ""), (MHD_ContentReaderFreeCallback)g_bytes_unref,
		g_steal_pointer(&response->bytes));
}

static struct MHD_Response *convert(struct http_exchange *exchange, struct http_response *response)
{
	switch (response->kind) {
	case RESPONSE_FILE:
		return from_file(exchange, response);
	case RESPONSE_RELAY:
		return from_relay(exchange, response);
	case RESPONSE_BYTES:
		return from_bytes(exchange, response);
	}
	g_assert_not_reached();
}

/* A page may run its own scripts only, and nobody may frame it. One that needs more says so itself.
 */
static void add_page_headers(const struct http_response *response, struct MHD_Response *out)
{
	const char *type = http_response_lookup(response, "Content-Type");
	if (!type || !g_str_has_prefix(type, "text/html"))
		return;
	if (!http_response_lookup(response, "Content-Security-Policy"))
		MHD_add_response_header(
			out, "Content-Security-Policy",
			"default-src 'self'; img-src 'self' data:; object-src 'none'; "
			"base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
	MHD_add_response_header(out, "X-Frame-Options", "DENY");
	MHD_add_response_header(out, "Referrer-Policy", "same-origin");
}

static void add_headers(const struct http_exchange *exchange, const struct http_response *response,
			struct MHD_Response *out)
{
	const char *at = response->headers->str, *end = at + response->headers->len;
	while (at < end) {
		const char *value = at + strlen(at) + 1;
		if (*value)
			MHD_add_response_header(out, at, value);
		at = value + strlen(value) + 1;
	}
	MHD_add_response_header(out, "x-request-id", exchange->id);
	MHD_add_response_header(out, "X-Content-Type-Options", "nosniff");
	add_page_headers(response, out);
	if (atomic_load(&exchange->server->stopping))
		MHD_add_response_header(out, "Connection", "close");
}

void http_reply_make(struct http_exchange *exchange, struct http_response *response)
{
	g_autoptr(http_response) owned = response;
	struct MHD_Response *out = convert(exchange, owned);
	if (!out) {
		g_warning("cannot make a response for %s", exchange->request.path);
		http_response_free(owned);
		owned = http_refuse(500, "Internal server error");
		out = convert(exchange, owned);
	}
	http_cors_headers(exchange, owned);
	add_headers(exchange, owned, out);
	exchange->status = owned->status;
	exchange->reply = out;
}

enum MHD_Result http_reply_queue(struct http_exchange *exchange)
{
	struct MHD_Response *reply = g_steal_pointer(&exchange->reply);
	enum MHD_Result result = MHD_queue_response(exchange->connection,
						    (unsigned)exchange->status, reply);
	MHD_destroy_response(reply);
	return result;
}
