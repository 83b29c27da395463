/*
 * YAML 1.2 to the program's one tree type and back. The core schema decides what a plain scalar is
 * (so `~` is null, and YAML 1.1's yes, no, 012, 12:30 and dates are text), with one exception: a
 * number that a json_t cannot hold as it was written (leading zeros, over 64 bits, infinite) stays
 * text. Anchors, aliases and merge keys work, each alias as a copy of its own.
 *
 * Input is hostile: it must be UTF-8 in one document without NUL, of bounded size, depth and
 * expansion; duplicate keys are refused. Messages read "name:line:column: what is wrong" and hold
 * nothing of the text but keys and anchor names.
 */
#pragma once

#include "base/cleanup.h"
#include "base/json.h"

enum {
	YAML_MAX_BYTES = 1024 * 1024,
	YAML_MAX_DEPTH = 64,
	YAML_MAX_KEY = 1024, /* bytes of one key */
	/* What aliases may add to a document: its text, plus YAML_NODE_WEIGHT for each node. */
	YAML_MAX_EXPANSION = 1024 * 1024,
	YAML_NODE_WEIGHT = 16,
};

/* Where a value stands, lines and columns counted from 1: its key if it has one, else itself. */
struct yaml_place {
	int line, column;
	GTree *members;	  /* of a mapping: key -> struct yaml_place */
	GPtrArray *items; /* of a sequence */
};

struct yaml_document {
	json_t *root; /* null for an empty document */
	struct yaml_place *place;
};

struct yaml_document *yaml_parse(const char *text, size_t size, const char *name, GError **error);

/* Reads a file; NOT_FOUND if there is none. The messages name it by its path. */
struct yaml_document *yaml_read(const char *path, GError **error);

void yaml_document_free(struct yaml_document *document);
DEFINE_AUTOPTR(yaml_document)

/* The place of a part of a value; where it is not known, the nearest place around it. NULL gives
 * NULL. */
const struct yaml_place *yaml_place_member(const struct yaml_place *place, const char *key);
const struct yaml_place *yaml_place_item(const struct yaml_place *place, size_t index);

/*
 * Block style, keys in their order. Text that a reader of YAML 1.1 or 1.2 could take for something
 * else is quoted.
 */
char *yaml_write(const json_t *value);
