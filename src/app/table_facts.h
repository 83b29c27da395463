/*
 * What is in the file of a table: its columns, kept by the file's MD5, and its statistics. Either
 * is found out by a sandboxed child, so these are for blocking handlers.
 */
#pragma once

#include "base/cleanup.h"
#include "base/json.h"
#include "config/config.h"
#include "engine/measure.h"
#include "extract/publication.h"
#include "state/directory.h"

#include <glib.h>

struct table_facts;

struct table_facts *table_facts_new(struct state *state);
void table_facts_free(struct table_facts *facts);
DEFINE_AUTOPTR(table_facts)

/* [{"name", "type", "nullable"}], a reference of its own. */
json_t *table_facts_columns(struct table_facts *facts, const struct published_table *published,
			    GError **error);

/*
 * The profile of a table as it is now, stored as well. BUSY: others are being made. CANCELLED: the
 * measurement was stopped.
 */
json_t *table_facts_profile(struct table_facts *facts, const struct directory_table *table,
			    const struct published_table *published,
			    const struct configuration *config, struct measurement *measurement,
			    GError **error);
