/* What a table must be like to be registered. */
#pragma once

#include "config/config.h"
#include "http/response.h"
#include "state/registry.h"

#include <glib.h>
#include <jansson.h>

/* For http_field.check: NULL or what is wrong. */
char *table_rules_query_mode(const json_t *value);
char *table_rules_schedule(const json_t *value);

/*
 * Rules about several fields of a whole row, after each field was checked; NULL if it may be
 * stored. A row of BigQuery that is no registered query gets the mode 'remote', whatever was asked
 * for.
 */
struct http_response *table_rules_refuse(struct registered_table *table,
					 const struct configuration *config);

/* The rule about the source type alone. */
struct http_response *table_rules_refuse_source(const char *type,
						const struct configuration *config);

/* The rules about source_query alone; `what` is NULL or the text of a 422 about the whole body. */
const char *table_rules_query(const char *query_mode, const char *source_query);
/* Of these the ones about whether the two go together. */
const char *table_rules_query_fits(const char *query_mode, const char *source_query);
