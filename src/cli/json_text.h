/*
 * JSON as text, for results whose numbers must stay as the server wrote them (whole numbers of any
 * length, decimals) and whose size asks for no tree. The text must be valid: it was parsed once, or
 * this program made it. Beyond that, nothing is read past the end of a slice.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* A value inside of a text. */
struct json_slice {
	const char *text;
	size_t size;
};

/* Whether this is one object whose brackets and strings all end; not whether it is valid inside. */
bool json_text_is_whole(struct json_slice value);

/* Appends the value with two spaces a level, in ASCII; `level` is that of its first line. */
void json_text_indent(GString *out, struct json_slice value, int level);

/*
 * Walks over an array: start with `rest` as the array itself. False at its end, or when it is none.
 */
bool json_text_next(struct json_slice *rest, struct json_slice *item);

/* The value of a member of an object; false if there is none. */
bool json_text_member(struct json_slice object, const char *name, struct json_slice *value);

/* The same over an object: each time the name of a member, as JSON, and its value. */
bool json_text_next_member(struct json_slice *rest, struct json_slice *name,
			   struct json_slice *value);

/* What a string says; NULL if the value is none, or holds a NUL. g_free() it. */
char *json_text_string(struct json_slice value);
