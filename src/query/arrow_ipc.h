/* Arrow's streaming format over the C data interface: a schema, dictionaries, batches, the end. */
#pragma once

#include "base/cleanup.h"
#include "duck/arrow.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct arrow_ipc;

/* Writes pieces of the stream. */
typedef bool arrow_ipc_sink(void *data, const void *bytes, size_t size, GError **error);

/* Takes over the schema, that of a struct whose children are the columns, and writes it. */
struct arrow_ipc *arrow_ipc_new(struct ArrowSchema *schema, arrow_ipc_sink *sink, void *data,
				GError **error);
/* Frees it without writing anything. */
void arrow_ipc_free(struct arrow_ipc *ipc);
DEFINE_AUTOPTR(arrow_ipc)

/* Writes rows, before the first also the dictionaries, which must stay the same. The caller keeps
 * the array. *written counts the stream's bytes. */
bool arrow_ipc_write(struct arrow_ipc *ipc, const struct ArrowArray *rows, uint64_t *written,
		     GError **error);

bool arrow_ipc_end(struct arrow_ipc *ipc, GError **error);
