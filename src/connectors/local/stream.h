/* The bytes of a file as they were before gzip or zstd. */
#pragma once

#include "base/cleanup.h"
#include "connectors/local/files.h"

#include <glib.h>
#include <sys/types.h>

struct local_stream;

/* From the start of the file, whose offset stays. The file must outlive the stream. */
struct local_stream *local_stream_open(const struct local_file *file, GError **error);

/* At most `size` bytes; 0 at the end, -1 on error: CORRUPT when the compression is broken or cut.
 */
ssize_t local_stream_read(struct local_stream *stream, void *buffer, size_t size, GError **error);

void local_stream_free(struct local_stream *stream);
DEFINE_AUTOPTR(local_stream)
