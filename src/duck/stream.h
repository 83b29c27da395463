/*
 * Results that DuckDB computes while they are read, chunk by chunk, so that memory stays flat
 * however many rows there are. A stream keeps its connection busy until it is freed.
 */
#pragma once

#include "base/cleanup.h"
#include "duck/arrow.h"
#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct duck_stream;

/* Starts one statement without parameters; several in one text are refused. */
struct duck_stream *duck_stream_open(struct duck_connection *connection, const char *sql,
				     GError **error);

/* The same for SQL of ours with a small result, which DuckDB then holds in memory: starts faster.
 */
struct duck_stream *duck_stream_whole(struct duck_connection *connection, const char *sql,
				      GError **error);

void duck_stream_free(struct duck_stream *stream);
DEFINE_AUTOPTR(duck_stream)

size_t duck_stream_columns(const struct duck_stream *stream);

/* Steps to the next chunk. *rows is 0 after the last; a failure may come at any step. */
bool duck_stream_next(struct duck_stream *stream, size_t *rows, GError **error);

/*
 * A VARCHAR of the current chunk, or a value of a type of which duck_stream_has_text() as a cast to
 * VARCHAR has it, which would take several times as long. Not terminated; NULL for NULL. Lives
 * until the next step, or until this is asked again.
 */
const char *duck_stream_text(struct duck_stream *stream, size_t column, size_t row, size_t *length);

/* Of a type as duck_statement_column_type() spells it; false also for VARCHAR. */
bool duck_stream_has_text(const char *type);

/* The result's columns and the current chunk for Arrow; the caller releases what it gets. */
bool duck_stream_arrow_schema(struct duck_stream *stream, struct ArrowSchema *schema,
			      GError **error);
bool duck_stream_arrow_chunk(struct duck_stream *stream, struct ArrowArray *array, GError **error);
