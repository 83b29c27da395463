/*
 * MD5 of several streams at once. One stream can only be hashed from front to back, which leaves
 * most of a CPU idle; eight side by side, in the lanes of vector registers, take little more time
 * than one.
 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MD5_LANES = 8,
	MD5_BLOCK = 64, /* bytes; all but the last piece of a stream comes in whole blocks */
	MD5_DIGITS = 32,
};

struct md5_stream {
	uint32_t state[4];
	uint64_t size; /* bytes hashed so far */
};

void md5_stream_init(struct md5_stream *stream);

/* Hashes the next `blocks` blocks of each of up to MD5_LANES streams. */
void md5_streams_update(struct md5_stream *const *streams, const guint8 *const *data, size_t count,
			size_t blocks);

/* Hashes the last piece, of any size, and returns the sum: 32 lower-case hex digits. */
char *md5_stream_finish(struct md5_stream *stream, const guint8 *data, size_t size);
