/*
 * YAML text to trees: libyaml's events drive a stack of open mappings and sequences, so that
 * nothing grows before its limit was checked.
 */
#include "base/yaml.h"

#include "base/error.h"
#include "base/files.h"
#include "base/yaml_place.h"
#include "base/yaml_scalar.h"

#include <string.h>
#include <yaml.h>

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(yaml_event_t, yaml_event_delete)

/* A value with what is known about it. */
struct yaml_node {
	json_t *value;
	struct yaml_place *place;
	size_t weight;	 /* as YAML_MAX_EXPANSION counts */
	unsigned height; /* of the tree; 0 for a scalar */
};

static void yaml_node_clear(struct yaml_node *node)
{
	g_clear_pointer(&node->value, json_decref);
	g_clear_pointer(&node->place, yaml_place_free);
}
DEFINE_AUTO(yaml_node)

static void node_free(void *node)
{
	yaml_node_clear(node);
	g_free(node);
}

/* A mapping or sequence whose end has not been seen. */
struct frame {
	struct yaml_node node;
	char *anchor;
	char *key; /* of a mapping: the key that waits for its value */
	yaml_mark_t key_mark;
	bool is_merge_key;
	struct yaml_node merged; /* what stands under `<<` */
	yaml_mark_t merge_mark;
};

static void frame_clear(void *data)
{
	struct frame *frame = data;
	yaml_node_clear(&frame->node);
	yaml_node_clear(&frame->merged);
	g_free(frame->anchor);
	g_free(frame->key);
}

struct yaml_loader {
	const char *name;
	yaml_parser_t parser;
	GArray *frames;	 /* of struct frame, the innermost last */
	GTree *anchors;	 /* name -> struct yaml_node */
	size_t expanded; /* weight of all copies made by aliases */
	struct yaml_node root;
};

static void yaml_loader_clear(struct yaml_loader *loader)
{
	yaml_parser_delete(&loader->parser);
	g_clear_pointer(&loader->frames, g_array_unref);
	g_clear_pointer(&loader->anchors, g_tree_unref);
	yaml_node_clear(&loader->root);
}
DEFINE_AUTO(yaml_loader)

G_GNUC_PRINTF(5, 6)
static bool fail(const struct yaml_loader *loader, const yaml_mark_t *mark, enum agnes_error code,
		 GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *what = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, AGNES_ERROR, code, "%s:%zu:%zu: %s", loader->name, mark->line + 1,
		    mark->column + 1, what);
	return false;
}

static struct yaml_place *place_at(const yaml_mark_t *mark)
{
	return yaml_place_new((int)mark->line + 1, (int)mark->column + 1);
}

static struct frame *innermost(const struct yaml_loader *loader)
{
	return loader->frames->len
		       ? &g_array_index(loader->frames, struct frame, loader->frames->len - 1)
		       : NULL;
}

static bool expects_key(const struct yaml_loader *loader)
{
	const struct frame *frame = innermost(loader);
	return frame && json_is_object(frame->node.value) && !frame->key;
}

static bool merge_into(struct frame *frame, const struct yaml_node *source)
{
	if (!json_is_object(source->value))
		return false;
	json_object_update_missing(frame->node.value, source->value);
	yaml_place_merge(frame->node.place, source->place);
	return true;
}

/* The values under `<<` come in when the mapping ends: its own keys go first, wherever they stand.
 */
static bool apply_merge(const struct yaml_loader *loader, struct frame *frame, GError **error)
{
	const struct yaml_node *merged = &frame->merged;
	if (!merged->value)
		return true;
	bool good = json_is_object(merged->value) || json_is_array(merged->value);
	if (json_is_object(merged->value))
		merge_into(frame, merged);
	for (size_t i = 0; good && i < json_array_size(merged->value); i++) {
		struct yaml_node item = {
			.value = json_array_get(merged->value, i),
			.place = g_ptr_array_index(merged->place->items, i),
		};
		good = merge_into(frame, &item);
	}
	return good || fail(loader, &frame->merge_mark, AGNES_ERROR_INVALID, error,
			    "'<<' needs a mapping or a sequence of mappings");
}

static void add_member(struct frame *frame, struct yaml_node *node)
{
	node->place->line = (int)frame->key_mark.line + 1;
	node->place->column = (int)frame->key_mark.column + 1;
	if (frame->is_merge_key) {
		frame->merged = *node;
		frame->merge_mark = frame->key_mark;
		*node = (struct yaml_node){0};
	} else {
		json_object_set_new_nocheck(frame->node.value, frame->key,
					    g_steal_pointer(&node->value));
		yaml_place_add_member(frame->node.place, frame->key, g_steal_pointer(&node->place));
	}
	g_clear_pointer(&frame->key, g_free);
}

/* Gives a finished value to the mapping or sequence that it stands in. */
static void add_value(struct yaml_loader *loader, struct yaml_node *node)
{
	struct frame *frame = innermost(loader);
	if (!frame) {
		yaml_node_clear(&loader->root);
		loader->root = *node;
		*node = (struct yaml_node){0};
		return;
	}
	frame->node.weight += node->weight;
	frame->node.height = MAX(frame->node.height, node->height + 1);
	if (json_is_object(frame->node.value)) {
		add_member(frame, node);
	} else {
		json_array_append_new(frame->node.value, g_steal_pointer(&node->value));
		yaml_place_add_item(frame->node.place, g_steal_pointer(&node->place));
	}
}

static void remember_anchor(struct yaml_loader *loader, const yaml_char_t *name,
			    const struct yaml_node *node)
{
	if (!name)
		return;
	struct yaml_node *known = g_new0(struct yaml_node, 1);
	known->value = json_incref(node->value);
	known->place = yaml_place_share(node->place, node->place->line, node->place->column);
	known->weight = node->weight;
	known->height = node->height;
	g_tree_insert(loader->anchors, g_strdup((const char *)name), known);
}

static bool is_usable(const char *text, size_t size)
{
	return g_utf8_validate_len(text, size, NULL); /* refuses NUL, too */
}

static bool begin_key(const struct yaml_loader *loader, struct frame *frame,
		      const yaml_event_t *event, GError **error)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t size = event->data.scalar.length;
	if (!is_usable(text, size))
		return fail(loader, &event->start_mark, AGNES_ERROR_INVALID, error,
			    "a key must be UTF-8 without NUL");
	if (size > YAML_MAX_KEY)
		return fail(loader, &event->start_mark, AGNES_ERROR_TOO_LARGE, error,
			    "a key is longer than %d bytes", YAML_MAX_KEY);
	frame->key_mark = event->start_mark;
	frame->key = g_strndup(text, size);
	frame->is_merge_key = strcmp(frame->key, "<<") == 0 &&
			      event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	frame->node.weight += size;
	if (frame->is_merge_key ? frame->merged.value != NULL
				: json_object_get(frame->node.value, frame->key) != NULL)
		return fail(loader, &event->start_mark, AGNES_ERROR_INVALID, error,
			    "key '%s' stands twice in its mapping", frame->key);
	return true;
}

/* Tags of the core schema are a check on what the text says. */
static bool check_tag(const struct yaml_loader *loader, const yaml_mark_t *mark,
		      const yaml_char_t *given, const json_t *value, GError **error)
{
	const char *tag = (const char *)given;
	if (!tag || (strcmp(tag, YAML_NULL_TAG) == 0 && json_is_null(value)) ||
	    (strcmp(tag, YAML_BOOL_TAG) == 0 && json_is_boolean(value)) ||
	    (strcmp(tag, YAML_INT_TAG) == 0 && json_is_integer(value)) ||
	    (strcmp(tag, YAML_FLOAT_TAG) == 0 && json_is_number(value)) ||
	    (strcmp(tag, YAML_STR_TAG) == 0 && json_is_string(value)) ||
	    (strcmp(tag, YAML_MAP_TAG) == 0 && json_is_object(value)) ||
	    (strcmp(tag, YAML_SEQ_TAG) == 0 && json_is_array(value)))
		return true;
	return fail(loader, mark, AGNES_ERROR_INVALID, error,
		    "this is not what its tag says, or the tag is unknown");
}

/* Quotes, `!` and !!str make a scalar text. */
static bool is_text(const yaml_event_t *event)
{
	const char *tag = (const char *)event->data.scalar.tag;
	if (tag)
		return strcmp(tag, "!") == 0 || strcmp(tag, YAML_STR_TAG) == 0;
	return event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

static bool on_scalar(struct yaml_loader *loader, const yaml_event_t *event, GError **error)
{
	const yaml_mark_t *mark = &event->start_mark;
	const char *text = (const char *)event->data.scalar.value;
	size_t size = event->data.scalar.length;
	if (expects_key(loader))
		return begin_key(loader, innermost(loader), event, error);
	if (!is_usable(text, size))
		return fail(loader, mark, AGNES_ERROR_INVALID, error,
			    "text must be UTF-8 without NUL");
	g_auto(yaml_node) node = {
		.value = is_text(event) ? json_stringn_nocheck(text, size)
					: yaml_scalar_resolve(text, size),
		.place = place_at(mark),
		.weight = YAML_NODE_WEIGHT + size,
	};
	if (!is_text(event) && !check_tag(loader, mark, event->data.scalar.tag, node.value, error))
		return false;
	remember_anchor(loader, event->data.scalar.anchor, &node);
	add_value(loader, &node);
	return true;
}

static bool on_alias(struct yaml_loader *loader, const yaml_event_t *event, GError **error)
{
	const yaml_mark_t *mark = &event->start_mark;
	const char *name = (const char *)event->data.alias.anchor;
	const struct yaml_node *known = g_tree_lookup(loader->anchors, name);
	if (!known)
		return fail(loader, mark, AGNES_ERROR_INVALID, error,
			    "no finished value before this has the anchor '%s'", name);
	if (expects_key(loader))
		return fail(loader, mark, AGNES_ERROR_INVALID, error, "an alias cannot be a key");
	if (known->weight > YAML_MAX_EXPANSION - loader->expanded)
		return fail(loader, mark, AGNES_ERROR_TOO_LARGE, error,
			    "aliases make the document too large");
	if (loader->frames->len + known->height > YAML_MAX_DEPTH)
		return fail(loader, mark, AGNES_ERROR_TOO_LARGE, error, "nested deeper than %d",
			    YAML_MAX_DEPTH);
	loader->expanded += known->weight;
	g_auto(yaml_node) copy = {
		.value = json_deep_copy(known->value),
		.place = yaml_place_share(known->place, (int)mark->line + 1, (int)mark->column + 1),
		.weight = known->weight,
		.height = known->height,
	};
	add_value(loader, &copy);
	return true;
}

static bool on_start(struct yaml_loader *loader, json_t *value, const yaml_event_t *event,
		     const yaml_char_t *tag, const yaml_char_t *anchor, GError **error)
{
	const yaml_mark_t *mark = &event->start_mark;
	bool is_key = expects_key(loader);
	struct frame frame = {
		.node = {value, place_at(mark), YAML_NODE_WEIGHT, 0},
		.anchor = g_strdup((const char *)anchor),
	};
	g_array_append_val(loader->frames, frame);
	if (is_key)
		return fail(loader, mark, AGNES_ERROR_INVALID, error,
			    "a mapping or sequence cannot be a key");
	if (loader->frames->len > YAML_MAX_DEPTH)
		return fail(loader, mark, AGNES_ERROR_TOO_LARGE, error, "nested deeper than %d",
			    YAML_MAX_DEPTH);
	return check_tag(loader, mark, tag, value, error);
}

static bool on_end(struct yaml_loader *loader, GError **error)
{
	struct frame *frame = innermost(loader);
	if (!apply_merge(loader, frame, error))
		return false;
	g_auto(yaml_node) node = frame->node;
	frame->node = (struct yaml_node){0};
	remember_anchor(loader, (const yaml_char_t *)frame->anchor, &node);
	g_array_set_size(loader->frames, loader->frames->len - 1);
	add_value(loader, &node);
	return true;
}

static bool on_event(struct yaml_loader *loader, const yaml_event_t *event, GError **error)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(loader, event, error);
	case YAML_ALIAS_EVENT:
		return on_alias(loader, event, error);
	case YAML_MAPPING_START_EVENT:
		return on_start(loader, json_object(), event, event->data.mapping_start.tag,
				event->data.mapping_start.anchor, error);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(loader, json_array(), event, event->data.sequence_start.tag,
				event->data.sequence_start.anchor, error);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return on_end(loader, error);
	case YAML_DOCUMENT_START_EVENT:
		return !loader->root.value || fail(loader, &event->start_mark, AGNES_ERROR_INVALID,
						   error, "only one document is allowed in a file");
	default:
		return true;
	}
}

/* Line and column of a byte; for what libyaml and GLib report by its offset. */
static yaml_mark_t mark_of_byte(const char *text, size_t offset)
{
	yaml_mark_t mark = {.index = offset};
	size_t start = 0;
	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			mark.line++;
			start = i + 1;
		}
	}
	mark.column = (size_t)g_utf8_strlen(text + start, (gssize)(offset - start));
	return mark;
}

static bool syntax_error(const struct yaml_loader *loader, const char *text, GError **error)
{
	const yaml_parser_t *parser = &loader->parser;
	bool by_offset = parser->error == YAML_READER_ERROR;
	yaml_mark_t mark = by_offset ? mark_of_byte(text, parser->problem_offset)
				     : parser->problem_mark;
	const char *context = parser->context ? parser->context : "";
	const char *problem = parser->problem ? parser->problem : "not YAML";
	/* libyaml's words for the two most common mistakes do not help anybody. */
	if (strcmp(problem, "found character that cannot start any token") == 0)
		problem = "nothing begins with this character: indent with spaces, quote text";
	return fail(loader, &mark, AGNES_ERROR_INVALID, error, "%s%s%s", context,
		    *context ? ": " : "", problem);
}

static bool run(struct yaml_loader *loader, const char *text, GError **error)
{
	for (bool ended = false; !ended;) {
		g_auto(yaml_event_t) event = {0};
		if (!yaml_parser_parse(&loader->parser, &event))
			return syntax_error(loader, text, error);
		ended = event.type == YAML_STREAM_END_EVENT;
		if (!on_event(loader, &event, error))
			return false;
	}
	return true;
}

static bool check_text(const struct yaml_loader *loader, const char *text, size_t size,
		       GError **error)
{
	static const yaml_mark_t start;
	if (size > YAML_MAX_BYTES)
		return fail(loader, &start, AGNES_ERROR_TOO_LARGE, error,
			    "larger than the %d bytes allowed", YAML_MAX_BYTES);
	const char *bad;
	if (g_utf8_validate_len(text, size, &bad)) /* refuses NUL, too */
		return true;
	yaml_mark_t mark = mark_of_byte(text, (size_t)(bad - text));
	return fail(loader, &mark, AGNES_ERROR_INVALID, error, "%s",
		    *bad ? "not UTF-8" : "a NUL character");
}

struct yaml_document *yaml_parse(const char *text, size_t size, const char *name, GError **error)
{
	g_auto(yaml_loader) loader = {.name = name};
	if (!check_text(&loader, text, size, error))
		return NULL;
	yaml_parser_initialize(&loader.parser);
	yaml_parser_set_encoding(&loader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&loader.parser, (const unsigned char *)text, size);
	loader.frames = g_array_new(FALSE, TRUE, sizeof(struct frame));
	g_array_set_clear_func(loader.frames, frame_clear);
	loader.anchors = g_tree_new_full(yaml_compare_names, NULL, g_free, node_free);
	if (!run(&loader, text, error))
		return NULL;
	struct yaml_document *document = g_new0(struct yaml_document, 1);
	document->root = loader.root.value ? g_steal_pointer(&loader.root.value) : json_null();
	document->place = loader.root.place ? g_steal_pointer(&loader.root.place)
					    : yaml_place_new(1, 1);
	return document;
}

struct yaml_document *yaml_read(const char *path, GError **error)
{
	size_t size;
	g_autofree char *text = files_read(path, YAML_MAX_BYTES, &size, error);
	return text ? yaml_parse(text, size, path, error) : NULL;
}

void yaml_document_free(struct yaml_document *document)
{
	if (!document)
		return;
	json_decref(document->root);
	yaml_place_free(document->place);
	g_free(document);
}
