/* Validation of a request's fields against their declaration, with the 422 answers of the API. */
#pragma once

#include "http/route.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/*
 * One list entry of a 422 body: {"type", "loc", "msg", "input"[, "ctx"]}; takes over the
 * references. Beyond a hundred entries nothing is added.
 */
void http_problem_add(json_t *problems, const char *type, json_t *location, const char *message,
		      json_t *input, json_t *context);

/* What a request brought, before validation. Members may be NULL: nothing of that kind came. */
struct http_input {
	const json_t *body;
	bool opaque_body;    /* one came that is not JSON, as its content type says */
	const json_t *form;  /* object of strings */
	const json_t *query; /* object of strings */
	const json_t *path;  /* object of strings */
	const json_t *files; /* object whose keys are the parts that are files */
};

/*
 * Checks every field and returns an object with all of them, converted, defaults filled in. Entries
 * for what is wrong are added to `problems`; then the result is not to be used.
 */
json_t *http_fields_validate(const struct http_route *route, const struct http_input *input,
			     json_t *problems);

/* Reads JSON text of a body. On failure the 422 entry is added to `problems` and NULL returned. */
json_t *http_fields_parse(const char *text, size_t size, json_t *problems);
