/* HTTP calls over libcurl's multi interface, which can be interrupted while it waits. */
#include "base/http_client.h"

#include "base/curl.h"
#include "base/error.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	DEFAULT_CONNECT_SECONDS = 10,
	DEFAULT_IDLE_SECONDS = 60,
	DEFAULT_TOTAL_SECONDS = 300,
	DEFAULT_LONGEST_BODY = 16 * 1024 * 1024,
	LONGEST_HEADERS = 256 * 1024,
	WAIT_MILLISECONDS = 1000,
	RECEIVE_BLOCK = 128 * 1024,
	HTTP_PORT = 80,
	HTTPS_PORT = 443,
};

struct http_client {
	const struct curl *curl;
	CURLM *multi; /* owns the kept connections */
	CURL *easy;
	char *agent;
};

/* A call under way. */
struct transfer {
	const struct http_call *call;
	struct http_client *client;
	struct http_reply *reply;
	GByteArray *body;
	size_t header_bytes;
	size_t longest_body;
	char *address; /* for messages */
	struct curl_slist *headers, *places;
	curl_mime *form;
	off_t file_size, file_offset;
	GError *error; /* of a callback, which is the cause of what libcurl says */
	char detail[CURL_ERROR_SIZE];
};

struct http_client *http_client_new(const char *agent, GError **error)
{
	const struct curl *curl = curl_load(error);
	if (!curl)
		return NULL;
	struct http_client *client = g_new0(struct http_client, 1);
	client->curl = curl;
	client->agent = g_strdup(agent);
	client->multi = curl->multi_init();
	client->easy = curl->easy_init();
	g_assert(client->multi && client->easy); /* only for want of memory */
	return client;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	client->curl->easy_cleanup(client->easy);
	client->curl->multi_cleanup(client->multi);
	g_free(client->agent);
	g_free(client);
}

static void transfer_clear(struct transfer *transfer)
{
	const struct curl *curl = transfer->client->curl;
	curl->slist_free_all(transfer->headers);
	curl->slist_free_all(transfer->places);
	curl->mime_free(transfer->form);
	http_reply_free(transfer->reply);
	g_clear_pointer(&transfer->body, g_byte_array_unref);
	g_clear_error(&transfer->error);
	g_free(transfer->address);
}
DEFINE_AUTO(transfer)

/* Scheme, server and path of the URL: its query and user may be secret. */
static char *describe_url(const char *url, GError **error)
{
	g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_ENCODED, NULL);
	const char *scheme = uri ? g_uri_get_scheme(uri) : "";
	const char *host = uri ? g_uri_get_host(uri) : NULL;
	if (!host || !*host || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "the server's address is no http:// or https:// URL");
		return NULL;
	}
	return g_uri_join(G_URI_FLAGS_ENCODED, scheme, NULL, host, g_uri_get_port(uri),
			  g_uri_get_path(uri), NULL, NULL);
}

static size_t take_header(char *line, size_t size, size_t count, void *data)
{
	struct transfer *transfer = data;
	transfer->header_bytes += size * count;
	if (transfer->header_bytes > LONGEST_HEADERS) {
		g_set_error(&transfer->error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
			    "%s answers with more than %d bytes of headers", transfer->address,
			    LONGEST_HEADERS);
		return 0;
	}
	http_reply_take_line(transfer->reply, line, size * count);
	return size * count;
}

static bool keep(struct transfer *transfer, const char *bytes, size_t size)
{
	if (size > transfer->longest_body - transfer->body->len) {
		g_set_error(&transfer->error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
			    "%s answers with more than %zu bytes", transfer->address,
			    transfer->longest_body);
		return false;
	}
	g_byte_array_append(transfer->body, (const guint8 *)bytes, (guint)size);
	return true;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *data)
{
	struct transfer *transfer = data;
	const struct http_call *call = transfer->call;
	size_t total = size * count;
	bool fine = call->receive && http_reply_is_fine(transfer->reply)
			    ? call->receive(transfer->reply, bytes, total, call->receiver,
					    &transfer->error)
			    : keep(transfer, bytes, total);
	/* Anything but the size is a failure; of an empty piece too. */
	return fine ? total : total + 1;
}

static size_t read_file(char *buffer, size_t size, size_t count, void *data)
{
	struct transfer *transfer = data;
	ssize_t got = pread(transfer->call->file->fd, buffer, size * count, transfer->file_offset);
	if (got < 0)
		return CURL_READFUNC_ABORT;
	transfer->file_offset += got;
	return (size_t)got;
}

/* When a kept connection turns out to be dead, the body is sent again. */
static int seek_file(void *data, curl_off_t offset, int origin)
{
	struct transfer *transfer = data;
	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	transfer->file_offset = offset;
	return CURL_SEEKFUNC_OK;
}

static bool set_form(struct transfer *transfer, GError **error)
{
	const struct curl *curl = transfer->client->curl;
	const struct http_file *file = transfer->call->file;
	struct stat status;
	if (fstat(file->fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "cannot send '%s': it is not a file", file->filename);
		return false;
	}
	transfer->form = curl->mime_init(transfer->client->easy);
	curl_mimepart *part = curl->mime_addpart(transfer->form);
	curl->mime_name(part, file->field);
	curl->mime_filename(part, file->filename);
	curl->mime_type(part, file->type);
	curl->mime_data_cb(part, status.st_size, read_file, seek_file, NULL, transfer);
	curl->easy_setopt(transfer->client->easy, CURLOPT_MIMEPOST, transfer->form);
	return true;
}

/* "host:port:address,address", as libcurl wants to be told where a name is. */
static void set_addresses(struct transfer *transfer)
{
	const struct http_call *call = transfer->call;
	if (!call->addresses || !call->addresses[0])
		return;
	g_autoptr(GUri) uri = g_uri_parse(call->url, G_URI_FLAGS_ENCODED, NULL);
	bool secure = strcmp(g_uri_get_scheme(uri), "https") == 0;
	int port = g_uri_get_port(uri);
	g_autoptr(GString) place = g_string_new(NULL);
	g_string_printf(place, "%s:%d:", g_uri_get_host(uri),
			port > 0 ? port
			: secure ? HTTPS_PORT
				 : HTTP_PORT);
	for (const char *const *at = call->addresses; *at; at++)
		g_string_append_printf(place, strchr(*at, ':') ? "%s[%s]" : "%s%s",
				       at == call->addresses ? "" : ",", *at);
	transfer->places = transfer->client->curl->slist_append(NULL, place->str);
	transfer->client->curl->easy_setopt(transfer->client->easy, CURLOPT_RESOLVE,
					    transfer->places);
}

static bool has_header(const struct http_call *call, const char *name)
{
	size_t length = strlen(name);
	for (const char *const *at = call->headers; at && *at; at++) {
		if (g_ascii_strncasecmp(*at, name, length) == 0 && (*at)[length] == ':')
			return true;
	}
	return false;
}

static void add_header(struct transfer *transfer, const char *line)
{
	transfer->headers = transfer->client->curl->slist_append(transfer->headers, line);
}

static bool set_request(struct transfer *transfer, GError **error)
{
	const struct http_call *call = transfer->call;
	const char *method = call->method ? call->method : "GET";
	CURL *easy = transfer->client->easy;
	__typeof__(curl_easy_setopt) *set = transfer->client->curl->easy_setopt;
	for (const char *const *at = call->headers; at && *at; at++)
		add_header(transfer, *at);
	set(easy, CURLOPT_URL, call->url);
	if (call->file) {
		if (!set_form(transfer, error))
			return false;
	} else if (call->body || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0) {
		set(easy, CURLOPT_POSTFIELDS, call->body ? call->body : "");
		set(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_size);
		if (!has_header(call, "Content-Type"))
			add_header(transfer, "Content-Type:"); /* not that of a form */
	}
	if (strcmp(method, "HEAD") == 0)
		set(easy, CURLOPT_NOBODY, 1L);
	else
		set(easy, CURLOPT_CUSTOMREQUEST, method);
	set(easy, CURLOPT_HTTPHEADER, transfer->headers);
	set_addresses(transfer);
	return true;
}

static const char *trust_variable(const char *name)
{
	const char *value = g_getenv(name);
	return value && *value ? value : NULL;
}

static void set_trust(struct http_client *client)
{
	const char *file = trust_variable("SSL_CERT_FILE");
	const char *folder = file ? NULL : trust_variable("SSL_CERT_DIR");
	if (!file && !folder)
		return;
	client->curl->easy_setopt(client->easy, CURLOPT_CAINFO, file);
	client->curl->easy_setopt(client->easy, CURLOPT_CAPATH, folder);
}

static long or_default(int given, int otherwise)
{
	return given > 0 ? given : otherwise;
}

static void set_limits(struct transfer *transfer)
{
	const struct http_call *call = transfer->call;
	CURL *easy = transfer->client->easy;
	__typeof__(curl_easy_setopt) *set = transfer->client->curl->easy_setopt;
	set(easy, CURLOPT_CONNECTTIMEOUT,
	    or_default(call->connect_seconds, DEFAULT_CONNECT_SECONDS));
	set(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	set(easy, CURLOPT_LOW_SPEED_TIME, or_default(call->idle_seconds, DEFAULT_IDLE_SECONDS));
	set(easy, CURLOPT_TIMEOUT,
	    or_default(call->total_seconds, call->receive ? 0 : DEFAULT_TOTAL_SECONDS));
	transfer->longest_body = call->longest_body ? call->longest_body : DEFAULT_LONGEST_BODY;
}

static void set_options(struct transfer *transfer)
{
	struct http_client *client = transfer->client;
	CURL *easy = client->easy;
	__typeof__(curl_easy_setopt) *set = client->curl->easy_setopt;
	set(easy, CURLOPT_NOSIGNAL, 1L);
	set(easy, CURLOPT_QUICK_EXIT, 1L); /* a time-out does not wait for the resolver's thread */
	set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	set(easy, CURLOPT_FOLLOWLOCATION, 0L);
	set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	set(easy, CURLOPT_USERAGENT, client->agent);
	set(easy, CURLOPT_ERRORBUFFER, transfer->detail);
	set(easy, CURLOPT_HEADERFUNCTION, take_header);
	set(easy, CURLOPT_HEADERDATA, transfer);
	set(easy, CURLOPT_WRITEFUNCTION, take_body);
	set(easy, CURLOPT_WRITEDATA, transfer);
	set(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BLOCK);
	if (!transfer->call->receive)
		set(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
	set_trust(client);
	set_limits(transfer);
}

static bool is_cancelled(const struct http_call *call)
{
	struct pollfd cancel = {.fd = call->cancel, .events = POLLIN};
	return call->cancel > 0 && poll(&cancel, 1, 0) > 0;
}

/* Until the transfer is over: what libcurl says of it; with transfer->error when cancelled. */
static CURLcode run(struct transfer *transfer)
{
	const struct http_call *call = transfer->call;
	const struct curl *curl = transfer->client->curl;
	CURLM *multi = transfer->client->multi;
	struct curl_waitfd cancel = {.fd = call->cancel, .events = CURL_WAIT_POLLIN};
	for (;;) {
		int left;
		if (is_cancelled(call)) {
			g_set_error(&transfer->error, AGNES_ERROR, AGNES_ERROR_CANCELLED,
				    "the call of %s was cancelled", transfer->address);
			return CURLE_ABORTED_BY_CALLBACK;
		}
		if (curl->multi_perform(multi, &left) != CURLM_OK)
			return CURLE_FAILED_INIT;
		const CURLMsg *message = curl->multi_info_read(multi, &left);
		if (message)
			return message->data.result;
		if (curl->multi_poll(multi, &cancel, call->cancel > 0 ? 1 : 0, WAIT_MILLISECONDS,
				     NULL) != CURLM_OK)
			return CURLE_FAILED_INIT;
	}
}

/* TLS libraries write to sockets whose other end may be gone: that must not end the program. */
static CURLcode run_without_signal(struct transfer *transfer)
{
	const struct timespec now = {0};
	sigset_t pipe, before, pending;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&pending);
	bool waiting = sigismember(&pending, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	CURLcode result = run(transfer);
	if (!waiting)
		sigtimedwait(&pipe, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

static enum agnes_error code_of(CURLcode result)
{
	switch (result) {
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PROXY:
		return AGNES_ERROR_UNAVAILABLE;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return AGNES_ERROR_DENIED;
	case CURLE_OPERATION_TIMEDOUT:
		return AGNES_ERROR_TIMEOUT;
	case CURLE_URL_MALFORMAT:
		return AGNES_ERROR_INVALID;
	case CURLE_FAILED_INIT:
	case CURLE_OUT_OF_MEMORY:
		return AGNES_ERROR_FAILED;
	default:
		return AGNES_ERROR_INTERRUPTED;
	}
}

static const char *what_failed(enum agnes_error code)
{
	switch (code) {
	case AGNES_ERROR_UNAVAILABLE:
		return "cannot reach";
	case AGNES_ERROR_DENIED:
		return "cannot trust";
	case AGNES_ERROR_TIMEOUT:
		return "no answer in time from";
	case AGNES_ERROR_INTERRUPTED:
		return "the answer broke off:";
	default:
		return "cannot call";
	}
}

static void explain(struct transfer *transfer, CURLcode result, GError **error)
{
	if (transfer->error) {
		g_propagate_error(error, g_steal_pointer(&transfer->error));
		return;
	}
	enum agnes_error code = code_of(result);
	const char *detail = transfer->detail[0] ? transfer->detail
						 : transfer->client->curl->easy_strerror(result);
	g_set_error(error, AGNES_ERROR, code, "%s %s: %s%s", what_failed(code), transfer->address,
		    detail,
		    code == AGNES_ERROR_DENIED
			    ? "; SSL_CERT_FILE may name a file with the certificates to trust"
			    : "");
}

struct http_reply *http_client_call(struct http_client *client, const struct http_call *call,
				    GError **error)
{
	g_auto(transfer) transfer = {.call = call, .client = client};
	transfer.address = describe_url(call->url, error);
	if (!transfer.address)
		return NULL;
	transfer.reply = http_reply_new();
	transfer.body = g_byte_array_new();
	client->curl->easy_reset(client->easy);
	if (!set_request(&transfer, error))
		return NULL;
	set_options(&transfer);
	client->curl->multi_add_handle(client->multi, client->easy);
	CURLcode result = run_without_signal(&transfer);
	client->curl->multi_remove_handle(client->multi, client->easy);
	/* What it points at goes with the transfer. */
	client->curl->easy_reset(client->easy);
	if (result != CURLE_OK || transfer.error) {
		explain(&transfer, result, error);
		return NULL;
	}
	transfer.reply->body = g_byte_array_free_to_bytes(g_steal_pointer(&transfer.body));
	return g_steal_pointer(&transfer.reply);
}
