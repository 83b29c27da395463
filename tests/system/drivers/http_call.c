/*
 * Makes the HTTP calls that its arguments describe, as JSON, one after the other with one client,
 * and prints a line of JSON for each. Input on standard input cancels the calls that say so.
 */
#include "base/error.h"
#include "base/http_client.h"
#include "base/json.h"
#include "error_name.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Where a streamed body goes. */
struct sink {
	GChecksum *checksum;
	json_int_t size, limit;
	int first_status;
};

static bool receive(const struct http_reply *reply, const void *data, size_t size, void *receiver,
		    GError **error)
{
	struct sink *sink = receiver;
	if (sink->size == 0)
		sink->first_status = reply->status;
	sink->size += (json_int_t)size;
	g_checksum_update(sink->checksum, data, (gssize)size);
	if (sink->limit == 0 || sink->size <= sink->limit)
		return true;
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_NO_SPACE, "the sink is full");
	return false;
}

static json_t *describe(const struct http_reply *reply, struct sink *sink)
{
	gsize size;
	const char *text = g_bytes_get_data(reply->body, &size);
	json_t *headers = json_object();
	GHashTableIter each;
	gpointer name, value;
	g_hash_table_iter_init(&each, reply->headers);
	while (g_hash_table_iter_next(&each, &name, &value))
		json_object_set_new(headers, name, json_string(value));
	g_autofree char *valid = g_utf8_make_valid(text ? text : "", (gssize)size);
	return json_pack("{si so sI ss sI ss si}", "status", reply->status, "headers", headers,
			 "size", (json_int_t)size, "body", valid, "streamed", sink->size, "md5",
			 g_checksum_get_string(sink->checksum), "streamed_status",
			 sink->first_status);
}

static const char **strings_of(const json_t *list)
{
	const char **strings = g_new0(const char *, json_array_size(list) + 1);
	for (size_t i = 0; i < json_array_size(list); i++)
		strings[i] = json_string_value(json_array_get(list, i));
	return strings;
}

static json_t *make_call(struct http_client *client, const json_t *wanted)
{
	const json_t *headers = NULL, *addresses = NULL;
	const char *method = NULL, *url = NULL, *body = NULL, *path = NULL;
	int connect = 0, idle = 0, total = 0, longest = 0, stream = 0, cancel = 0;
	struct sink sink = {.checksum = g_checksum_new(G_CHECKSUM_MD5)};
	json_unpack((json_t *)wanted, "{ss s?s s?o s?s s?s s?i s?i s?i s?i s?b s?I s?b s?o}", "url",
		    &url, "method", &method, "headers", &headers, "body", &body, "file", &path,
		    "connect", &connect, "idle", &idle, "total", &total, "longest", &longest,
		    "stream", &stream, "room", &sink.limit, "cancel", &cancel, "addresses",
		    &addresses);
	g_autofree const char **lines = strings_of(headers);
	g_autofree const char **places = strings_of(addresses);
	AUTO_FD file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	AUTO_FD input = cancel ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
	const struct http_file part = {"file", "notes.txt", "text/plain", file};
	const struct http_call call = {
		.method = method,
		.url = url,
		.headers = lines,
		.body = body,
		.body_size = body ? strlen(body) : 0,
		.file = path ? &part : NULL,
		.connect_seconds = connect,
		.idle_seconds = idle,
		.total_seconds = total,
		.longest_body = (size_t)longest,
		.receive = stream ? receive : NULL,
		.receiver = &sink,
		.cancel = cancel ? input : 0,
		.addresses = addresses ? places : NULL,
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(http_reply) reply = http_client_call(client, &call, &error);
	json_t *said = reply ? describe(reply, &sink)
			     : json_pack("{ss ss sI}", "error", error_name(error), "message",
					 error->message, "streamed", sink.size);
	g_checksum_free(sink.checksum);
	return said;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(http_client) client = http_client_new("agnes-test/1", &error);
	for (int i = 1; client && i < argc; i++) {
		g_autoptr(json_t) wanted = json_parse(argv[i], strlen(argv[i]), "call", &error);
		g_autoptr(json_t) said = wanted ? make_call(client, wanted) : NULL;
		g_autofree char *line = said ? json_to_text(said) : NULL;
		g_print("%s\n", line ? line : "{}");
	}
	if (error)
		g_printerr("%s\n", error->message);
	return error ? 1 : 0;
}
