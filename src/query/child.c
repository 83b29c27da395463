/* Starting, talking to and ending one worker. */
#include "query/child.h"

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "query/wire.h"
#include "query/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	START_MILLISECONDS = 30000, /* a machine under load */
	WIRE_MILLISECONDS = 5000,   /* for a message that is on its way */
	END_MILLISECONDS = 1000,
	LONGEST_STATM = 256,
	PIPE_SIZE = 1024 * 1024,
};

struct query_child {
	struct query_source *source; /* NULL until it has its tables */
	struct process *process;
	int socket, pipe, cancel;
	char *folder;
	uint64_t kept;		/* bytes of address space that it may keep */
	uint64_t size_at_start; /* of the same */
};

/* Ours are the end to read from and, of the cancels, the one to write to. */
static bool make_pipes(struct query_child *child, int *theirs, GError **error)
{
	int results[2], cancels[2];
	if (pipe2(results, O_CLOEXEC) < 0) {
		agnes_set_errno(error, errno, "cannot make a worker's pipe");
		return false;
	}
	child->pipe = results[0];
	theirs[0] = results[1];
	if (fcntl(child->pipe, F_SETFL, O_NONBLOCK) < 0 || pipe2(cancels, O_CLOEXEC) < 0) {
		agnes_set_errno(error, errno, "cannot make a worker's pipe");
		return false;
	}
	theirs[1] = cancels[0];
	child->cancel = cancels[1];
	/* The system allows less when much of it is in use. */
	(void)fcntl(child->pipe, F_SETPIPE_SZ, PIPE_SIZE);
	/* A worker that does not listen any more shall not hold up who cancels. */
	(void)fcntl(child->cancel, F_SETFL, O_NONBLOCK);
	return true;
}

static bool spawn(struct query_child *child, const struct query_child_options *options,
		  GError **error)
{
	int ends[2], pipes[2] = {-1, -1};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		agnes_set_errno(error, errno, "cannot make a worker's socket");
		return false;
	}
	child->socket = ends[0];
	AUTO_FD theirs = ends[1];
	bool piped = make_pipes(child, pipes, error);
	AUTO_FD results = pipes[0];
	AUTO_FD cancels = pipes[1];
	const int descriptors[] = {
		PROCESS_NO_DESCRIPTOR,
		PROCESS_NO_DESCRIPTOR,
		STDERR_FILENO,
		[QUERY_WORKER_SOCKET] = theirs,
		[QUERY_RESULT_DESCRIPTOR] = results,
		[QUERY_CANCEL_DESCRIPTOR] = cancels,
	};
	const struct process_options process = {
		.program = options->program,
		.argv = options->argv,
		.descriptors = descriptors,
		.descriptor_count = G_N_ELEMENTS(descriptors),
	};
	child->process = piped ? process_start(&process, error) : NULL;
	return child->process != NULL;
}

static bool prepare(struct query_child *child, const struct query_child_options *options,
		    GError **error)
{
	g_autoptr(json_t) message = json_pack(
		"{s{ss si si si si si}}", "prepare", "temporary", child->folder, "memory_mb",
		options->memory_mb, "temporary_mb", options->temporary_mb, "address_space_mb",
		options->address_space_mb, "threads", options->threads, "landlock",
		options->landlock);
	return wire_send(child->socket, message, NULL, 0, START_MILLISECONDS, error);
}

static bool make_folder(struct query_child *child, const char *parent, GError **error)
{
	child->folder = g_build_filename(parent, "worker-XXXXXX", NULL);
	if (g_mkdtemp(child->folder))
		return true;
	agnes_set_errno(error, errno, "cannot make a folder for a worker in %s", parent);
	g_clear_pointer(&child->folder, g_free);
	return false;
}

/* The size of its address space in bytes, 0 when it is gone. */
static uint64_t measure(const struct query_child *child)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/statm", (int)process_id(child->process));
	g_autofree char *text = files_read(path, LONGEST_STATM, NULL, NULL);
	return text ? g_ascii_strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

struct query_child *query_child_start(const struct query_child_options *options, GError **error)
{
	g_autoptr(query_child) child = g_new0(struct query_child, 1);
	child->socket = child->pipe = child->cancel = -1;
	child->kept = (uint64_t)options->kept_mb << 20;
	if (make_folder(child, options->temporary, error) && spawn(child, options, error) &&
	    prepare(child, options, error))
		return g_steal_pointer(&child);
	g_prefix_error(error, "cannot start a query worker: ");
	return NULL;
}

/* Why a worker that is gone went, in words for the caller of the query that ran in it. */
static void explain_end(struct query_child *child, GError **error)
{
	int status;
	g_autoptr(GError) how = NULL;
	process_kill(child->process);
	if (!process_wait(child->process, END_MILLISECONDS, &status, &how)) {
		g_propagate_error(error, g_steal_pointer(&how));
		return;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_TIMEOUT,
				    "Query error: the limit on CPU time was reached");
		return;
	}
	if (process_check_status(status, &how))
		g_set_error_literal(&how, AGNES_ERROR, AGNES_ERROR_FAILED, "ended");
	g_set_error(
		error, AGNES_ERROR, AGNES_ERROR_FAILED,
		"Query error: the process that ran the query %s; it may have needed more memory "
		"than a query is allowed",
		how->message);
}

/* The rest is said in words for the caller of the query. */
static json_t *receive(struct query_child *child, int milliseconds, GBytes **bytes, GError **error)
{
	g_autoptr(GError) cause = NULL;
	json_t *message = wire_receive(child->socket, WIRE_TO_SERVER, milliseconds, bytes, &cause);
	if (message)
		return message;
	if (g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_FAILED))
		explain_end(child, error);
	else if (g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_UNAVAILABLE))
		g_propagate_error(error, g_steal_pointer(&cause));
	else
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED,
			    "Query error: the process that ran the query gave no proper answer: %s",
			    cause->message);
	return NULL;
}

static bool await_ready(struct query_child *child, GError **error)
{
	g_autoptr(json_t) answer = receive(child, START_MILLISECONDS, NULL, error);
	const json_t *failure = json_object_get(answer, "error");
	if (failure)
		wire_unpack_error(failure, error);
	return answer && !failure;
}

static bool set_up(struct query_child *child, GError **error)
{
	const struct query_source *source = child->source;
	g_autoptr(json_t) setup = json_pack("{s{ss sO sb sO?}}", "setup", "folder", source->folder,
					    "tables", source->tables, "network",
					    source->remote != NULL, "remote", source->remote);
	return await_ready(child, error) &&
	       wire_send(child->socket, setup, NULL, 0, START_MILLISECONDS, error) &&
	       await_ready(child, error);
}

bool query_child_open(struct query_child *child, struct query_source *source, GError **error)
{
	g_autoptr(GError) cause = NULL;
	child->source = query_source_ref(source);
	if (set_up(child, &cause)) {
		child->size_at_start = measure(child);
		return true;
	}
	g_prefix_error(&cause, "cannot start a query worker: ");
	/* It has run nothing yet: another may do better. */
	if (!query_child_is_alive(child))
		cause->code = AGNES_ERROR_UNAVAILABLE;
	g_propagate_error(error, g_steal_pointer(&cause));
	return false;
}

static void close_end(int fd)
{
	if (fd >= 0)
		close(fd);
}

void query_child_free(struct query_child *child)
{
	g_autoptr(GError) error = NULL;
	if (!child)
		return;
	process_free(child->process);
	close_end(child->socket);
	close_end(child->pipe);
	close_end(child->cancel);
	if (child->folder && !files_remove_tree(child->folder, &error))
		g_warning("%s", error->message);
	g_free(child->folder);
	query_source_free(child->source);
	g_free(child);
}

pid_t query_child_pid(const struct query_child *child)
{
	return process_id(child->process);
}

int query_child_socket(const struct query_child *child)
{
	return child->socket;
}

int query_child_pipe(const struct query_child *child)
{
	return child->pipe;
}

bool query_child_is_alive(const struct query_child *child)
{
	struct pollfd end = {.fd = process_end_descriptor(child->process), .events = POLLIN};
	return poll(&end, 1, 0) == 0;
}

bool query_child_send(struct query_child *child, const json_t *message, GError **error)
{
	g_autoptr(GError) cause = NULL;
	if (wire_send(child->socket, message, NULL, 0, WIRE_MILLISECONDS, &cause))
		return true;
	/* One that does not listen is as good as dead. */
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_UNAVAILABLE, cause->message);
	return false;
}

void query_child_cancel(struct query_child *child, int64_t id)
{
	/* One that is gone has nothing to stop, and one that does not listen is killed soon. */
	if (write(child->cancel, &id, sizeof id) < 0 && errno != EPIPE)
		g_debug("cannot cancel a query: %s", g_strerror(errno));
}

json_t *query_child_receive(struct query_child *child, GBytes **bytes, GError **error)
{
	return receive(child, WIRE_MILLISECONDS, bytes, error);
}

void query_child_kill(struct query_child *child)
{
	process_kill(child->process);
}

bool query_child_is_bloated(const struct query_child *child)
{
	return measure(child) > child->size_at_start + child->kept;
}
