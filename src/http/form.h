/* Bodies of HTML forms: urlencoded, or multipart with files, which go to temporary files. */
#pragma once

#include "base/cleanup.h"
#include "http/request.h"

#include <glib.h>
#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

struct http_form;

/* NULL: the content type is not one of a form. */
struct http_form *http_form_new(struct MHD_Connection *connection);
void http_form_free(struct http_form *form);
DEFINE_AUTOPTR(http_form)

/* Takes the next bytes of the body; what cannot be taken is told at the end. */
void http_form_feed(struct http_form *form, const char *data, size_t size);
/* After the last byte. False: it is broken, has too many parts, or a file could not be kept. */
bool http_form_finish(struct http_form *form);
/* Whether everything could be kept. */
bool http_form_is_kept(const struct http_form *form);

/* Then: the fields as an object of strings, and the names of the files as keys. */
const json_t *http_form_values(struct http_form *form);
const json_t *http_form_files(struct http_form *form);
const struct http_upload *http_form_upload(const struct http_form *form, const char *field);
