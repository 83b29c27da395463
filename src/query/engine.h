/*
 * The DuckDB of a worker: in memory, with a view for each table of the grant set, in the sandbox.
 * Opening one gives up the process's rights for good.
 *
 * The setup that it is opened with, as JSON:
 *	folder		the hard links, <table>.parquet each; read-only
 *	temporary	an empty folder of this worker's own, for what does not fit into memory
 *	tables		see query_tables_new()
 *	memory_mb, temporary_mb, address_space_mb, threads
 *	network		whether remote tables may be reached, see query/remote.h
 *	landlock	the newest Landlock ABI to use
 */
#pragma once

#include "base/cleanup.h"
#include "duck/database.h"
#include "query/guard.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The descriptor that the server puts the worker's socket at. */
enum { QUERY_WORKER_SOCKET = 3 };

/*
 * Where a query's pipe is, in the worker: the one path outside its folders that it may open.
 * Between queries a pipe that nobody reads holds the number, so that nothing else takes it; a pipe,
 * because DuckDB resolves the path when the setting is made, and pipes resolve to nothing.
 */
enum { QUERY_RESULT_DESCRIPTOR = 4 };
#define QUERY_RESULT_PATH "/dev/fd/4"

struct query_engine;

struct query_engine *query_engine_open(const json_t *setup, GError **error);
void query_engine_free(struct query_engine *engine);
DEFINE_AUTOPTR(query_engine)

struct query_guard *query_engine_guard(const struct query_engine *engine);
const struct query_tables *query_engine_tables(const struct query_engine *engine);

/* Makes the views of tables that have none yet. */
bool query_engine_show(struct query_engine *engine, const GPtrArray *tables, GError **error);

/*
 * A fresh connection with an open read-only transaction for query `id`, to be ended by
 * query_engine_end(). CANCELLED: query_engine_cancel() was there first.
 */
struct duck_connection *query_engine_begin(struct query_engine *engine, int64_t id, GError **error);
void query_engine_end(struct query_engine *engine, struct duck_connection *connection);

/* Interrupts query `id` if that is what runs or runs next. From any thread. */
void query_engine_cancel(struct query_engine *engine, int64_t id);

/* Takes the paths of this machine out of a message for the caller. */
char *query_engine_hide_paths(const struct query_engine *engine, const char *message);
