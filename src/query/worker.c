/* One thread runs queries, another listens for what shall be cancelled. */
#include "query/worker.h"

#include "base/error.h"
#include "base/json.h"
#include "base/sandbox.h"
#include "query/wire.h"

#include <unistd.h>

struct worker {
	struct query_engine *engine;
	query_execute_function *execute;
};

/* When the server is gone, the wait for its next message ends the process. */
static void answer(json_t *message, const void *bytes, size_t size)
{
	wire_send(QUERY_WORKER_SOCKET, message, bytes, size, WIRE_FOREVER, NULL);
	json_decref(message);
}

static void *listen_for_cancels(void *data)
{
	const struct worker *worker = data;
	int64_t id;
	while (read(QUERY_CANCEL_DESCRIPTOR, &id, sizeof id) == sizeof id)
		query_engine_cancel(worker->engine, id);
	return NULL;
}

static json_t *pack_failure(int64_t id, const GError *error, json_t *rejection)
{
	json_t *packed = wire_pack_error(error);
	json_object_set_new(packed, "id", json_integer(id));
	if (rejection)
		json_object_set(packed, "rejection", rejection);
	return json_pack("{so}", "error", packed);
}

static bool unpack_request(const json_t *message, struct query_request *request,
			   struct query_scan *scan, unsigned *cpu_seconds, GError **error)
{
	json_int_t id = -1, limit = 0, cut_bytes = 0;
	int seconds = 0;
	const json_t *fields = NULL;
	int failed = json_unpack((json_t *)message, "{s{sI s?s s?o ss sI s?I si}}", "query", "id",
				 &id, "sql", &request->sql, "scan", &fields, "format",
				 &request->format, "limit", &limit, "cut_bytes", &cut_bytes,
				 "cpu_seconds", &seconds);
	request->id = id;
	request->limit = limit;
	request->cut_bytes = (uint64_t)cut_bytes;
	*cpu_seconds = (unsigned)seconds;
	if (fields)
		request->scan = scan;
	if (failed == 0 && fields)
		return query_scan_unpack(fields, scan, error);
	if (failed == 0 && request->sql)
		return true;
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "the request to the worker is wrong");
	return false;
}

/* Runs the query and answers. False: another worker shall run the next. */
static bool run_query(const struct worker *worker, const json_t *message)
{
	struct query_request request = {0};
	struct query_scan scan = {0};
	unsigned cpu_seconds = 0;
	g_autoptr(GError) error = NULL;
	g_auto(query_summary) summary = {0};
	g_auto(query_output) output;
	query_output_init(&output, QUERY_RESULT_DESCRIPTOR);
	if (unpack_request(message, &request, &scan, &cpu_seconds, &error) &&
	    sandbox_limit_cpu(cpu_seconds, &error) &&
	    worker->execute(worker->engine, &request, &output, &summary, &error)) {
		answer(json_pack("{s{sI sI sb sb sO?}}", "done", "id", request.id, "rows",
				 (json_int_t)summary.rows, "truncated", summary.truncated, "cut",
				 summary.cut, "columns", summary.columns),
		       output.held, output.held_size);
		return true;
	}
	answer(pack_failure(request.id, error, summary.rejection), NULL, 0);
	return !g_error_matches(error, AGNES_ERROR, AGNES_ERROR_FATAL) &&
	       !query_engine_is_spent(worker->engine);
}

static json_t *receive(GError **error)
{
	return wire_receive(QUERY_WORKER_SOCKET, WIRE_TO_WORKER, WIRE_FOREVER, NULL, error);
}

/* Until the server is gone or the database is of no use any more. */
static int serve(const struct worker *worker)
{
	for (;;) {
		g_autoptr(json_t) message = receive(NULL);
		/* Another thread listens, so that nothing is torn down. */
		if (!message)
			_exit(0);
		if (!run_query(worker, message))
			return 1;
	}
}

static void answer_ready(void)
{
	answer(json_pack("{sb}", "ready", true), NULL, 0);
}

static bool start(struct worker *worker, GError **error)
{
	g_autoptr(json_t) prepare = receive(error);
	worker->engine = prepare ? query_engine_new(json_object_get(prepare, "prepare"), error)
				 : NULL;
	if (!worker->engine)
		return false;
	answer_ready();
	/* A worker that is never needed goes in peace. */
	g_autoptr(json_t) setup = receive(NULL);
	if (!setup)
		_exit(0);
	return query_engine_open(worker->engine, json_object_get(setup, "setup"), error);
}

int query_worker_run(query_execute_function *execute)
{
	struct worker worker = {.execute = execute};
	g_autoptr(GError) error = NULL;
	if (!start(&worker, &error)) {
		answer(json_pack("{so}", "error", wire_pack_error(error)), NULL, 0);
		return 1;
	}
	g_thread_unref(g_thread_new("listener", listen_for_cancels, &worker));
	answer_ready();
	return serve(&worker);
}
