/*
 * How far the downloads are, for somebody who watches: a line for each table under way and one for
 * all, drawn anew in place on standard error.
 */
#pragma once

#include "base/cleanup.h"
#include "cli/sync/download.h"

#include <glib.h>
#include <stddef.h>

struct progress;

/* The downloads must outlive it. */
struct progress *progress_new(const struct download *downloads, size_t count);

/* Wipes what it has drawn. */
void progress_free(struct progress *progress);
DEFINE_AUTOPTR(progress)

/* Draws; some times a second. */
void progress_draw(struct progress *progress);

/*
 * The lines for a terminal of that size, each with its newline; `elapsed` in microseconds since the
 * last call, for the rate. For progress_draw() and its test.
 */
char *progress_render(struct progress *progress, int width, int height, gint64 elapsed);
