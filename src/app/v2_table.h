/* Tables as /api/v2 finds them: by id or name, with a file that is published here. */
#pragma once

#include "app/app.h"
#include "engine/edition.h"
#include "http/response.h"

/*
 * The table if the caller may read it. NULL: *refusal is `denied`, whether there is such a table or
 * not; administrators, who may know, get `unknown`.
 */
const struct directory_table *v2_table_find(const struct http_request *request, const char *id,
					    const char *denied, const char *unknown,
					    struct http_response **refusal);

/* Its file in the edition. NULL: *refusal says that only its source could answer. */
const struct published_table *v2_table_file(struct app *app, const struct directory_table *table,
					    const struct edition *edition,
					    struct http_response **refusal);

/* "bigquery" or another; "" when it has none. */
const char *v2_table_source(const struct directory_table *table);
