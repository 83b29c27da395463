/* Starting, sending, relaying, telling of it. */
#include "app/delivery.h"

#include "app/app.h"
#include "app/auditor.h"
#include "app/publisher.h"
#include "app/queries.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
	READ_SIZE = 256 * 1024,
	SQL_IN_LOG = 1000, /* bytes of a slow query */
	SQL_IN_AUDIT = 16 * 1024,
	SLOWEST_READER = 16 * 1024, /* bytes for a second of patience */
};
#define SECONDS_BUSY "2" /* for Retry-After */
#define TRUNCATED    "X-Agnes-Truncated"

static const struct delivery_format formats[] = {
	{"json", "application/json"},
	{"csv", "text/csv"},
	{"ndjson", "application/x-ndjson"},
	{"parquet", "application/vnd.apache.parquet"},
	{"arrow", "application/vnd.apache.arrow.stream"},
};

static const struct delivery_format *find_format(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
		if (strcmp(name, formats[i].name) == 0)
			return &formats[i];
	}
	return NULL;
}

const struct delivery_format *delivery_format_choose(const struct http_request *request,
						     const char *otherwise)
{
	const char *wanted = http_request_text(request, "format");
	const char *accept = http_request_header(request, "Accept");
	if (wanted)
		return find_format(wanted);
	for (size_t i = 0; accept && i < G_N_ELEMENTS(formats); i++) {
		if (strstr(accept, formats[i].type))
			return &formats[i];
	}
	return find_format(otherwise);
}

/* Held by the handler, and by the pump and the relay when there are these two. */
struct delivery {
	struct app *app;
	struct query_run *run;
	struct delivery_wish wish; /* strings of its own */
	char *user_id, *sql, *id, *action, *resource, *format;
	gint64 started;	       /* monotonic */
	uint64_t bytes;	       /* of the result */
	int pipe;	       /* where the pump writes; -1: it does not */
	gint done;	       /* atomic: how the pump ended */
	bool cut;	       /* by the wish's limit; known once that is done */
	gint64 patience;       /* microseconds that its reader may let it wait */
	atomic_bool abandoned; /* see query_pool_abandon() */
	gint references;
};

enum { PUMP_RUNS, PUMP_COMPLETE, PUMP_BROKEN };

static struct delivery *delivery_new(struct http_request *request, const struct delivery_wish *wish)
{
	struct delivery *delivery = g_new0(struct delivery, 1);
	delivery->app = app_of(request);
	delivery->wish = *wish;
	delivery->user_id = g_strdup(caller_of(request)->user->row->id);
	delivery->id = wish->id ? g_strdup(wish->id) : g_uuid_string_random();
	delivery->sql = g_strdup(wish->sql);
	delivery->action = g_strdup(wish->action);
	delivery->resource = g_strdup(wish->resource ? wish->resource : delivery->id);
	delivery->format = g_strdup(wish->format);
	delivery->started = g_get_monotonic_time();
	delivery->pipe = -1;
	delivery->references = 1;
	return delivery;
}

static void delivery_free(struct delivery *delivery)
{
	if (!g_atomic_int_dec_and_test(&delivery->references))
		return;
	query_run_free(delivery->run);
	g_free(delivery->user_id);
	g_free(delivery->sql);
	g_free(delivery->id);
	g_free(delivery->action);
	g_free(delivery->resource);
	g_free(delivery->format);
	g_free(delivery);
}
DEFINE_AUTOPTR(delivery)

/* --- what is told of it at its end --- */

static void tell(const struct delivery *delivery, const char *result, int64_t rows)
{
	int64_t milliseconds = (g_get_monotonic_time() - delivery->started) / 1000;
	const struct audit_note note = {.user_id = delivery->user_id,
					.action = delivery->action,
					.resource = delivery->resource,
					.result = result,
					.duration_ms = milliseconds};
	size_t length = strlen(delivery->sql);
	/* Cut, it may end within a character. */
	g_autofree char *sql = g_utf8_make_valid(delivery->sql, (gssize)MIN(length, SQL_IN_AUDIT));
	json_t *params = json_pack("{ss ss}", "format", delivery->format, "sql", sql);
	if (length > SQL_IN_AUDIT)
		json_object_set_new(params, "sql_bytes", json_integer((json_int_t)length));
	if (rows >= 0)
		json_object_set_new(params, "rows", json_integer(rows));
	auditor_record(delivery->app->auditor, &note, params);
	if (milliseconds >= queries_limits(delivery->app->queries)->slow_milliseconds)
		g_message("slow %s %s: %" G_GINT64_FORMAT " ms, %s: %.*s", delivery->action,
			  delivery->id, milliseconds, result, SQL_IN_LOG, delivery->sql);
	if (delivery->wish.ended)
		delivery->wish.ended(delivery->wish.data, delivery->bytes);
}

static void tell_end(const struct delivery *delivery, bool complete)
{
	const json_t *summary = complete ? query_run_summary(delivery->run) : NULL;
	tell(delivery, complete ? "ok" : "broken",
	     summary ? json_integer_value(json_object_get(summary, "rows")) : -1);
}

static bool was_cut(const struct delivery *delivery)
{
	return json_is_true(json_object_get(query_run_summary(delivery->run), "cut"));
}

/* Takes over the error, and the rejection if there is one. */
static struct http_response *refuse(const struct delivery *delivery, GError *error,
				    json_t *rejection)
{
	g_autoptr(GError) owned = error;
	struct http_response *response;
	tell(delivery, "refused", -1);
	if (rejection) {
		json_object_set_new(rejection, "error", json_string("validator_rejected"));
		return http_refuse_with(400, rejection);
	}
	switch (owned->code) {
	case AGNES_ERROR_DENIED:
		return http_refuse(403, "%s", owned->message);
	case AGNES_ERROR_NOT_FOUND:
		return http_refuse(404, "%s", owned->message);
	case AGNES_ERROR_CONFLICT:
		return http_refuse(409, "%s", owned->message);
	case AGNES_ERROR_TOO_LARGE:
		return http_refuse(413, "%s", owned->message);
	case AGNES_ERROR_BUSY:
		response = http_refuse(429, "%s", owned->message);
		http_response_header(response, "Retry-After", SECONDS_BUSY);
		return response;
	case AGNES_ERROR_INVALID:
	case AGNES_ERROR_TIMEOUT:
	case AGNES_ERROR_CANCELLED:
	case AGNES_ERROR_UNSUPPORTED:
		return http_refuse(400, "%s", owned->message);
	default:
		g_warning("%s %s: %s", delivery->action, delivery->id, owned->message);
		return http_refuse(500, "%s", owned->message);
	}
}

/* --- starting it --- */

/* A source that is of the present edition: one that was outdated between two looks is tried again.
 */
static struct query_source *find_source(const struct delivery *delivery, enum queries_reach reach,
					GError **error)
{
	struct app *app = delivery->app;
	g_autoptr(directory_view) directory = directory_store_get(app->directory);
	const struct directory_user *user = directory_user(directory, delivery->user_id);
	for (int attempt = 0; user; attempt++) {
		g_autoptr(GError) problem = NULL;
		g_autoptr(edition) edition = publisher_edition(app->publisher);
		struct query_source *source = queries_source(app->queries, directory, user, edition,
							     reach, &problem);
		if (source)
			return source;
		if (attempt > 2 || !g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_CONFLICT)) {
			g_propagate_error(error, g_steal_pointer(&problem));
			return NULL;
		}
	}
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_DENIED, "User not found");
	return NULL;
}

static void cancel_when_gone(void *data)
{
	struct delivery *delivery = data;
	query_pool_abandon(queries_pool(delivery->app->queries), &delivery->abandoned);
}

static struct query_run *start_within(const struct delivery *delivery, enum queries_reach reach,
				      const struct query_pool_request *wanted, GError **error)
{
	g_autoptr(query_source) source = find_source(delivery, reach, error);
	if (!source)
		return NULL;
	return query_pool_start(queries_pool(delivery->app->queries), source, wanted, error);
}

static bool start(struct http_request *request, struct delivery *delivery, json_t **rejection,
		  GError **error)
{
	const struct queries_limits *limits = queries_limits(delivery->app->queries);
	const struct delivery_wish *wish = &delivery->wish;
	g_autoptr(GError) cause = NULL;
	const struct query_pool_request wanted = {
		.id = delivery->id,
		.user = delivery->user_id,
		.abandoned = &delivery->abandoned,
		.sql = delivery->sql,
		.scan = wish->scan,
		.rejection = rejection,
		.format = delivery->format,
		.limit = wish->limit,
		.most_bytes = wish->most_bytes ? wish->most_bytes : limits->bytes,
		.cut_bytes = wish->cut_bytes,
		.milliseconds = limits->seconds * 1000,
		.cpu_seconds = limits->seconds * 2,
	};
	http_request_on_gone(request, cancel_when_gone, delivery);
	delivery->run = start_within(delivery, QUERIES_LOCAL, &wanted, &cause);
	if (g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED)) {
		g_clear_error(&cause);
		delivery->run = start_within(delivery, QUERIES_REMOTE, &wanted, &cause);
	}
	http_request_on_gone(request, NULL, NULL);
	if (!delivery->run)
		g_propagate_error(error, g_steal_pointer(&cause));
	return delivery->run != NULL;
}

/* --- a long result: a thread moves it from the worker to the connection --- */

static gint64 most_patience(const struct delivery *delivery)
{
	return queries_limits(delivery->app->queries)->reader_seconds * G_TIME_SPAN_SECOND;
}

/* False: it has kept waiting for as long as it may, and others want the worker. */
static bool await_reader(struct delivery *delivery)
{
	struct pollfd reader = {.fd = delivery->pipe, .events = POLLOUT};
	gint64 before = g_get_monotonic_time();
	int ready = poll(&reader, 1, (int)MIN(delivery->patience / 1000 + 1, G_MAXINT));
	delivery->patience -= g_get_monotonic_time() - before;
	if (delivery->patience > 0)
		return ready >= 0 || errno == EINTR;
	g_message("%s %s: its reader is too slow", delivery->action, delivery->id);
	return false;
}

/* What is taken earns patience back. */
static void count_taken(struct delivery *delivery, size_t taken)
{
	gint64 earned = (gint64)taken * G_TIME_SPAN_SECOND / SLOWEST_READER;
	delivery->bytes += taken;
	delivery->patience = MIN(delivery->patience + earned, most_patience(delivery));
}

static bool push(struct delivery *delivery, const char *part, size_t size)
{
	size_t all = 0;
	while (all < size) {
		ssize_t written = write(delivery->pipe, part + all, size - all);
		if (written > 0) {
			all += (size_t)written;
			count_taken(delivery, (size_t)written);
		} else if (errno == EAGAIN ? !await_reader(delivery) : errno != EINTR) {
			return false;
		}
	}
	return true;
}

static gpointer pump(gpointer data)
{
	struct delivery *delivery = data;
	g_autofree char *part = g_malloc(READ_SIZE);
	g_autoptr(GError) error = NULL;
	gssize got;
	do {
		got = query_run_read(delivery->run, part, READ_SIZE, &error);
	} while (got > 0 && push(delivery, part, (size_t)got));
	if (error)
		g_warning("%s %s broke off: %s", delivery->action, delivery->id, error->message);
	tell_end(delivery, got == 0);
	delivery->cut = got == 0 && was_cut(delivery);
	/* However long the reader takes for the rest, the worker is free. */
	query_run_free(g_steal_pointer(&delivery->run));
	g_atomic_int_set(&delivery->done, got == 0 ? PUMP_COMPLETE : PUMP_BROKEN);
	close(delivery->pipe);
	delivery_free(delivery);
	return NULL;
}

/* At the end of the pipe: whether everything went through it. */
static bool finish_relay(void *data, bool left)
{
	struct delivery *delivery = data;
	bool complete = g_atomic_int_get(&delivery->done) == PUMP_COMPLETE;
	delivery_free(delivery);
	return complete;
}

static const char *trailer(void *data)
{
	const struct delivery *delivery = data;
	bool complete = g_atomic_int_get(&delivery->done) == PUMP_COMPLETE;
	return complete && delivery->cut ? "true" : NULL;
}

/* The pipe's end to read from; -1: there is no pump. */
static int start_pump(struct delivery *delivery, GError **error)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		agnes_set_errno(error, errno, "cannot open a pipe");
		return -1;
	}
	delivery->pipe = ends[1];
	delivery->patience = most_patience(delivery);
	g_atomic_int_inc(&delivery->references);
	GThread *thread = g_thread_try_new("query-pump", pump, delivery, error);
	if (thread) {
		g_thread_unref(thread);
		return ends[0];
	}
	g_atomic_int_add(&delivery->references, -1);
	close(ends[0]);
	close(ends[1]);
	return -1;
}

static struct http_response *relay(struct http_request *request, struct delivery *delivery,
				   const char *type)
{
	GError *error = NULL;
	int pipe = start_pump(delivery, &error);
	if (pipe < 0) {
		tell(delivery, "broken", -1);
		return http_refuse_error(request, error);
	}
	g_atomic_int_inc(&delivery->references);
	struct http_response *response = http_relay(200, type, pipe, finish_relay, delivery);
	if (delivery->wish.cut_bytes > 0)
		http_response_trailer(response, TRUNCATED, trailer);
	return response;
}

/* --- a short one --- */

static GBytes *read_whole(struct delivery *delivery, size_t size, GError **error)
{
	g_autofree char *bytes = g_malloc(size + 1);
	gssize got = 1;
	while (got > 0 && delivery->bytes < size) {
		got = query_run_read(delivery->run, bytes + delivery->bytes, size - delivery->bytes,
				     error);
		delivery->bytes += got > 0 ? (uint64_t)got : 0;
	}
	tell_end(delivery, got >= 0);
	return got < 0 ? NULL : g_bytes_new_take(g_steal_pointer(&bytes), delivery->bytes);
}

/* It is here already: in one piece, with its length. */
static struct http_response *send_whole(struct http_request *request, struct delivery *delivery,
					const char *type, size_t size)
{
	GError *error = NULL;
	g_autoptr(GBytes) bytes = read_whole(delivery, size, &error);
	if (!bytes)
		return http_refuse_error(request, error);
	struct http_response *response = http_bytes(200, type, bytes);
	if (was_cut(delivery))
		http_response_header(response, TRUNCATED, "true");
	return response;
}

struct http_response *delivery_send(struct http_request *request, const struct delivery_wish *wish,
				    const char *type)
{
	GError *error = NULL;
	json_t *rejection = NULL;
	size_t size;
	g_autoptr(delivery) delivery = delivery_new(request, wish);
	struct http_response *response;
	if (!start(request, delivery, &rejection, &error))
		response = refuse(delivery, error, rejection);
	else if (query_run_is_complete(delivery->run, &size))
		response = send_whole(request, delivery, type, size);
	else
		response = relay(request, delivery, type);
	http_response_header(response, "X-Query-Id", delivery->id);
	return response;
}

/* All that there is, however much comes late; the limit is that of the wish. */
static GBytes *read_all(struct delivery *delivery, GError **error)
{
	g_autoptr(GByteArray) all = g_byte_array_new();
	g_autofree guint8 *part = g_malloc(READ_SIZE);
	gssize got;
	while ((got = query_run_read(delivery->run, part, READ_SIZE, error)) > 0)
		g_byte_array_append(all, part, (guint)got);
	delivery->bytes = all->len;
	return got < 0 ? NULL : g_byte_array_free_to_bytes(g_steal_pointer(&all));
}

GBytes *delivery_collect(struct http_request *request, const struct delivery_wish *wish,
			 struct http_response **refusal)
{
	GError *error = NULL;
	json_t *rejection = NULL;
	g_autoptr(delivery) delivery = delivery_new(request, wish);
	GBytes *bytes = start(request, delivery, &rejection, &error) ? read_all(delivery, &error)
								     : NULL;
	if (bytes)
		tell_end(delivery, true);
	else
		*refusal = refuse(delivery, error, rejection);
	return bytes;
}
