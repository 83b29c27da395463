/* A folder of files that anybody may fetch: scripts, styles, pictures. */
#pragma once

#include "base/cleanup.h"
#include "http/response.h"

struct http_static;

/* Opens the folder; what is put into it later is served as well. */
struct http_static *http_static_new(const char *folder, GError **error);
void http_static_free(struct http_static *files);
DEFINE_AUTOPTR(http_static)

/*
 * The file of that relative path, which may come from a client as it is: with its type, a
 * Last-Modified date and an ETag, or 404. Nothing outside the folder, no hidden file and no listing
 * is ever served. For any thread; to be used in a handler of "GET /static/{path...}".
 */
struct http_response *http_static_serve(const struct http_static *files, const char *path);
