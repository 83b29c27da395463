/* A query that runs: the bytes of its pipe, its limits, its end. */
#include "query/pool.h"

#include "base/error.h"
#include "base/json.h"
#include "query/pool_private.h"
#include "query/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
	FIRST_PART = 64 * 1024,	 /* what is waited for before the result counts as begun */
	PIPE_SIZE = 1024 * 1024, /* a wish */
	CANCEL_MILLISECONDS = 250,
};

struct query_run {
	struct query_ticket *ticket;
	int64_t number; /* names the query to the worker */
	int pipe;	/* -1 at its end */
	GByteArray *first;
	size_t first_read; /* how much of it was handed on */
	uint64_t bytes;	   /* that came in all */
	uint64_t most_bytes;
	unsigned milliseconds_allowed;
	gint64 left;	 /* microseconds that the worker may still take */
	json_t *summary; /* once it is done */
	GError *failure; /* once it has failed */
	bool begun;	 /* the worker has taken the query up */
	bool answered;	 /* the worker waits for the next query */
};

static int64_t next_number(void)
{
	static gint last;
	return g_atomic_int_add(&last, 1) + 1;
}

static void tell_cancel(const struct query_run *run)
{
	g_autoptr(json_t) message = json_pack("{sI}", "cancel", (json_int_t)run->number);
	query_child_send(run->ticket->child, message, -1, NULL);
}

/*
 * The worker's next message, which is there or on its way. UNAVAILABLE: it died before it took the
 * query up, which then may run elsewhere.
 */
static void take_answer(struct query_run *run)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) answer = query_child_receive(run->ticket->child, &error);
	const json_t *failure = json_object_get(answer, "error");
	const json_t *done = json_object_get(answer, "done");
	if (!run->begun && json_is_true(json_object_get(answer, "begun"))) {
		run->begun = true;
		return;
	}
	run->answered = answer != NULL;
	if (failure)
		wire_unpack_error(failure, &error);
	else if (!answer && !run->begun && !query_child_is_alive(run->ticket->child))
		error->code = AGNES_ERROR_UNAVAILABLE;
	else if (answer && !done)
		g_set_error_literal(&error, AGNES_ERROR, AGNES_ERROR_FAILED,
				    "Query error: the worker's answer makes no sense");
	/* A database that is broken goes with its worker. */
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_FATAL))
		run->answered = false;
	if (done)
		run->summary = json_incref((json_t *)done);
	else if (!run->failure)
		run->failure = g_steal_pointer(&error);
}

/*
 * After a limit or a cancellation: lets the worker stop by itself for a moment, so that it can be
 * used again, and kills it otherwise. What it answers does not matter any more.
 */
static void stop(struct query_run *run)
{
	struct pollfd answer = {.fd = query_child_socket(run->ticket->child), .events = POLLIN};
	if (run->pipe >= 0)
		close(run->pipe);
	run->pipe = -1;
	tell_cancel(run);
	gint64 deadline = g_get_monotonic_time() + (gint64)CANCEL_MILLISECONDS * 1000;
	while (!run->answered && query_child_is_alive(run->ticket->child)) {
		gint64 left = (deadline - g_get_monotonic_time()) / 1000;
		if (left <= 0 || poll(&answer, 1, (int)left) <= 0)
			break;
		take_answer(run);
	}
	if (!run->answered)
		query_child_kill(run->ticket->child);
}

static void fail(struct query_run *run, enum agnes_error code, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

static void fail(struct query_run *run, enum agnes_error code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(&run->failure, AGNES_ERROR, code, message);
	stop(run);
}

/* Waits for the pipe, or after its end for the answer. False: the run has failed. */
static bool wait_for_worker(struct query_run *run)
{
	struct pollfd fds[] = {
		{.fd = run->pipe >= 0 ? run->pipe : query_child_socket(run->ticket->child),
		 .events = POLLIN},
		{.fd = run->ticket->wake, .events = POLLIN},
	};
	gint64 before = g_get_monotonic_time();
	/* Rounded up, so that nothing is polled in the last millisecond. */
	int ready = poll(fds, G_N_ELEMENTS(fds), (int)(run->left / 1000) + 1);
	run->left -= g_get_monotonic_time() - before;
	if (ready < 0 && errno != EINTR) {
		fail(run, AGNES_ERROR_FAILED, "Query error: cannot wait for the worker: %s",
		     g_strerror(errno));
		return false;
	}
	if (ready > 0 && fds[1].revents) {
		fail(run, AGNES_ERROR_CANCELLED, "Query error: the query was cancelled");
		return false;
	}
	if (run->left <= 0) {
		fail(run, AGNES_ERROR_TIMEOUT,
		     "Query error: the query took longer than the %g seconds allowed",
		     run->milliseconds_allowed / 1000.0);
		return false;
	}
	return ready > 0 && fds[0].revents;
}

static bool is_over(const struct query_run *run)
{
	return run->summary || run->failure;
}

/* Reads what comes next: bytes (> 0), or 0 when the run is over, in whatever way. */
static size_t receive(struct query_run *run, void *data, size_t size)
{
	while (!is_over(run)) {
		if (!wait_for_worker(run))
			continue;
		if (run->pipe < 0) {
			take_answer(run);
			continue;
		}
		ssize_t got = read(run->pipe, data, size);
		if (got <= 0) {
			close(run->pipe);
			run->pipe = -1;
			continue;
		}
		run->bytes += (uint64_t)got;
		if (run->most_bytes == 0 || run->bytes <= run->most_bytes)
			return (size_t)got;
		fail(run, AGNES_ERROR_TOO_LARGE,
		     "Query error: the result is larger than the %" G_GUINT64_FORMAT
		     " bytes allowed; add a LIMIT or select fewer columns",
		     run->most_bytes);
	}
	return 0;
}

static bool send_query(struct query_run *run, const struct query_pool_request *request,
		       GError **error)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		agnes_set_errno(error, errno, "cannot make the pipe of a query");
		return false;
	}
	run->pipe = ends[0];
	AUTO_FD theirs = ends[1];
	g_autoptr(json_t) message = json_pack(
		"{s{sI ss ss sI sI si}}", "query", "id", (json_int_t)run->number, "sql",
		request->sql, "format", request->format, "limit", (json_int_t)request->limit,
		"cut_bytes", (json_int_t)request->cut_bytes, "cpu_seconds",
		(int)request->cpu_seconds);
	if (!message) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "Query error: the statement is not valid UTF-8");
		run->answered = true;
		return false;
	}
	return query_child_send(run->ticket->child, message, theirs, error);
}

static bool start(struct query_run *run, const struct query_pool_request *request, GError **error)
{
	if (!send_query(run, request, error))
		return false;
	run->first = g_byte_array_sized_new(FIRST_PART);
	while (run->first->len < FIRST_PART) {
		guint8 part[FIRST_PART];
		size_t got = receive(run, part, FIRST_PART - run->first->len);
		if (got == 0)
			break;
		g_byte_array_append(run->first, part, (guint)got);
	}
	/* More will come. The system allows less when much of it is in use. */
	if (run->pipe >= 0)
		(void)fcntl(run->pipe, F_SETPIPE_SZ, PIPE_SIZE);
	if (!run->failure)
		return true;
	g_propagate_error(error, g_steal_pointer(&run->failure));
	return false;
}

static struct query_run *try_start(struct query_pool *pool, struct query_source *source,
				   const struct query_pool_request *request, GError **error)
{
	struct query_ticket *ticket = query_pool_enter(pool, source, request, error);
	if (!ticket)
		return NULL;
	g_autoptr(query_run) run = g_new0(struct query_run, 1);
	run->ticket = ticket;
	run->number = next_number();
	run->pipe = -1;
	run->most_bytes = request->most_bytes;
	run->milliseconds_allowed = request->milliseconds;
	run->left = (gint64)request->milliseconds * 1000;
	return start(run, request, error) ? g_steal_pointer(&run) : NULL;
}

struct query_run *query_pool_start(struct query_pool *pool, struct query_source *source,
				   const struct query_pool_request *request, GError **error)
{
	g_autoptr(GError) cause = NULL;
	struct query_run *run = try_start(pool, source, request, &cause);
	/* The worker had died while it was idle: the query was never begun. */
	if (g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_UNAVAILABLE)) {
		g_clear_error(&cause);
		run = try_start(pool, source, request, &cause);
	}
	if (!run)
		g_propagate_error(error, g_steal_pointer(&cause));
	return run;
}

gssize query_run_read(struct query_run *run, void *data, size_t size, GError **error)
{
	size_t held = run->first->len - run->first_read;
	if (held > 0) {
		size_t part = MIN(held, size);
		memcpy(data, run->first->data + run->first_read, part);
		run->first_read += part;
		return (gssize)part;
	}
	size_t got = receive(run, data, size);
	if (got > 0 || !run->failure)
		return (gssize)got;
	g_propagate_error(error, g_error_copy(run->failure));
	return -1;
}

bool query_run_is_complete(const struct query_run *run, size_t *left)
{
	*left = run->first->len - run->first_read;
	return run->summary && !run->failure;
}

const json_t *query_run_summary(const struct query_run *run)
{
	return run->summary;
}

void query_run_free(struct query_run *run)
{
	if (!run)
		return;
	bool reusable = run->answered;
	if (!reusable && !is_over(run)) {
		stop(run);
		reusable = run->answered;
	}
	if (run->pipe >= 0)
		close(run->pipe);
	query_pool_leave(run->ticket, reusable);
	json_decref(run->summary);
	g_clear_error(&run->failure);
	if (run->first)
		g_byte_array_unref(run->first);
	g_free(run);
}
