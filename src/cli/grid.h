/*
 * Lists of objects as text. On a terminal they fit its width; elsewhere columns have the widths
 * that scripts know, and longer texts push the rest aside.
 */
#pragma once

#include "base/json.h"

#include <glib.h>

enum grid_align { GRID_LEFT, GRID_RIGHT, GRID_CENTRE };

struct grid_column {
	const char *title;   /* the end of the list: NULL */
	const char *key;     /* of the object's member */
	int width;	     /* outside of terminals; 0: as long as it is */
	const char *missing; /* shown for null; NULL: nothing */
	enum grid_align align;
};

enum grid_style {
	GRID_PLAIN,	    /* columns two spaces apart */
	GRID_SINGLE_SPACED, /* one space apart */
	GRID_RULED,	    /* indented by two spaces, a line of dashes below the header */
};

/* Prints the header and a row for each object of the array. */
void grid_print(const struct grid_column *columns, const json_t *rows, enum grid_style style);

/*
 * A value on one line: texts as they are, True and False, "" for null or nothing, compact JSON for
 * the rest. g_free() it.
 */
char *grid_text(const json_t *value);

/* Appends `text`, padded to `width` columns of a terminal, whatever its characters are. */
void grid_pad(GString *line, const char *text, int width, enum grid_align align);
