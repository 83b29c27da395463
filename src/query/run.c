/* A query that runs: the bytes of its result, its limits, its end. */
#include "query/pool.h"

#include "base/error.h"
#include "base/json.h"
#include "query/guard.h"
#include "query/pool_private.h"
#include "query/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
	FIRST_PART = 64 * 1024,	 /* what is waited for before the result counts as begun */
	MOST_LEFT = 1024 * 1024, /* what the pipe of a worker that has stopped can hold */
	CANCEL_MILLISECONDS = 250,
};

struct query_run {
	struct query_ticket *ticket;
	int64_t number; /* names the query to the worker */
	GByteArray *first;
	size_t first_read; /* how much of it was handed on */
	GBytes *last;	   /* what came with the answer */
	size_t last_read;
	uint64_t bytes; /* that came in all */
	uint64_t most_bytes;
	unsigned milliseconds_allowed;
	gint64 left;	   /* microseconds that the worker may still take */
	gint64 since;	   /* up to when its time was counted, monotonic */
	bool closed;	   /* it has closed its end of the pipe */
	json_t *summary;   /* once it is done */
	json_t *rejection; /* once a scan's predicate was refused */
	GError *failure;   /* once it has failed */
	bool answered;	   /* the worker waits for the next query */
};

static int64_t next_number(void)
{
	static gint last;
	return g_atomic_int_add(&last, 1) + 1;
}

static bool is_over(const struct query_run *run)
{
	return run->summary || run->failure;
}

/* Bytes from the pipe, 0 when there are none now. */
static size_t read_pipe(const struct query_run *run, void *data, size_t size)
{
	ssize_t got;
	do {
		got = read(query_child_pipe(run->ticket->child), data, size);
	} while (got < 0 && errno == EINTR);
	return got > 0 ? (size_t)got : 0;
}

/*
 * What nobody wants of this query must not be there when the next one starts. False: there is more
 * than a worker can have left that writes no more.
 */
static bool drain_pipe(const struct query_run *run)
{
	guint8 dropped[FIRST_PART];
	size_t all = 0, got;
	do {
		got = read_pipe(run, dropped, sizeof dropped);
		all += got;
	} while (got > 0 && all <= MOST_LEFT);
	return got == 0;
}

/* The worker's answer, which is there or on its way. */
static void take_answer(struct query_run *run)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(json_t) answer = query_child_receive(run->ticket->child, &bytes, &error);
	const json_t *failure = json_object_get(answer, "error");
	const json_t *done = json_object_get(answer, "done");
	run->answered = answer != NULL;
	if (failure)
		wire_unpack_error(failure, &error);
	else if (answer && !done)
		g_set_error_literal(&error, AGNES_ERROR, AGNES_ERROR_FAILED,
				    "Query error: the worker's answer makes no sense");
	/* A database that is broken goes with its worker. */
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_FATAL))
		run->answered = false;
	if (is_over(run))
		return;
	run->rejection = json_incref(json_object_get(failure, "rejection"));
	if (error) {
		run->failure = g_steal_pointer(&error);
		return;
	}
	run->summary = json_incref((json_t *)done);
	run->last = g_steal_pointer(&bytes);
}

/*
 * After a limit or a cancellation: lets the worker stop by itself for a moment, so that it can be
 * used again, and kills it otherwise. What it answers does not matter any more.
 */
static void stop(struct query_run *run)
{
	struct query_child *child = run->ticket->child;
	struct pollfd fds[] = {
		{.fd = query_child_socket(child), .events = POLLIN},
		{.fd = query_child_pipe(child), .events = POLLIN},
	};
	query_child_cancel(child, run->number);
	gint64 deadline = g_get_monotonic_time() + (gint64)CANCEL_MILLISECONDS * 1000;
	while (!run->answered && query_child_is_alive(child)) {
		gint64 left = (deadline - g_get_monotonic_time()) / 1000;
		if (left <= 0 || poll(fds, G_N_ELEMENTS(fds), (int)left) <= 0)
			break;
		/* It may hang in a pipe that is full. */
		drain_pipe(run);
		if (fds[0].revents)
			take_answer(run);
	}
	if (!run->answered)
		query_child_kill(child);
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

enum { WOKEN_BY_PIPE = 1, WOKEN_BY_ANSWER = 2 };

/* The worker's time goes on as long as this side does not wait for its own reader. */
static void count_time(struct query_run *run)
{
	gint64 now = g_get_monotonic_time();
	run->left -= now - run->since;
	run->since = now;
}

/* What the worker has sent, as bits; 0: nothing yet, or the run has failed. */
static int wait_for_worker(struct query_run *run)
{
	struct pollfd fds[] = {
		{.fd = run->closed ? -1 : query_child_pipe(run->ticket->child), .events = POLLIN},
		{.fd = query_child_socket(run->ticket->child), .events = POLLIN},
		{.fd = run->ticket->wake, .events = POLLIN},
	};
	/* Rounded up, so that nothing is polled in the last millisecond. */
	int ready = poll(fds, G_N_ELEMENTS(fds), (int)(MAX(run->left, 0) / 1000) + 1);
	count_time(run);
	if (ready < 0 && errno != EINTR)
		fail(run, AGNES_ERROR_FAILED, "Query error: cannot wait for the worker: %s",
		     g_strerror(errno));
	else if (ready > 0 && fds[2].revents)
		fail(run, AGNES_ERROR_CANCELLED, "Query error: the query was cancelled");
	else if (run->left <= 0)
		fail(run, AGNES_ERROR_TIMEOUT,
		     "Query error: the query took longer than the %g seconds allowed",
		     run->milliseconds_allowed / 1000.0);
	if (ready <= 0 || run->failure)
		return 0;
	/* A dead worker hangs up on both: only the socket says how it went. */
	bool by_pipe = (fds[0].revents & POLLIN) != 0, by_answer = fds[1].revents != 0;
	run->closed = run->closed || fds[0].revents == POLLHUP;
	return (by_pipe ? WOKEN_BY_PIPE : 0) | (by_answer ? WOKEN_BY_ANSWER : 0);
}

/* Bytes that came with the answer, which follow those of the pipe. */
static size_t read_last(struct query_run *run, void *data, size_t size)
{
	gsize all = 0;
	const guint8 *bytes = run->last ? g_bytes_get_data(run->last, &all) : NULL;
	size_t part = MIN(size, all - run->last_read);
	if (bytes && part > 0)
		memcpy(data, bytes + run->last_read, part);
	run->last_read += part;
	return part;
}

static size_t count(struct query_run *run, size_t got)
{
	run->bytes += got;
	if (got == 0 || run->most_bytes == 0 || run->bytes <= run->most_bytes)
		return got;
	g_clear_pointer(&run->summary, json_decref);
	fail(run, AGNES_ERROR_TOO_LARGE,
	     "Query error: the result is larger than the %" G_GUINT64_FORMAT
	     " bytes allowed; add a LIMIT or select fewer columns",
	     run->most_bytes);
	return 0;
}

/* Reads what comes next: bytes (> 0), or 0 when the run is over, in whatever way. */
static size_t receive(struct query_run *run, void *data, size_t size)
{
	size_t got = 0;
	run->since = g_get_monotonic_time();
	while (!is_over(run)) {
		int woken = wait_for_worker(run);
		if (woken & WOKEN_BY_PIPE)
			got = read_pipe(run, data, size);
		if (got > 0)
			return count(run, got);
		if (woken & WOKEN_BY_ANSWER)
			take_answer(run);
	}
	if (run->failure)
		return 0;
	/* All was in the pipe before the answer came. */
	got = read_pipe(run, data, size);
	return count(run, got > 0 ? got : read_last(run, data, size));
}

static bool send_query(struct query_run *run, const struct query_pool_request *request,
		       GError **error)
{
	g_autoptr(json_t) message = json_pack(
		"{s{sI ss sI sI si}}", "query", "id", (json_int_t)run->number, "format",
		request->format, "limit", (json_int_t)request->limit, "cut_bytes",
		(json_int_t)request->cut_bytes, "cpu_seconds", (int)request->cpu_seconds);
	json_t *query = json_object_get(message, "query");
	json_t *statement = request->scan ? json_incref((json_t *)request->scan)
					  : json_string(request->sql);
	if (json_object_set_new(query, request->scan ? "scan" : "sql", statement) != 0) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "Query error: the statement is not valid UTF-8");
		run->answered = true;
		return false;
	}
	return query_child_send(run->ticket->child, message, error);
}

static bool start(struct query_run *run, const struct query_pool_request *request, GError **error)
{
	guint8 part[FIRST_PART];
	if (!send_query(run, request, error))
		return false;
	run->first = g_byte_array_new();
	while (run->first->len < FIRST_PART) {
		size_t got = receive(run, part, FIRST_PART - run->first->len);
		if (got == 0)
			break;
		g_byte_array_append(run->first, part, (guint)got);
	}
	if (!run->failure)
		return true;
	if (request->rejection)
		*request->rejection = g_steal_pointer(&run->rejection);
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
	run->most_bytes = request->most_bytes;
	run->milliseconds_allowed = request->milliseconds;
	run->left = (gint64)request->milliseconds * 1000;
	return start(run, request, error) ? g_steal_pointer(&run) : NULL;
}

struct query_run *query_pool_start(struct query_pool *pool, struct query_source *source,
				   const struct query_pool_request *request, GError **error)
{
	g_autoptr(GError) cause = NULL;
	/* No worker would take it: it need not wait for one. */
	if (!query_guard_check_length(request->sql, error))
		return NULL;
	struct query_run *run = try_start(pool, source, request, &cause);
	/* The worker died before it had taken the query up. */
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
	size_t last = run->last ? g_bytes_get_size(run->last) - run->last_read : 0;
	*left = run->first->len - run->first_read + last;
	return run->summary && run->first->len < FIRST_PART;
}

const json_t *query_run_summary(const struct query_run *run)
{
	return run->summary;
}

void query_run_free(struct query_run *run)
{
	if (!run)
		return;
	if (!run->answered && !is_over(run))
		stop(run);
	query_pool_leave(run->ticket, run->answered && drain_pipe(run));
	json_decref(run->summary);
	json_decref(run->rejection);
	g_clear_error(&run->failure);
	g_clear_pointer(&run->last, g_bytes_unref);
	if (run->first)
		g_byte_array_unref(run->first);
	g_free(run);
}
