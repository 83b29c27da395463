/* Messages are a prefix, metadata as a FlatBuffer, and a body of buffers, each padded to 8 bytes.
 */
#include "query/arrow_ipc.h"

#include "base/error.h"
#include "query/arrow_type.h"
#include "query/flatbuffer.h"

#include <string.h>

enum { METADATA_V5 = 4, PADDING = 8, CONTINUATION_SIZE = 4, DEEPEST = 64 };
enum { HEADER_SCHEMA = 1, HEADER_DICTIONARY_BATCH, HEADER_RECORD_BATCH };

/* The structs FieldNode and Buffer of the metadata. */
struct node {
	int64_t length, null_count;
};
struct place {
	int64_t offset, length;
};
struct body_part {
	const void *data;
	size_t size;
};

struct arrow_ipc {
	struct ArrowSchema schema;
	arrow_ipc_sink *sink;
	void *data;
	bool has_dictionaries;	 /* they were written */
	int64_t next_dictionary; /* the next one's id, in the order of the schema */
	uint64_t written;
};

/* The columns of one message as they are collected. */
struct batch {
	GArray *nodes, *places, *parts;
	int64_t size;
};

static bool emit(struct arrow_ipc *ipc, const void *bytes, size_t size, GError **error)
{
	ipc->written += size;
	return ipc->sink(ipc->data, bytes, size, error);
}

static bool emit_padding(struct arrow_ipc *ipc, size_t size, GError **error)
{
	static const guint8 zeros[PADDING];
	size_t padding = (PADDING - size % PADDING) % PADDING;
	return padding == 0 || emit(ipc, zeros, padding, error);
}

/* Completes a message's metadata around its header and writes it. */
static bool emit_message(struct arrow_ipc *ipc, struct flatbuffer *buffer, unsigned header_type,
			 flat_ref header, int64_t body_size, GError **error)
{
	size_t size;
	flat_table_begin(buffer);
	flat_field(buffer, 3, body_size, 8);
	flat_field_ref(buffer, 2, header);
	flat_field(buffer, 0, METADATA_V5, 2);
	flat_field(buffer, 1, header_type, 1);
	flat_ref root = flat_table_end(buffer);
	const guint8 *metadata = flat_finish(buffer, root, &size);
	uint32_t padded = (uint32_t)((size + PADDING - 1) / PADDING * PADDING);
	const uint32_t prefix[] = {GUINT32_TO_LE(UINT32_MAX), GUINT32_TO_LE(padded)};
	return emit(ipc, prefix, sizeof prefix, error) && emit(ipc, metadata, size, error) &&
	       emit_padding(ipc, size, error);
}

/* --- the schema --- */

static uint32_t read_u32(const char **at)
{
	uint32_t value;
	memcpy(&value, *at, sizeof value);
	*at += sizeof value;
	return value;
}

static flat_ref write_sized(struct flatbuffer *buffer, const char **at)
{
	uint32_t length = read_u32(at);
	flat_ref ref = flat_string(buffer, *at, length);
	*at += length;
	return ref;
}

/* Key-value pairs, which the C data interface packs into one string. */
static flat_ref write_metadata(struct flatbuffer *buffer, const char *packed)
{
	if (!packed)
		return 0;
	uint32_t count = read_u32(&packed);
	g_autofree flat_ref *pairs = g_new(flat_ref, count + 1);
	for (uint32_t i = 0; i < count; i++) {
		flat_ref key = write_sized(buffer, &packed);
		flat_ref value = write_sized(buffer, &packed);
		flat_table_begin(buffer);
		flat_field_ref(buffer, 0, key);
		flat_field_ref(buffer, 1, value);
		pairs[i] = flat_table_end(buffer);
	}
	return flat_refs(buffer, pairs, count);
}

/* The index type is the column's own, the values' type that of its dictionary. */
static flat_ref write_dictionary_encoding(struct flatbuffer *buffer,
					  const struct ArrowSchema *schema, int64_t id,
					  GError **error)
{
	struct arrow_type index;
	if (!arrow_type_parse(schema->format, &index, error))
		return 0;
	flat_ref index_type = arrow_type_write(&index, buffer);
	flat_table_begin(buffer);
	flat_field(buffer, 0, id, 8);
	flat_field_ref(buffer, 1, index_type);
	return flat_table_end(buffer);
}

static flat_ref write_fields(struct flatbuffer *buffer, const struct ArrowSchema *parent,
			     int64_t *next_dictionary, unsigned depth, GError **error);

/* 0 on error. */
static flat_ref write_field(struct flatbuffer *buffer, const struct ArrowSchema *schema,
			    int64_t *next_dictionary, unsigned depth, GError **error)
{
	const struct ArrowSchema *values = schema->dictionary ? schema->dictionary : schema;
	struct arrow_type type;
	flat_ref dictionary = 0;
	if (!arrow_type_parse(values->format, &type, error))
		return 0;
	if (schema->dictionary) {
		dictionary = write_dictionary_encoding(buffer, schema, (*next_dictionary)++, error);
		if (!dictionary)
			return 0;
	}
	flat_ref children = write_fields(buffer, values, next_dictionary, depth + 1, error);
	if (!children)
		return 0;
	const char *name = schema->name ? schema->name : "";
	flat_ref text = flat_string(buffer, name, strlen(name));
	flat_ref metadata = write_metadata(buffer, schema->metadata);
	flat_ref own_type = arrow_type_write(&type, buffer);
	flat_table_begin(buffer);
	flat_field_ref(buffer, 0, text);
	flat_field_ref(buffer, 3, own_type);
	flat_field_ref(buffer, 4, dictionary);
	flat_field_ref(buffer, 5, children);
	flat_field_ref(buffer, 6, metadata);
	flat_field(buffer, 1, (schema->flags & ARROW_FLAG_NULLABLE) != 0, 1);
	flat_field(buffer, 2, type.table, 1);
	return flat_table_end(buffer);
}

static flat_ref write_fields(struct flatbuffer *buffer, const struct ArrowSchema *parent,
			     int64_t *next_dictionary, unsigned depth, GError **error)
{
	size_t count = (size_t)parent->n_children;
	g_autofree flat_ref *fields = g_new(flat_ref, count + 1);
	if (depth > DEEPEST) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
			    "a type is nested more than %d deep", DEEPEST);
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		fields[i] = write_field(buffer, parent->children[i], next_dictionary, depth, error);
		if (!fields[i])
			return 0;
	}
	return flat_refs(buffer, fields, count);
}

static bool emit_schema(struct arrow_ipc *ipc, GError **error)
{
	g_auto(flatbuffer) buffer;
	int64_t next_dictionary = 0;
	flatbuffer_init(&buffer);
	flat_ref fields = write_fields(&buffer, &ipc->schema, &next_dictionary, 0, error);
	if (!fields)
		return false;
	flat_table_begin(&buffer);
	flat_field_ref(&buffer, 1, fields);
	flat_ref schema = flat_table_end(&buffer);
	return emit_message(ipc, &buffer, HEADER_SCHEMA, schema, 0, error);
}

/* --- batches --- */

static void batch_init(struct batch *batch)
{
	batch->nodes = g_array_new(FALSE, FALSE, sizeof(struct node));
	batch->places = g_array_new(FALSE, FALSE, sizeof(struct place));
	batch->parts = g_array_new(FALSE, FALSE, sizeof(struct body_part));
	batch->size = 0;
}

static void batch_clear(struct batch *batch)
{
	g_array_unref(batch->nodes);
	g_array_unref(batch->places);
	g_array_unref(batch->parts);
}
DEFINE_AUTO(batch)

static void add_buffer(struct batch *batch, const void *data, int64_t size)
{
	if (!data)
		size = 0;
	const struct place place = {.offset = batch->size, .length = size};
	const struct body_part part = {.data = data, .size = (size_t)size};
	g_array_append_val(batch->places, place);
	g_array_append_val(batch->parts, part);
	batch->size += (size + PADDING - 1) / PADDING * PADDING;
}

static int64_t bytes_of_bits(int64_t bits)
{
	return (bits + 7) / 8;
}

/* Offsets of `width` bytes, one more than there are values; the last is how long the data is. */
static int64_t add_offsets(struct batch *batch, const struct ArrowArray *array, size_t width)
{
	const guint8 *offsets = array->buffers[1];
	add_buffer(batch, offsets, (array->length + 1) * (int64_t)width);
	if (!offsets)
		return 0;
	int64_t last = 0;
	memcpy(&last, offsets + (size_t)array->length * width, width);
	return last;
}

static void add_values(struct batch *batch, const struct ArrowArray *array,
		       const struct arrow_type *type)
{
	switch (type->layout) {
	case ARROW_FIXED:
		add_buffer(batch, array->buffers[1], bytes_of_bits(array->length * type->bits));
		break;
	case ARROW_BYTES:
		add_buffer(batch, array->buffers[2], add_offsets(batch, array, sizeof(int32_t)));
		break;
	case ARROW_BYTES_64:
		add_buffer(batch, array->buffers[2], add_offsets(batch, array, sizeof(int64_t)));
		break;
	case ARROW_LIST:
		add_offsets(batch, array, sizeof(int32_t));
		break;
	case ARROW_LIST_64:
		add_offsets(batch, array, sizeof(int64_t));
		break;
	case ARROW_UNION:
		add_buffer(batch, array->buffers[0], array->length);
		break;
	case ARROW_NULL:
	case ARROW_CHILDREN:
		break;
	}
}

/* Adds a column and what is in it, in the order of the schema. */
static bool add_array(struct batch *batch, const struct ArrowArray *array, const char *format,
		      const struct ArrowSchema *schema, GError **error)
{
	struct arrow_type type;
	if (!arrow_type_parse(format, &type, error))
		return false;
	if (array->offset != 0 || array->null_count < 0) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
				    "a column came as a slice, which cannot be written as Arrow");
		return false;
	}
	const struct node node = {.length = array->length, .null_count = array->null_count};
	g_array_append_val(batch->nodes, node);
	if (type.layout != ARROW_NULL && type.layout != ARROW_UNION) {
		bool has_nulls = array->null_count > 0;
		add_buffer(batch, has_nulls ? array->buffers[0] : NULL,
			   bytes_of_bits(array->length));
	}
	add_values(batch, array, &type);
	for (int64_t i = 0; !schema->dictionary && i < array->n_children; i++) {
		const struct ArrowSchema *child = schema->children[i];
		if (!add_array(batch, array->children[i], child->format, child, error))
			return false;
	}
	return true;
}

static flat_ref write_batch(struct flatbuffer *buffer, const struct batch *batch, int64_t length)
{
	flat_ref places = flat_vector(buffer, batch->places->data, batch->places->len,
				      sizeof(struct place), sizeof(int64_t));
	flat_ref nodes = flat_vector(buffer, batch->nodes->data, batch->nodes->len,
				     sizeof(struct node), sizeof(int64_t));
	flat_table_begin(buffer);
	flat_field(buffer, 0, length, 8);
	flat_field_ref(buffer, 1, nodes);
	flat_field_ref(buffer, 2, places);
	return flat_table_end(buffer);
}

static bool emit_body(struct arrow_ipc *ipc, const struct batch *batch, GError **error)
{
	for (guint i = 0; i < batch->parts->len; i++) {
		const struct body_part *part = &g_array_index(batch->parts, struct body_part, i);
		if (part->size > 0 && (!emit(ipc, part->data, part->size, error) ||
				       !emit_padding(ipc, part->size, error)))
			return false;
	}
	return true;
}

static bool emit_dictionary(struct arrow_ipc *ipc, const struct ArrowArray *values,
			    const struct ArrowSchema *schema, GError **error)
{
	g_auto(batch) batch;
	g_auto(flatbuffer) buffer;
	batch_init(&batch);
	flatbuffer_init(&buffer);
	if (!add_array(&batch, values, schema->format, schema, error))
		return false;
	flat_ref data = write_batch(&buffer, &batch, values->length);
	flat_table_begin(&buffer);
	flat_field(&buffer, 0, ipc->next_dictionary++, 8);
	flat_field_ref(&buffer, 1, data);
	flat_ref header = flat_table_end(&buffer);
	return emit_message(ipc, &buffer, HEADER_DICTIONARY_BATCH, header, batch.size, error) &&
	       emit_body(ipc, &batch, error);
}

/* Finds dictionaries in the order in which the schema numbered them. */
static bool emit_dictionaries(struct arrow_ipc *ipc, const struct ArrowArray *array,
			      const struct ArrowSchema *schema, GError **error)
{
	if (schema->dictionary)
		return emit_dictionary(ipc, array->dictionary, schema->dictionary, error);
	for (int64_t i = 0; i < schema->n_children; i++) {
		if (!emit_dictionaries(ipc, array->children[i], schema->children[i], error))
			return false;
	}
	return true;
}

static bool emit_rows(struct arrow_ipc *ipc, const struct ArrowArray *rows, GError **error)
{
	g_auto(batch) batch;
	g_auto(flatbuffer) buffer;
	batch_init(&batch);
	flatbuffer_init(&buffer);
	for (int64_t i = 0; i < rows->n_children; i++) {
		const struct ArrowSchema *schema = ipc->schema.children[i];
		if (!add_array(&batch, rows->children[i], schema->format, schema, error))
			return false;
	}
	flat_ref header = write_batch(&buffer, &batch, rows->length);
	return emit_message(ipc, &buffer, HEADER_RECORD_BATCH, header, batch.size, error) &&
	       emit_body(ipc, &batch, error);
}

struct arrow_ipc *arrow_ipc_new(struct ArrowSchema *schema, arrow_ipc_sink *sink, void *data,
				GError **error)
{
	g_autoptr(arrow_ipc) ipc = g_new0(struct arrow_ipc, 1);
	ipc->schema = *schema;
	schema->release = NULL;
	ipc->sink = sink;
	ipc->data = data;
	return emit_schema(ipc, error) ? g_steal_pointer(&ipc) : NULL;
}

void arrow_ipc_free(struct arrow_ipc *ipc)
{
	if (!ipc)
		return;
	if (ipc->schema.release)
		ipc->schema.release(&ipc->schema);
	g_free(ipc);
}

bool arrow_ipc_write(struct arrow_ipc *ipc, const struct ArrowArray *rows, uint64_t *written,
		     GError **error)
{
	bool done = (ipc->has_dictionaries || emit_dictionaries(ipc, rows, &ipc->schema, error)) &&
		    emit_rows(ipc, rows, error);
	ipc->has_dictionaries = true;
	*written = ipc->written;
	return done;
}

bool arrow_ipc_end(struct arrow_ipc *ipc, GError **error)
{
	const uint32_t end[] = {GUINT32_TO_LE(UINT32_MAX), 0};
	return emit(ipc, end, sizeof end, error);
}
