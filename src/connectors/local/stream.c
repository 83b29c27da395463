/* Decompression by zlib and libzstd. */
#include "connectors/local/stream.h"

#include "base/error.h"

#include <errno.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum {
	INPUT_SIZE = 128 * 1024,
	GZIP_WINDOW = 15 + 16, /* the largest, and the gzip header */
};

struct local_stream {
	const struct local_file *file;
	off_t offset; /* of what is read next */
	guint8 input[INPUT_SIZE];
	size_t filled, used;
	z_stream gzip;
	ZSTD_DCtx *zstd;
	bool between; /* at the start of the file, a gzip member or a zstd frame */
};

struct local_stream *local_stream_open(const struct local_file *file, GError **error)
{
	g_autoptr(local_stream) stream = g_new0(struct local_stream, 1);
	stream->file = file;
	stream->between = true;
	if (file->compression == LOCAL_ZSTD)
		stream->zstd = ZSTD_createDCtx();
	bool good = file->compression == LOCAL_PLAIN ||
		    (file->compression == LOCAL_ZSTD && stream->zstd) ||
		    (file->compression == LOCAL_GZIP &&
		     inflateInit2(&stream->gzip, GZIP_WINDOW) == Z_OK);
	if (good)
		return g_steal_pointer(&stream);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED, "cannot start to decompress %s",
		    file->name);
	return NULL;
}

void local_stream_free(struct local_stream *stream)
{
	if (!stream)
		return;
	if (stream->gzip.state)
		inflateEnd(&stream->gzip);
	ZSTD_freeDCtx(stream->zstd);
	g_free(stream);
}

static ssize_t read_file(struct local_stream *stream, void *buffer, size_t size, GError **error)
{
	for (;;) {
		ssize_t got = pread(stream->file->fd, buffer, size, stream->offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			agnes_set_errno(error, errno, "cannot read %s", stream->file->name);
		else
			stream->offset += got;
		return got;
	}
}

static ssize_t fail_corrupt(const struct local_stream *stream, const char *why, GError **error)
{
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CORRUPT,
		    "%s is damaged (%s): fetch it again from its source", stream->file->name, why);
	return -1;
}

/* Both step from stream->input to the buffer and return how much they made of it, -1 on error. */
static ssize_t step_gzip(struct local_stream *stream, void *buffer, size_t size, GError **error)
{
	z_stream *gzip = &stream->gzip;
	gzip->next_in = stream->input + stream->used;
	gzip->avail_in = (uInt)(stream->filled - stream->used);
	gzip->next_out = buffer;
	gzip->avail_out = (uInt)size;
	int result = inflate(gzip, Z_NO_FLUSH);
	if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
		return fail_corrupt(stream, gzip->msg ? gzip->msg : "not gzip", error);
	stream->used = stream->filled - gzip->avail_in;
	stream->between = result == Z_STREAM_END;
	if (stream->between)
		inflateReset(gzip);
	return (ssize_t)(size - gzip->avail_out);
}

static ssize_t step_zstd(struct local_stream *stream, void *buffer, size_t size, GError **error)
{
	ZSTD_inBuffer in = {stream->input, stream->filled, stream->used};
	ZSTD_outBuffer out = {buffer, size, 0};
	size_t result = ZSTD_decompressStream(stream->zstd, &out, &in);
	if (ZSTD_isError(result))
		return fail_corrupt(stream, ZSTD_getErrorName(result), error);
	stream->used = in.pos;
	stream->between = result == 0;
	return (ssize_t)out.pos;
}

ssize_t local_stream_read(struct local_stream *stream, void *buffer, size_t size, GError **error)
{
	if (stream->file->compression == LOCAL_PLAIN)
		return read_file(stream, buffer, size, error);
	for (;;) {
		bool dry = stream->used == stream->filled;
		if (dry) {
			ssize_t got = read_file(stream, stream->input, INPUT_SIZE, error);
			if (got < 0)
				return -1;
			stream->filled = (size_t)got;
			stream->used = 0;
			if (got == 0 && stream->between)
				return 0;
		}
		ssize_t made = stream->file->compression == LOCAL_GZIP
				       ? step_gzip(stream, buffer, size, error)
				       : step_zstd(stream, buffer, size, error);
		if (made != 0)
			return made;
		if (dry && stream->filled == 0)
			return fail_corrupt(stream, "it ends too early", error);
	}
}
