/* A thread that listens, so that a cancellation or the end of the server is heard while the main
 * thread computes. */
#include "query/worker.h"

#include "base/error.h"
#include "base/json.h"
#include "base/sandbox.h"
#include "query/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct message {
	json_t *json;
	int pipe;
};

struct worker {
	int idle_pipe; /* what stands at QUERY_RESULT_DESCRIPTOR between queries */
	struct query_engine *engine;
	query_execute_function *execute;
	GAsyncQueue *queries; /* struct message */
};

static void answer(const struct worker *worker, json_t *message)
{
	/* When the server is gone, the listener ends the process. */
	wire_send(QUERY_WORKER_SOCKET, message, -1, NULL);
	json_decref(message);
}

/* Ends the process when there is no more to hear. */
static void *listen_to_server(void *data)
{
	const struct worker *worker = data;
	for (;;) {
		int pipe = -1;
		json_int_t id;
		g_autoptr(json_t)
			json = wire_receive(QUERY_WORKER_SOCKET, WIRE_TO_WORKER, &pipe, NULL);
		if (!json)
			_exit(0);
		if (json_unpack(json, "{sI}", "cancel", &id) == 0) {
			query_engine_cancel(worker->engine, id);
			continue;
		}
		struct message *message = g_new(struct message, 1);
		*message = (struct message){.json = g_steal_pointer(&json), .pipe = pipe};
		g_async_queue_push(worker->queries, message);
	}
}

/* Puts the pipe where the settings of the database allow it. */
static bool place_pipe(int pipe)
{
	bool placed = pipe >= 0 && dup2(pipe, QUERY_RESULT_DESCRIPTOR) >= 0;
	if (pipe >= 0 && pipe != QUERY_RESULT_DESCRIPTOR)
		close(pipe);
	return placed;
}

static json_t *pack_failure(int64_t id, const GError *error)
{
	json_t *packed = wire_pack_error(error);
	json_object_set_new(packed, "id", json_integer(id));
	return json_pack("{so}", "error", packed);
}

/* The answer to a query. *dead: the database is of no use any more. */
static json_t *run_query(const struct worker *worker, const json_t *json, int pipe, bool *dead)
{
	struct query_request request = {0};
	json_int_t id = -1, limit = 0, cut_bytes = 0;
	int cpu_seconds = 0;
	g_autoptr(GError) error = NULL;
	if (!place_pipe(pipe) ||
	    json_unpack((json_t *)json, "{s{sI ss ss sI s?I si}}", "query", "id", &id, "sql",
			&request.sql, "format", &request.format, "limit", &limit, "cut_bytes",
			&cut_bytes, "cpu_seconds", &cpu_seconds) != 0) {
		g_set_error_literal(&error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "the request to the worker is wrong");
		return pack_failure(id, error);
	}
	request.id = id;
	request.limit = limit;
	request.cut_bytes = (uint64_t)cut_bytes;
	g_auto(query_summary) summary = {0};
	g_auto(query_output) output;
	query_output_init(&output, QUERY_RESULT_DESCRIPTOR);
	bool done = sandbox_limit_cpu((unsigned)cpu_seconds, &error) &&
		    worker->execute(worker->engine, &request, &output, &summary, &error);
	*dead = !done && g_error_matches(error, AGNES_ERROR, AGNES_ERROR_FATAL);
	if (!done)
		return pack_failure(id, error);
	return json_pack("{s{sI sI sb sO?}}", "done", "id", id, "rows", (json_int_t)summary.rows,
			 "truncated", summary.truncated, "columns", summary.columns);
}

static int serve(const struct worker *worker)
{
	for (;;) {
		bool dead = false;
		g_autofree struct message *message = g_async_queue_pop(worker->queries);
		answer(worker, json_pack("{sb}", "begun", true));
		json_t *result = run_query(worker, message->json, message->pipe, &dead);
		/* Before the answer: whoever has it may take the end of the pipe for granted. */
		dup2(worker->idle_pipe, QUERY_RESULT_DESCRIPTOR);
		json_decref(message->json);
		answer(worker, result);
		if (dead)
			return 1;
	}
}

static bool hold_pipe_number(struct worker *worker, GError **error)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0 || dup2(ends[1], QUERY_RESULT_DESCRIPTOR) < 0) {
		agnes_set_errno(error, errno, "cannot make a pipe");
		return false;
	}
	close(ends[0]);
	worker->idle_pipe = ends[1];
	return true;
}

static bool start(struct worker *worker, GError **error)
{
	if (!hold_pipe_number(worker, error))
		return false;
	g_autoptr(json_t) message = wire_receive(QUERY_WORKER_SOCKET, WIRE_TO_WORKER, NULL, error);
	const json_t *setup = json_object_get(message, "setup");
	if (message && !setup)
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID, "no setup came");
	worker->engine = setup ? query_engine_open(setup, error) : NULL;
	return worker->engine != NULL;
}

int query_worker_run(query_execute_function *execute)
{
	struct worker worker = {.execute = execute};
	g_autoptr(GError) error = NULL;
	if (!start(&worker, &error)) {
		answer(&worker, json_pack("{so}", "error", wire_pack_error(error)));
		return 1;
	}
	worker.queries = g_async_queue_new();
	g_thread_unref(g_thread_new("listener", listen_to_server, &worker));
	answer(&worker, json_pack("{sb}", "ready", true));
	return serve(&worker);
}
