/*
 * As much of FlatBuffers as writing Arrow's metadata takes. A buffer is built back to front:
 * children first, each known by a reference, then the table that holds them.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* Where something stands, counted from the end of the buffer. 0: nothing. */
typedef uint32_t flat_ref;

enum { FLAT_MOST_FIELDS = 8 };

struct flatbuffer {
	guint8 *data; /* filled from its end */
	size_t room, size;
	size_t table_start;
	flat_ref fields[FLAT_MOST_FIELDS]; /* of the table that is open */
};

void flatbuffer_init(struct flatbuffer *buffer);
void flatbuffer_clear(struct flatbuffer *buffer);
DEFINE_AUTO(flatbuffer)

flat_ref flat_string(struct flatbuffer *buffer, const char *text, size_t length);
flat_ref flat_refs(struct flatbuffer *buffer, const flat_ref *refs, size_t count);
/* A vector of structs or numbers of `width` bytes that consist of 64-bit (or 32-bit) numbers. */
flat_ref flat_vector(struct flatbuffer *buffer, const void *items, size_t count, size_t width,
		     size_t alignment);

/* One table at a time: its fields by slot number, in any order, then the end. */
void flat_table_begin(struct flatbuffer *buffer);
void flat_field(struct flatbuffer *buffer, unsigned slot, int64_t value, size_t width);
void flat_field_ref(struct flatbuffer *buffer, unsigned slot, flat_ref ref); /* 0: left out */
flat_ref flat_table_end(struct flatbuffer *buffer);

/* Closes the buffer; its bytes are the last `size` of data. */
const guint8 *flat_finish(struct flatbuffer *buffer, flat_ref root, size_t *size);
