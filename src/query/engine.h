/*
 * The DuckDB of a worker: in memory, with a view for each table of the grant set, in the sandbox.
 * It is made before it is known for which tables, which saves the time to start when they are.
 *
 * What it is made with, as JSON:
 *	temporary	an empty folder of this worker's own, for what does not fit into memory
 *	memory_mb, temporary_mb, address_space_mb, threads
 *	landlock	the newest Landlock ABI to use
 * and what it is opened with, which gives up the process's rights for good:
 *	folder		the hard links, <table>.parquet each; read-only
 *	tables		see query_tables_new()
 *	network		whether remote tables may be reached, see query/remote.h
 *	remote		the same
 */
#pragma once

#include "base/cleanup.h"
#include "duck/database.h"
#include "query/guard.h"
#include "query/memory.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The worker's descriptors: its socket; the pipe that results go to, which is the one path outside
 * its folders that it may open (DuckDB resolves a path when the setting is made, and pipes resolve
 * to nothing); the pipe that cancels come from.
 */
enum { QUERY_WORKER_SOCKET = 3, QUERY_RESULT_DESCRIPTOR, QUERY_CANCEL_DESCRIPTOR };
#define QUERY_RESULT_PATH "/dev/fd/4"

struct query_engine;

struct query_engine *query_engine_new(const json_t *options, GError **error);
bool query_engine_open(struct query_engine *engine, const json_t *setup, GError **error);
void query_engine_free(struct query_engine *engine);
DEFINE_AUTOPTR(query_engine)

struct query_guard *query_engine_guard(const struct query_engine *engine);
const struct query_tables *query_engine_tables(const struct query_engine *engine);
struct query_memory *query_engine_memory(const struct query_engine *engine);

/* Makes the views of tables that have none yet. */
bool query_engine_show(struct query_engine *engine, const GPtrArray *tables, GError **error);

/* Whether a remote table was missing: only another worker can attach its catalog again. */
bool query_engine_is_spent(const struct query_engine *engine);

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
