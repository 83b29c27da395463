/* Bytes of a result on their way into the pipe. The last of them stay here: they go with the
 * answer, so that a short result needs no pipe. */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct query_output {
	int fd; /* not owned */
	GByteArray *held;
	uint64_t written; /* bytes, those that are held included */
};

void query_output_init(struct query_output *output, int fd);
void query_output_clear(struct query_output *output);
DEFINE_AUTO(query_output)

/* CANCELLED: nobody reads. */
bool query_output_write(struct query_output *output, const void *data, size_t size, GError **error);
bool query_output_flush(struct query_output *output, GError **error);
