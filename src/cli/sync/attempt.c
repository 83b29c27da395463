/* Request, answer, part, verification, rename. */
#include "cli/sync/attempt.h"

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FILE_MODE = 0600,
	SHOWN_DIGITS = 12, /* of a hash */
	SHOWN_TEXT = 200,  /* of an error page */
	MAGIC_BYTES = 4,
	LEAST_PARQUET = 2 * MAGIC_BYTES,
	NOT_FOUND = 404,
	SERVER_ERRORS = 500,
	CONNECT_SECONDS = 30,
};

/* The file that grows. */
struct part {
	struct download_worker *worker;
	struct download *download;
	char *name;
	int fd;
	int64_t size;	 /* bytes that are there */
	int64_t resumed; /* so many were there before this request */
	bool began;	 /* the answer's first byte has come */
	struct hashing *hashing;
};

static void part_clear(struct part *part)
{
	hashing_free(part->hashing);
	descriptor_close(&part->fd);
	g_free(part->name);
}
DEFINE_AUTO(part)

char *download_part_name(const struct download *download)
{
	return download->md5 ? g_strdup_printf("%s.%s.part", download->name, download->md5)
			     : g_strconcat(download->name, ".part", NULL);
}

static bool part_truncate(struct part *part, GError **error)
{
	g_clear_pointer(&part->hashing, hashing_free);
	if (ftruncate(part->fd, 0) < 0) {
		agnes_set_errno(error, errno, "cannot empty %s", part->name);
		return false;
	}
	part->size = part->resumed = 0;
	return true;
}

/* Opens what an earlier attempt has left. Only of a known version more can be had. */
static bool part_open(struct part *part, GError **error)
{
	const struct download *download = part->download;
	struct stat status;
	part->name = download_part_name(download);
	part->fd = openat(part->worker->options->folder, part->name,
			  O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (part->fd < 0 || fstat(part->fd, &status) < 0) {
		agnes_set_errno(error, errno, "cannot write %s", part->name);
		return false;
	}
	part->size = part->resumed = status.st_size;
	bool usable = download->md5 && S_ISREG(status.st_mode) &&
		      (download->size == 0 || status.st_size <= download->size);
	return usable || part_truncate(part, error);
}

static void part_remove(const struct part *part)
{
	if (unlinkat(part->worker->options->folder, part->name, 0) < 0)
		g_debug("cannot remove %s", part->name);
}

/* --- the answer --- */

/* "bytes 100-199/200": where it starts and how much there is; false if it says something else. */
static bool parse_content_range(const char *text, int64_t *first, int64_t *total)
{
	char *end;
	if (!text || !g_str_has_prefix(text, "bytes "))
		return false;
	text += strlen("bytes ");
	*first = g_ascii_strtoll(text, &end, 10);
	const char *slash = strchr(end, '/');
	if (end == text || *end != '-' || !slash)
		return false;
	return g_ascii_string_to_signed(slash + 1, 10, 0, G_MAXINT64, total, NULL);
}

/* How large the answer says that the whole file is; -1: it does not. */
static int64_t announced_size(const struct http_reply *reply)
{
	int64_t first, total;
	const char *length = http_reply_header(reply, "Content-Length");
	if (reply->status == 206)
		return parse_content_range(http_reply_header(reply, "Content-Range"), &first,
					   &total)
			       ? total
			       : -1;
	return length && g_ascii_string_to_signed(length, 10, 0, G_MAXINT64, &total, NULL) ? total
											   : -1;
}

static bool check_type(const struct http_reply *reply, GError **error)
{
	const char *type = http_reply_header(reply, "Content-Type");
	if (!type || g_ascii_strncasecmp(type, "text/html", strlen("text/html")) != 0)
		return true;
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "the server answered with a web page instead of a parquet file");
	return false;
}

static bool check_size(const struct part *part, int64_t size, GError **error)
{
	int64_t wanted = part->download->size;
	if (wanted == 0 || size < 0 || size == wanted)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
		    "the server sends %" G_GINT64_FORMAT
		    " bytes, the manifest says %" G_GINT64_FORMAT,
		    size, wanted);
	return false;
}

/* Whether the answer's first byte belongs to the end of what is there, or to the start. */
static bool begin_answer(struct part *part, const struct http_reply *reply, GError **error)
{
	int64_t first = 0, total;
	part->began = true;
	if (!check_type(reply, error) || !check_size(part, announced_size(reply), error))
		return false;
	if (reply->status == 206 &&
	    parse_content_range(http_reply_header(reply, "Content-Range"), &first, &total) &&
	    first == part->size)
		return true;
	if (reply->status != 200) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INTERRUPTED,
			    "the server sends another part (HTTP %d) than was asked for",
			    reply->status);
		return false;
	}
	return part_truncate(part, error);
}

static bool receive(const struct http_reply *reply, const void *data, size_t size, void *receiver,
		    GError **error)
{
	struct part *part = receiver;
	struct download *download = part->download;
	if (!part->began && !begin_answer(part, reply, error))
		return false;
	if (download->size > 0 && part->size + (int64_t)size > download->size) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
			    "the server sends more than the %" G_GINT64_FORMAT
			    " bytes of the manifest",
			    download->size);
		return false;
	}
	if (!files_write_all(part->fd, data, size)) {
		agnes_set_errno(error, errno, "cannot write %s", part->name);
		return false;
	}
	part->size += (int64_t)size;
	__atomic_store_n(&download->received, part->size, __ATOMIC_RELAXED);
	if (!part->hashing && download->md5)
		part->hashing = hashing_begin(part->worker->hasher, part->fd, part->size);
	else if (part->hashing)
		hashing_advance(part->hashing, part->size);
	return true;
}

/* The reason in the answer, else how it begins. */
static char *reason_of(const struct http_reply *reply)
{
	size_t size;
	const char *body = g_bytes_get_data(reply->body, &size);
	if (size == 0)
		return g_strdup("");
	g_autoptr(json_t) root = json_parse(body, size, "answer", NULL);
	const char *detail = json_string_value(json_object_get(root, "detail"));
	g_autofree char *text = detail ? g_strdup(detail) : g_strndup(body, MIN(size, SHOWN_TEXT));
	g_autofree char *valid = g_utf8_make_valid(g_strstrip(text), -1);
	return *valid ? g_strconcat(": ", valid, NULL) : g_strdup("");
}

static void set_status_error(const struct http_reply *reply, GError **error)
{
	g_autofree char *reason = reason_of(reply);
	if (reply->status == 401)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_DENIED,
			    "HTTP 401%s (log in again: da auth login)", reason);
	else
		g_set_error(error, AGNES_ERROR,
			    reply->status >= SERVER_ERRORS ? AGNES_ERROR_FAILED
			    : reply->status == NOT_FOUND   ? AGNES_ERROR_NOT_FOUND
							   : AGNES_ERROR_INVALID,
			    "HTTP %d%s", reply->status, reason);
}

static char **request_headers(const struct part *part)
{
	const struct download *download = part->download;
	g_autoptr(GStrvBuilder) headers = g_strv_builder_new();
	g_autofree char *range = g_strdup_printf("Range: bytes=%" G_GINT64_FORMAT "-", part->size);
	for (const char *const *at = part->worker->options->headers; at && *at; at++)
		g_strv_builder_add(headers, *at);
	if (part->size > 0) {
		g_autofree char *version = g_strdup_printf("If-Range: \"%s\"", download->md5);
		g_strv_builder_add_many(headers, range, version, NULL);
	}
	if (download->etag) {
		g_autofree char *known = g_strconcat("If-None-Match: ", download->etag, NULL);
		g_strv_builder_add(headers, known);
	}
	return g_strv_builder_end(headers);
}

static bool is_transient(const GError *error)
{
	return g_error_matches(error, AGNES_ERROR, AGNES_ERROR_UNAVAILABLE) ||
	       g_error_matches(error, AGNES_ERROR, AGNES_ERROR_INTERRUPTED) ||
	       g_error_matches(error, AGNES_ERROR, AGNES_ERROR_TIMEOUT);
}

static bool handle_status(struct part *part, const struct http_reply *reply, bool *again,
			  GError **error)
{
	struct download *download = part->download;
	if (reply->status == 304 && download->etag) {
		__atomic_store_n(&download->state, DOWNLOAD_UNCHANGED, __ATOMIC_RELEASE);
		return true;
	}
	/* Nothing follows what is there: it may be complete, or another version. */
	if (reply->status == 416 && part->resumed > 0) {
		*again = true;
		if (!part_truncate(part, error))
			return false;
	}
	if (!http_reply_is_fine(reply)) {
		*again |= reply->status >= SERVER_ERRORS;
		set_status_error(reply, error);
		return false;
	}
	download->new_etag = g_strdup(http_reply_header(reply, "ETag"));
	return part->began || begin_answer(part, reply, error); /* an empty answer */
}

static bool request(struct part *part, bool *again, GError **error)
{
	struct download_worker *worker = part->worker;
	g_auto(GStrv) headers = request_headers(part);
	struct http_call call = {
		.url = part->download->url,
		.headers = (const char *const *)headers,
		.connect_seconds = CONNECT_SECONDS,
		.idle_seconds = worker->options->idle_seconds,
		.receive = receive,
		.receiver = part,
		.cancel = worker->options->cancel,
	};
	if (lseek(part->fd, 0, SEEK_END) < 0) {
		agnes_set_errno(error, errno, "cannot write %s", part->name);
		return false;
	}
	g_autoptr(GError) cause = NULL;
	g_autoptr(http_reply) reply = http_client_call(worker->client, &call, &cause);
	if (reply)
		return handle_status(part, reply, again, error);
	*again = is_transient(cause);
	g_propagate_error(error, g_steal_pointer(&cause));
	return false;
}

/* --- verification --- */

bool download_is_parquet(int fd)
{
	char head[MAGIC_BYTES], tail[MAGIC_BYTES];
	struct stat status;
	return fstat(fd, &status) == 0 && status.st_size >= LEAST_PARQUET &&
	       pread(fd, head, sizeof head, 0) == sizeof head &&
	       pread(fd, tail, sizeof tail, status.st_size - MAGIC_BYTES) == sizeof tail &&
	       memcmp(head, "PAR1", sizeof head) == 0 && memcmp(tail, "PAR1", sizeof tail) == 0;
}

static bool check_magic(const struct part *part, GError **error)
{
	if (download_is_parquet(part->fd))
		return true;
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "downloaded file is not a valid parquet (missing PAR1 magic bytes)");
	return false;
}

static bool check_hash(struct part *part, GError **error)
{
	const char *wanted = part->download->md5;
	if (!part->hashing)
		part->hashing = hashing_begin(part->worker->hasher, part->fd, part->size);
	g_autofree char *sum = hashing_finish(part->hashing, error);
	if (!sum)
		return false;
	if (strcmp(sum, wanted) == 0)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
		    "hash mismatch: expected %.*s…, got %.*s…", SHOWN_DIGITS, wanted, SHOWN_DIGITS,
		    sum);
	return false;
}

/* Something that is not what it must be is no start for the next attempt. */
static bool verify(struct part *part, bool *again, GError **error)
{
	if (check_size(part, part->size, error) &&
	    (part->download->md5 ? check_hash(part, error) : check_magic(part, error)))
		return true;
	*again = part->resumed > 0;
	part_remove(part);
	return false;
}

static bool publish(const struct part *part, GError **error)
{
	struct download *download = part->download;
	int folder = part->worker->options->folder;
	if (renameat(folder, part->name, folder, download->name) < 0) {
		agnes_set_errno(error, errno, "cannot rename %s", part->name);
		return false;
	}
	if (!file_mark_take(folder, download->name, &download->mark)) {
		agnes_set_errno(error, errno, "cannot look at %s", download->name);
		return false;
	}
	__atomic_store_n(&download->state, DOWNLOAD_DONE, __ATOMIC_RELEASE);
	return true;
}

bool download_attempt(struct download_worker *worker, struct download *download, bool *again,
		      GError **error)
{
	g_auto(part) part = {.worker = worker, .download = download, .fd = -1};
	g_autoptr(GError) cause = NULL;
	*again = false;
	g_clear_pointer(&download->new_etag, g_free);
	if (!part_open(&part, error))
		return false;
	__atomic_store_n(&download->received, part.size, __ATOMIC_RELAXED);
	bool is_complete = download->size > 0 && part.size == download->size;
	if (is_complete || request(&part, again, &cause)) {
		if (download->state == DOWNLOAD_UNCHANGED) {
			part_remove(&part);
			return true;
		}
		if (verify(&part, again, &cause) && publish(&part, &cause))
			return true;
	}
	/* No room is made by keeping it, and what is empty is of no use. */
	bool is_full = g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_NO_SPACE);
	if (is_full || !download->md5 || part.size == 0)
		part_remove(&part);
	g_propagate_error(error, g_steal_pointer(&cause));
	return false;
}
