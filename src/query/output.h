/* Bytes of a result on their way into the pipe. The last of them stay here: they go with the
 * answer, so that a short result needs no pipe. */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { QUERY_OUTPUT_HOLD = 64 * 1024 };

struct query_output {
	int fd; /* not owned */
	char *held;
	size_t held_size;
	uint64_t written; /* bytes, those that are held included */
};

void query_output_init(struct query_output *output, int fd);
void query_output_clear(struct query_output *output);
DEFINE_AUTO(query_output)

/* CANCELLED: nobody reads. */
bool query_output_flush(struct query_output *output, GError **error);

/* What is held, then the bytes, for which there is no room beside it. */
bool query_output_write_over(struct query_output *output, const void *data, size_t size,
			     GError **error);

/* Here because there are millions of cells. */
static inline bool query_output_write(struct query_output *output, const void *data, size_t size,
				      GError **error)
{
	output->written += size;
	if (size > QUERY_OUTPUT_HOLD - output->held_size)
		return query_output_write_over(output, data, size, error);
	memcpy(output->held + output->held_size, data, size);
	output->held_size += size;
	return true;
}
