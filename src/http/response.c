/* Making responses. How they are sent is in send.c. */
#include "http/response.h"

#include "base/error.h"
#include "base/json.h"
#include "http/fields.h"
#include "http/private.h"

#include <string.h>
#include <unistd.h>

enum { HEADERS_SIZE = 256 }; /* what is enough for most responses */

static struct http_response *response_new(int status, enum response_kind kind, const char *type)
{
	struct http_response *response = g_new0(struct http_response, 1);
	response->status = status;
	response->kind = kind;
	response->fd = -1;
	response->headers = g_string_sized_new(HEADERS_SIZE);
	if (type)
		http_response_header(response, "Content-Type", type);
	return response;
}

void http_response_free(struct http_response *response)
{
	if (!response)
		return;
	if (response->finish)
		response->finish(response->finish_data, true);
	if (response->fd >= 0)
		close(response->fd);
	g_string_free(response->headers, TRUE);
	g_clear_pointer(&response->bytes, g_bytes_unref);
	g_free(response->etag);
	g_free(response);
}

struct http_response *http_bytes(int status, const char *type, GBytes *bytes)
{
	struct http_response *response = response_new(status, RESPONSE_BYTES, type);
	response->bytes = g_bytes_ref(bytes);
	return response;
}

struct http_response *http_json_bytes(int status, GBytes *text)
{
	return http_bytes(status, "application/json", text);
}

struct http_response *http_text(int status, const char *type, char *text)
{
	g_autoptr(GBytes) bytes = g_bytes_new_take(text, strlen(text));
	return http_bytes(status, type, bytes);
}

struct http_response *http_json(int status, json_t *value)
{
	char *text = json_to_text(value);
	json_decref(value);
	return http_text(status, "application/json", text);
}

struct http_response *http_empty(int status)
{
	g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
	return http_bytes(status, NULL, nothing);
}

struct http_response *http_redirect(int status, const char *location)
{
	static const char kept[] = ":/%#?=@[]!$&'()*+,;";
	g_autofree char *encoded = g_uri_escape_string(location, kept, FALSE);
	struct http_response *response = http_empty(status);
	http_response_header(response, "Location", encoded);
	return response;
}

struct http_response *http_refuse_with(int status, json_t *detail)
{
	return http_json(status, json_pack("{so}", "detail", detail));
}

struct http_response *http_refuse(int status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	g_autofree char *valid = g_utf8_make_valid(message, -1);
	return http_refuse_with(status, json_string(valid));
}

struct http_response *http_invalid(const char *field, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_autofree char *message = g_strconcat("Value error, ", text, NULL);
	json_t *problems = json_array();
	json_t *location = field ? json_pack("[ss]", "body", field) : json_pack("[s]", "body");
	http_problem_add(problems, "value_error", location, message, NULL,
			 json_pack("{s{}}", "error"));
	return http_refuse_with(422, problems);
}

static int status_of(int code)
{
	switch (code) {
	case AGNES_ERROR_INVALID:
		return 400;
	case AGNES_ERROR_DENIED:
		return 403;
	case AGNES_ERROR_NOT_FOUND:
		return 404;
	case AGNES_ERROR_CONFLICT:
		return 409;
	case AGNES_ERROR_TOO_LARGE:
		return 413;
	case AGNES_ERROR_BUSY:
	case AGNES_ERROR_NO_SPACE:
	case AGNES_ERROR_UNAVAILABLE:
	case AGNES_ERROR_FATAL:
		return 503;
	case AGNES_ERROR_TIMEOUT:
		return 504;
	default:
		return 500;
	}
}

struct http_response *http_refuse_error(struct http_request *request, GError *error)
{
	g_autoptr(GError) owned = error;
	int status = owned->domain == AGNES_ERROR ? status_of(owned->code) : 500;
	if (status < 500)
		return http_refuse(status, "%s", owned->message);
	g_warning("%s %s: %s", http_method_name(request->method), request->path, owned->message);
	if (status == 503 || status == 504)
		return http_refuse(status,
				   "The server cannot do this at the moment; try again later");
	return http_json(status, json_pack("{ss ss}", "detail", "Internal server error",
					   "request_id", request->id));
}

struct http_response *http_file(int fd, const char *type, const char *etag)
{
	struct http_response *response = response_new(200, RESPONSE_FILE, type);
	response->fd = fd;
	response->etag = g_strdup(etag);
	response->never_compressed = true;
	return response;
}

struct http_response *http_relay(int status, const char *type, int fd,
				 bool (*finish)(void *data, bool left), void *data)
{
	struct http_response *response = response_new(status, RESPONSE_RELAY, type);
	response->fd = fd;
	response->finish = finish;
	response->finish_data = data;
	response->never_compressed = true;
	return response;
}

void http_response_trailer(struct http_response *response, const char *name,
			   const char *(*value)(void *data))
{
	http_response_header(response, "Trailer", name);
	response->trailer_name = name;
	response->trailer = value;
}

void http_response_header(struct http_response *response, const char *name, const char *value)
{
	GString *headers = response->headers;
	g_string_append_len(headers, name, (gssize)strlen(name) + 1);
	gsize start = headers->len, length = start;
	g_string_append_len(headers, value, (gssize)strlen(value) + 1);
	for (gsize at = start; at < headers->len - 1; at++) {
		if (!g_ascii_iscntrl(headers->str[at]))
			headers->str[length++] = headers->str[at];
	}
	headers->str[length] = '\0';
	g_string_truncate(headers, length + 1);
}

const char *http_response_lookup(const struct http_response *response, const char *name)
{
	const char *at = response->headers->str, *end = at + response->headers->len;
	while (at < end) {
		const char *value = at + strlen(at) + 1;
		if (g_ascii_strcasecmp(at, name) == 0)
			return value;
		at = value + strlen(value) + 1;
	}
	return NULL;
}

int http_response_status(const struct http_response *response)
{
	return response->status;
}

void http_response_etag(struct http_response *response, const char *etag)
{
	g_free(response->etag);
	response->etag = g_strdup(etag);
}

void http_response_attachment(struct http_response *response, const char *filename)
{
	g_autofree char *plain = g_strdup(filename);
	for (char *at = plain; *at; at++) {
		if (*at == '"' || *at == '\\' || *at == '/' || (guchar)*at >= 0x7f)
			*at = '_';
	}
	g_autofree char *encoded = g_uri_escape_string(filename, NULL, FALSE);
	/* The second form, for names that are not plain ASCII, is RFC 5987's. */
	g_autofree char *value =
		strcmp(plain, filename) == 0
			? g_strdup_printf("attachment; filename=\"%s\"", plain)
			: g_strdup_printf("attachment; filename=\"%s\"; filename*=UTF-8''%s", plain,
					  encoded);
	http_response_header(response, "Content-Disposition", value);
}

void http_response_plain(struct http_response *response)
{
	response->never_compressed = true;
}
