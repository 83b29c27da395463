/* What handlers ask of a request. */
#include "http/request.h"

#include "http/form.h"
#include "http/private.h"

#include <string.h>

const char *http_request_header(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->exchange->connection, MHD_HEADER_KIND, name);
}

char *http_request_cookie(const struct http_request *request, const char *name)
{
	return g_strdup(
		MHD_lookup_connection_value(request->exchange->connection, MHD_COOKIE_KIND, name));
}

bool http_request_is_local(const struct http_request *request)
{
	bool proxied = !request->exchange->forwarded &&
		       (http_request_header(request, "X-Forwarded-For") ||
			http_request_header(request, "Forwarded"));
	bool loopback = strcmp(request->address, "::1") == 0 ||
			g_str_has_prefix(request->address, "127.");
	return loopback && !proxied;
}

json_t *http_request_value(const struct http_request *request, const char *name)
{
	json_t *value = json_object_get(request->fields, name);
	if (!value)
		g_error("http: %s does not declare the field %s", request->route->pattern, name);
	return value;
}

const char *http_request_text(const struct http_request *request, const char *name)
{
	return json_string_value(http_request_value(request, name));
}

int64_t http_request_int(const struct http_request *request, const char *name)
{
	return json_integer_value(http_request_value(request, name));
}

bool http_request_bool(const struct http_request *request, const char *name)
{
	return json_is_true(http_request_value(request, name));
}

const struct http_upload *http_request_upload(const struct http_request *request, const char *name)
{
	const struct http_form *form = request->exchange->form;
	return form ? http_form_upload(form, name) : NULL;
}

bool http_request_gone(const struct http_request *request)
{
	return atomic_load(&request->exchange->gone);
}

void http_request_on_gone(struct http_request *request, void (*notify)(void *data), void *data)
{
	struct http_exchange *exchange = request->exchange;
	g_mutex_lock(&exchange->gone_lock);
	if (atomic_load(&exchange->gone) && notify) {
		notify(data);
	} else {
		exchange->gone_notify = notify;
		exchange->gone_data = data;
	}
	g_mutex_unlock(&exchange->gone_lock);
}
