/* Numbers are little-endian, aligned to their width from the end of the buffer. */
#include "query/flatbuffer.h"

#include <string.h>

enum { FIRST_ROOM = 1024, REF_WIDTH = 4, VTABLE_ENTRY = 2, VTABLE_HEAD = 4, WIDEST = 8 };

void flatbuffer_init(struct flatbuffer *buffer)
{
	*buffer = (struct flatbuffer){.data = g_malloc(FIRST_ROOM), .room = FIRST_ROOM};
}

void flatbuffer_clear(struct flatbuffer *buffer)
{
	g_clear_pointer(&buffer->data, g_free);
}

static guint8 *make_room(struct flatbuffer *buffer, size_t size)
{
	if (buffer->size + size > buffer->room) {
		size_t room = MAX(buffer->room * 2, buffer->size + size);
		guint8 *data = g_malloc(room);
		memcpy(data + room - buffer->size, buffer->data + buffer->room - buffer->size,
		       buffer->size);
		g_free(buffer->data);
		buffer->data = data;
		buffer->room = room;
	}
	buffer->size += size;
	return buffer->data + buffer->room - buffer->size;
}

static void push_number(struct flatbuffer *buffer, int64_t value, size_t width)
{
	guint8 *at = make_room(buffer, width);
	for (size_t i = 0; i < width; i++)
		at[i] = (guint8)((uint64_t)value >> (8 * i));
}

/* Pads so that what is `size` bytes long will stand at a multiple of `alignment`. */
static void align(struct flatbuffer *buffer, size_t size, size_t alignment)
{
	size_t padding = (alignment - (buffer->size + size) % alignment) % alignment;
	memset(make_room(buffer, padding), 0, padding);
}

static void push_ref(struct flatbuffer *buffer, flat_ref ref)
{
	push_number(buffer, (int64_t)(buffer->size + REF_WIDTH - ref), REF_WIDTH);
}

static flat_ref here(const struct flatbuffer *buffer)
{
	return (flat_ref)buffer->size;
}

flat_ref flat_string(struct flatbuffer *buffer, const char *text, size_t length)
{
	align(buffer, length + 1, REF_WIDTH);
	guint8 *at = make_room(buffer, length + 1);
	memcpy(at, text, length);
	at[length] = 0;
	push_number(buffer, (int64_t)length, REF_WIDTH);
	return here(buffer);
}

flat_ref flat_refs(struct flatbuffer *buffer, const flat_ref *refs, size_t count)
{
	align(buffer, 0, REF_WIDTH);
	for (size_t i = count; i-- > 0;)
		push_ref(buffer, refs[i]);
	push_number(buffer, (int64_t)count, REF_WIDTH);
	return here(buffer);
}

flat_ref flat_vector(struct flatbuffer *buffer, const void *items, size_t count, size_t width,
		     size_t alignment)
{
	align(buffer, count * width, alignment);
	if (count > 0)
		memcpy(make_room(buffer, count * width), items, count * width);
	push_number(buffer, (int64_t)count, REF_WIDTH);
	return here(buffer);
}

void flat_table_begin(struct flatbuffer *buffer)
{
	memset(buffer->fields, 0, sizeof buffer->fields);
	buffer->table_start = buffer->size;
}

void flat_field(struct flatbuffer *buffer, unsigned slot, int64_t value, size_t width)
{
	align(buffer, width, width);
	push_number(buffer, value, width);
	buffer->fields[slot] = here(buffer);
}

void flat_field_ref(struct flatbuffer *buffer, unsigned slot, flat_ref ref)
{
	if (ref == 0)
		return;
	align(buffer, REF_WIDTH, REF_WIDTH);
	push_ref(buffer, ref);
	buffer->fields[slot] = here(buffer);
}

flat_ref flat_table_end(struct flatbuffer *buffer)
{
	/* The table begins with the distance to its vtable, which stands right before it. */
	unsigned count = FLAT_MOST_FIELDS;
	while (count > 0 && buffer->fields[count - 1] == 0)
		count--;
	size_t vtable = VTABLE_HEAD + VTABLE_ENTRY * count;
	align(buffer, REF_WIDTH, REF_WIDTH);
	push_number(buffer, (int64_t)vtable, REF_WIDTH);
	flat_ref table = here(buffer);
	for (unsigned i = count; i-- > 0;)
		push_number(buffer, buffer->fields[i] ? table - buffer->fields[i] : 0,
			    VTABLE_ENTRY);
	push_number(buffer, (int64_t)(table - buffer->table_start), VTABLE_ENTRY);
	push_number(buffer, (int64_t)vtable, VTABLE_ENTRY);
	return table;
}

const guint8 *flat_finish(struct flatbuffer *buffer, flat_ref root, size_t *size)
{
	align(buffer, REF_WIDTH, WIDEST);
	push_ref(buffer, root);
	*size = buffer->size;
	return buffer->data + buffer->room - buffer->size;
}
