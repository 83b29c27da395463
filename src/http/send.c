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
#include <sys/stat.h>
#include <unistd.h>

enum {
	COMPRESS_FROM = 1024, /* bytes; smaller bodies are sent as they are */
	COMPRESS_LEVEL = 5,
	RELAY_BLOCK = 128 * 1024,
};

static struct MHD_Response *from_bytes(GBytes *bytes)
{
	gsize size;
	const void *data = g_bytes_get_data(bytes, &size);
	return MHD_create_response_from_buffer_with_free_callback_cls(
		size, (void *)(size ? data : ""), (MHD_ContentReaderFreeCallback)g_bytes_unref,
		g_bytes_ref(bytes));
}

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

/* Compresses the body if the client takes it and says so in the headers. */
static void compress(const struct http_exchange *exchange, struct http_response *response)
{
	if (!may_compress(exchange, response))
		return;
	http_response_header(response, "Vary", "Accept-Encoding");
	const char *accepted = http_request_header(&exchange->request, "Accept-Encoding");
	if (!accepted || !strstr(accepted, "gzip"))
		return;
	GBytes *compressed = gzip(response->bytes);
	if (!compressed)
		return;
	g_bytes_unref(response->bytes);
	response->bytes = compressed;
	http_response_header(response, "Content-Encoding", "gzip");
}

static void quoted_etag(struct http_response *response)
{
	g_autofree char *quoted = g_strdup_printf("\"%s\"", response->etag);
	http_response_header(response, "ETag", quoted);
}

/* Whether the client has this very content already. */
static bool not_modified(const struct http_exchange *exchange, const struct http_response *response)
{
	const char *known = http_request_header(&exchange->request, "If-None-Match");
	return response->etag && response->status == 200 && known &&
	       exchange->request.method == HTTP_GET && http_etag_listed(known, response->etag);
}

/* If-Range with anything but the current ETag asks for the whole. */
static bool range_applies(const struct http_exchange *exchange,
			  const struct http_response *response)
{
	const char *condition = http_request_header(&exchange->request, "If-Range");
	if (!condition)
		return true;
	return response->etag && !g_str_has_prefix(condition, "W/") && !strchr(condition, ',') &&
	       strcmp(condition, "*") != 0 && http_etag_listed(condition, response->etag);
}

static struct MHD_Response *from_file(struct http_exchange *exchange,
				      struct http_response *response)
{
	struct stat status;
	uint64_t first = 0, last = 0;
	if (fstat(response->fd, &status) < 0)
		return NULL;
	uint64_t size = (uint64_t)status.st_size;
	const char *range = range_applies(exchange, response)
				    ? http_request_header(&exchange->request, "Range")
				    : NULL;
	http_response_header(response, "Accept-Ranges", "bytes");
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
		last = first = 0;
		break;
	}
	}
	if (last == first)
		return MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
	struct MHD_Response *out = MHD_create_response_from_fd_at_offset64(last - first,
									   response->fd, first);
	if (out)
		response->fd = -1; /* closed with the response */
	return out;
}

/* A relay while it is sent: the response outlives the handler, its connection outlives the relay.
 */
struct relay {
	struct http_exchange *exchange;
	int fd;
	bool ended;
	bool (*finish)(void *data, bool left);
	void *data;
};

static ssize_t end_relay(struct relay *relay)
{
	relay->ended = true;
	bool complete = !relay->finish || relay->finish(relay->data, false);
	return complete ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

/* Sleeps until there is something to read: returning 0 without it would spin on a core. */
static ssize_t wait_for_more(struct relay *relay)
{
	return http_exchange_suspend(relay->exchange, relay->fd)
		       ? 0
		       : MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t read_relay(void *cls, uint64_t position, char *buffer, size_t size)
{
	struct relay *relay = cls;
	if (atomic_load(&relay->exchange->gone) || atomic_load(&relay->exchange->server->cutting))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	for (;;) {
		ssize_t got = read(relay->fd, buffer, size);
		if (got > 0)
			return got;
		if (got == 0)
			return end_relay(relay);
		if (errno == EAGAIN)
			return wait_for_more(relay);
		if (errno != EINTR)
			return MHD_CONTENT_READER_END_WITH_ERROR;
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
				.data = response->finish_data};
	response->fd = -1;
	response->finish = NULL;
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, RELAY_BLOCK, read_relay, relay,
						 free_relay);
}

static struct MHD_Response *convert(struct http_exchange *exchange, struct http_response *response)
{
	if (response->etag && (response->status == 200 || response->status == 304))
		quoted_etag(response);
	if (not_modified(exchange, response)) {
		response->status = 304;
		return MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
	}
	switch (response->kind) {
	case RESPONSE_FILE:
		return from_file(exchange, response);
	case RESPONSE_RELAY:
		return from_relay(exchange, response);
	case RESPONSE_BYTES:
		compress(exchange, response);
		return from_bytes(response->bytes);
	}
	g_assert_not_reached();
}

static void add_headers(const struct http_exchange *exchange, const struct http_response *response,
			struct MHD_Response *out)
{
	const GPtrArray *headers = response->headers;
	for (guint i = 0; i < headers->len; i += 2)
		MHD_add_response_header(out, headers->pdata[i], headers->pdata[i + 1]);
	MHD_add_response_header(out, "x-request-id", exchange->id);
	MHD_add_response_header(out, "X-Content-Type-Options", "nosniff");
	if (atomic_load(&exchange->server->stopping))
		MHD_add_response_header(out, "Connection", "close");
}

enum MHD_Result http_send(struct http_exchange *exchange, struct http_response *response)
{
	g_autoptr(http_response) owned = response;
	http_cors_headers(exchange, owned);
	struct MHD_Response *out = convert(exchange, owned);
	if (!out)
		return MHD_NO;
	add_headers(exchange, owned, out);
	exchange->status = owned->status;
	enum MHD_Result result = MHD_queue_response(exchange->connection, (unsigned)owned->status,
						    out);
	MHD_destroy_response(out);
	return result;
}
