/* A buffer before the pipe, so that small results arrive at once and errors before the first byte
 * stay errors. */
#include "query/output.h"

#include "base/error.h"
#include "base/files.h"

#include <errno.h>

void query_output_init(struct query_output *output, int fd)
{
	*output = (struct query_output){.fd = fd, .held = g_malloc(QUERY_OUTPUT_HOLD)};
}

void query_output_clear(struct query_output *output)
{
	g_clear_pointer(&output->held, g_free);
}

static bool write_out(const struct query_output *output, const void *data, size_t size,
		      GError **error)
{
	if (files_write_all(output->fd, data, size))
		return true;
	if (errno == EPIPE)
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_CANCELLED,
				    "nobody reads the result any more");
	else
		agnes_set_errno(error, errno, "cannot write the result");
	return false;
}

bool query_output_flush(struct query_output *output, GError **error)
{
	bool done = write_out(output, output->held, output->held_size, error);
	output->held_size = 0;
	return done;
}

bool query_output_write_over(struct query_output *output, const void *data, size_t size,
			     GError **error)
{
	if (!query_output_flush(output, error))
		return false;
	if (size > QUERY_OUTPUT_HOLD)
		return write_out(output, data, size, error);
	memcpy(output->held, data, size);
	output->held_size = size;
	return true;
}
