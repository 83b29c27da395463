/*
 * The pool of query workers without a server around it: reads a JSON object a line, runs each in a
 * thread of its own, and answers with a line that carries the same "tag".
 *
 *	{"pool": {…}}	first: the options of the pool; "program" and "argv" are the worker's
 *	{"tag", "run": {"source", "id", "user", "sql", "format", …, "to": FILE, "hold": MS}}
 *	{"tag", "bench": {the same, "clients", "seconds"}}
 *	{"end": true}	ends the pool while queries run
 *	{"tag", "cancel": {"id", "user"}}   {"tag", "report": true}   {"tag", "retire": {"key",
 *"edition"}}
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/sandbox.h"
#include "query/execute.h"
#include "query/pool.h"
#include "query/wire.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 256 * 1024 };

static struct query_pool *pool;
static GMutex printing;
static GMutex sources_lock;
static GHashTable *sources; /* by name */
static GHashTable *dropped; /* names */
static GMutex running_lock;
static GCond ended;
static unsigned running; /* commands */

struct command {
	json_t *json;
};

/* The benchmark's clients count together. */
struct bench {
	struct query_source *source;
	const struct query_pool_request *request;
	gint64 end;
	gint sequence, queries, failures;
};

static void print_answer(const struct command *command, json_t *answer)
{
	json_object_set(answer, "tag", json_object_get(command->json, "tag"));
	g_autofree char *text = json_to_text(answer);
	json_decref(answer);
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&printing);
	puts(text);
	fflush(stdout);
}

static json_t *failed(GError *error)
{
	json_t *answer = json_pack("{so}", "error", wire_pack_error(error));
	if (error->code == AGNES_ERROR_BUSY || error->code == AGNES_ERROR_TIMEOUT ||
	    error->code == AGNES_ERROR_CONFLICT)
		json_object_set_new(json_object_get(answer, "error"), "code",
				    json_string(error->code == AGNES_ERROR_BUSY	     ? "busy"
						: error->code == AGNES_ERROR_TIMEOUT ? "timeout"
										     : "conflict"));
	g_error_free(error);
	return answer;
}

static void remove_folder(void *held)
{
	g_autofree char *folder = held;
	g_autoptr(GError) error = NULL;
	if (!files_remove_tree(folder, &error))
		g_error("%s", error->message);
}

/* Its key and edition in one. */
static char *source_name(const json_t *json)
{
	return g_strjoin(" ", json_string_value(json_object_get(json, "key")),
			 json_string_value(json_object_get(json, "edition")), NULL);
}

/* One source for all queries that name it, until it is dropped: as a server has it. Then NULL. */
static struct query_source *find_source(const json_t *json)
{
	g_autofree char *name = source_name(json);
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&sources_lock);
	struct query_source *known = g_hash_table_lookup(sources, name);
	if (known || g_hash_table_contains(dropped, name))
		return known ? query_source_ref(known) : NULL;
	struct query_source *source = query_source_new();
	source->key = g_strdup(json_string_value(json_object_get(json, "key")));
	source->edition = g_strdup(json_string_value(json_object_get(json, "edition")));
	source->folder = g_strdup(json_string_value(json_object_get(json, "folder")));
	source->tables = json_incref(json_object_get(json, "tables"));
	source->remote = json_incref(json_object_get(json, "remote"));
	if (json_is_true(json_object_get(json, "remove"))) {
		source->release = remove_folder;
		source->held = g_strdup(source->folder);
	}
	g_hash_table_insert(sources, g_steal_pointer(&name), query_source_ref(source));
	return source;
}

static json_t *drop(const json_t *json)
{
	/* Also one that no query has named yet. */
	g_autoptr(query_source) source = find_source(json);
	g_autofree char *name = source_name(json);
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&sources_lock);
	g_hash_table_remove(sources, name);
	g_hash_table_add(dropped, g_steal_pointer(&name));
	return json_object();
}

static void free_source(void *source)
{
	query_source_free(source);
}

static struct query_pool_request read_request(const json_t *run)
{
	struct query_pool_request request = {.user = "somebody", .format = "json"};
	json_int_t limit = 1000, most_bytes = 0, cut_bytes = 0;
	int milliseconds = 60000, cpu_seconds = 120;
	json_unpack((json_t *)run, "{s?s s?s ss s?s s?I s?I s?I s?i s?i}", "id", &request.id,
		    "user", &request.user, "sql", &request.sql, "format", &request.format, "limit",
		    &limit, "most_bytes", &most_bytes, "cut_bytes", &cut_bytes, "milliseconds",
		    &milliseconds, "cpu_seconds", &cpu_seconds);
	request.limit = json_is_true(json_object_get(run, "unlimited")) ? QUERY_NO_LIMIT : limit;
	request.most_bytes = (uint64_t)most_bytes;
	request.cut_bytes = (uint64_t)cut_bytes;
	request.milliseconds = (unsigned)milliseconds;
	request.cpu_seconds = (unsigned)cpu_seconds;
	return request;
}

/* To the file, or into the answer as text; nowhere when neither is asked for. */
static json_t *relay(struct query_run *run, const char *to, gint64 *bytes, GString *text)
{
	AUTO_FD file = to ? open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	g_autofree char *part = g_malloc(READ_SIZE);
	GError *error = NULL;
	gssize got;
	while ((got = query_run_read(run, part, READ_SIZE, &error)) > 0) {
		*bytes += got;
		if (text)
			g_string_append_len(text, part, got);
		if (file >= 0 && write(file, part, (size_t)got) != got)
			g_error("cannot write %s", to);
	}
	return got < 0 ? failed(error) : NULL;
}

static json_t *run_query(const json_t *run)
{
	GError *error = NULL;
	g_autoptr(query_source) source = find_source(json_object_get(run, "source"));
	struct query_pool_request request = read_request(run);
	if (!source)
		return json_pack("{s{ss ss}}", "error", "code", "dropped", "message", "dropped");
	g_autofree char *id = request.id ? NULL : g_uuid_string_random();
	if (id)
		request.id = id;
	g_autoptr(query_run) query = query_pool_start(pool, source, &request, &error);
	if (!query)
		return failed(error);
	json_int_t hold = json_integer_value(json_object_get(run, "hold"));
	if (hold > 0)
		g_usleep((gulong)hold * 1000);
	if (json_is_true(json_object_get(run, "abandon")))
		return json_pack("{sb}", "abandoned", true);
	const char *to = json_string_value(json_object_get(run, "to"));
	bool silent = json_is_true(json_object_get(run, "silent"));
	GString *text = to || silent ? NULL : g_string_new(NULL);
	gint64 bytes = 0;
	json_t *answer = relay(query, to, &bytes, text);
	if (answer)
		json_object_set_new(answer, "begun", json_true());
	else
		answer = json_pack("{sO}", "summary", query_run_summary(query));
	json_object_set_new(answer, "bytes", json_integer(bytes));
	if (text) {
		json_object_set_new(answer, "text", json_stringn(text->str, text->len));
		g_string_free(text, TRUE);
	}
	return answer;
}

static void *bench_client(void *data)
{
	struct bench *bench = data;
	while (g_get_monotonic_time() < bench->end) {
		GString *text = g_string_new(NULL);
		gint64 bytes = 0;
		struct query_pool_request request = *bench->request;
		g_autofree char *id = g_strdup_printf("b%d", g_atomic_int_add(&bench->sequence, 1));
		request.id = id;
		g_autoptr(query_run) run = query_pool_start(pool, bench->source, &request, NULL);
		json_t *failure = run ? relay(run, NULL, &bytes, text) : json_null();
		g_atomic_int_inc(failure ? &bench->failures : &bench->queries);
		json_decref(failure);
		g_string_free(text, TRUE);
	}
	return NULL;
}

static json_t *run_bench(const json_t *run)
{
	enum { MOST_CLIENTS = 256 };
	GThread *threads[MOST_CLIENTS];
	int clients = (int)json_integer_value(json_object_get(run, "clients"));
	double seconds = json_number_value(json_object_get(run, "seconds"));
	g_autoptr(query_source) source = find_source(json_object_get(run, "source"));
	struct query_pool_request request = read_request(run);
	gint64 start = g_get_monotonic_time();
	struct bench bench = {.source = source,
			      .request = &request,
			      .end = start + (gint64)(seconds * G_USEC_PER_SEC)};
	clients = CLAMP(clients, 1, MOST_CLIENTS);
	for (int i = 0; i < clients; i++)
		threads[i] = g_thread_new("client", bench_client, &bench);
	for (int i = 0; i < clients; i++)
		g_thread_join(threads[i]);
	double took = (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
	return json_pack("{si si sf}", "queries", bench.queries, "failures", bench.failures,
			 "seconds", took);
}

static json_t *cancel(const json_t *which)
{
	GError *error = NULL;
	const char *id = "", *user = NULL;
	json_unpack((json_t *)which, "{ss s?s}", "id", &id, "user", &user);
	return query_pool_cancel(pool, id, user, &error) ? json_pack("{sb}", "cancelled", true)
							 : failed(error);
}

static json_t *retire(const json_t *which)
{
	const char *key = "", *edition = "";
	json_unpack((json_t *)which, "{ss ss}", "key", &key, "edition", &edition);
	query_pool_retire(pool, key, edition);
	return json_object();
}

static void *run_command(void *data)
{
	struct command *command = data;
	const json_t *what;
	json_t *answer = NULL;
	if ((what = json_object_get(command->json, "run")))
		answer = run_query(what);
	else if ((what = json_object_get(command->json, "bench")))
		answer = run_bench(what);
	else if ((what = json_object_get(command->json, "cancel")))
		answer = cancel(what);
	else if ((what = json_object_get(command->json, "retire")))
		answer = retire(what);
	else if ((what = json_object_get(command->json, "drop")))
		answer = drop(what);
	else
		answer = query_pool_report(pool);
	print_answer(command, answer);
	json_decref(command->json);
	g_free(command);
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&running_lock);
	running--;
	g_cond_signal(&ended);
	return NULL;
}

/* Nobody joins it: a storm of a minute has more commands than a process can have stacks. */
static void start_command(struct command *command)
{
	g_mutex_lock(&running_lock);
	running++;
	g_mutex_unlock(&running_lock);
	g_thread_unref(g_thread_new("command", run_command, command));
}

static void await_commands(void)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&running_lock);
	while (running > 0)
		g_cond_wait(&ended, &running_lock);
}

static json_t *read_line(void)
{
	g_autoptr(GError) error = NULL;
	char *line = NULL;
	size_t room = 0;
	ssize_t size = getline(&line, &room, stdin);
	json_t *json = size > 0 ? json_parse(line, (size_t)size, "command", &error) : NULL;
	free(line);
	if (error)
		g_error("%s", error->message);
	return json;
}

static void read_options(const json_t *json, struct query_pool_options *options, GStrv *argv)
{
	json_error_t problem;
	json_t *arguments = NULL;
	int workers = 4, a_source = 4, a_user = 100, queued = 100, queued_a_user = 100, wait = 60;
	struct query_child_options *child = &options->child;
	child->memory_mb = 512;
	child->temporary_mb = 1024;
	child->address_space_mb = 2048;
	child->kept_mb = 1024;
	child->threads = 2;
	child->landlock = SANDBOX_ANY_LANDLOCK;
	if (json_unpack_ex((json_t *)json, &problem, 0,
			   "{s{ss so ss s?i s?i s?i s?i s?i s?i s?i s?i s?i s?i s?i s?i}}", "pool",
			   "program", &child->program, "argv", &arguments, "temporary",
			   &child->temporary, "memory_mb", &child->memory_mb, "temporary_mb",
			   &child->temporary_mb, "address_space_mb", &child->address_space_mb,
			   "kept_mb", &child->kept_mb, "threads", &child->threads, "landlock",
			   &child->landlock, "workers", &workers, "workers_a_source", &a_source,
			   "running_a_user", &a_user, "queued", &queued, "queued_a_user",
			   &queued_a_user, "queue_seconds", &wait) != 0)
		g_error("options of the pool: %s", problem.text);
	options->workers = (unsigned)workers;
	options->workers_a_source = (unsigned)a_source;
	options->running_a_user = (unsigned)a_user;
	options->queued = (unsigned)queued;
	options->queued_a_user = (unsigned)queued_a_user;
	options->queue_seconds = (unsigned)wait;
	g_autoptr(GStrvBuilder) words = g_strv_builder_new();
	size_t i;
	json_t *word;
	json_array_foreach(arguments, i, word) g_strv_builder_add(words, json_string_value(word));
	*argv = g_strv_builder_end(words);
	child->argv = (const char *const *)*argv;
}

int main(void)
{
	struct query_pool_options options = {0};
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) argv = NULL;
	g_autoptr(json_t) first = read_line();
	signal(SIGPIPE, SIG_IGN);
	sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_source);
	dropped = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	read_options(first, &options, &argv);
	pool = query_pool_new(&options, &error);
	if (!pool)
		g_error("%s", error->message);
	for (json_t *json = read_line(); json; json = read_line()) {
		if (json_object_get(json, "end")) {
			json_decref(json);
			break;
		}
		struct command *command = g_new0(struct command, 1);
		command->json = json;
		start_command(command);
	}
	if (feof(stdin))
		await_commands();
	query_pool_free(pool);
	await_commands();
	g_hash_table_unref(sources);
	g_hash_table_unref(dropped);
	return 0;
}
