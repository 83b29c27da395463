/* Starting the reader and making a published source of its answers; for publish.c alone. */
#pragma once

#include "extract/publish.h"

struct answer_folders {
	const char *extract;   /* extracts/<source>, without symlinks */
	const char *published; /* published/<source> */
	const char *work;      /* where the reader may write */
};

/*
 * The source as the extract describes it, its files in place under published/<source>/. NULL when
 * the extract as a whole cannot be used, or the reader misbehaves. BUSY: trying again may help.
 */
struct published_source *answer_read(const struct publish_request *request,
				     const struct answer_folders *folders, const char *stamp,
				     GError **error);
