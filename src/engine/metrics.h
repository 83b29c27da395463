/*
 * Definitions of metrics as YAML files: one mapping a file, or a list of them. Reading comes before
 * storing (metrics_save() of state/metrics.h), so that an import is all or nothing.
 */
#pragma once

#include "base/cleanup.h"
#include "state/metrics.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* What was read; the metrics borrow from it. */
struct metric_pack {
	GPtrArray *metrics;   /* struct metric */
	GPtrArray *documents; /* struct yaml_document */
	GPtrArray *memory;    /* what else they point at */
};
void metric_pack_free(struct metric_pack *pack);
DEFINE_AUTOPTR(metric_pack)

/*
 * Reads a file, or every <category>/<file>.yml of a folder in the order of their paths (a file that
 * lies in the folder itself is an index and no metric). What does not say its category has that of
 * the folder that it lies in. Entries without a name, or that are no mapping, are skipped with a
 * warning. INVALID messages start with "path:line:column: ".
 */
struct metric_pack *metric_pack_read(const char *path, GError **error);

/* The same from text; `name` stands for it in messages. Here every metric must say its category. */
struct metric_pack *metric_pack_parse(const char *text, size_t size, const char *name,
				      GError **error);

/*
 * Writes the metrics (struct metric) to <folder>/<category>/<name>.yml, over what is there.
 * INVALID, and nothing is written, if a name or category could not be a file's.
 */
bool metrics_export(const GPtrArray *metrics, const char *folder, GError **error);

/* The metrics about a table as a profile names them: the text of a JSON array of {name, file}. */
char *metrics_used_by(struct state *state, const char *table, GError **error);

/* Whether this may be the name or the category of a metric, and so part of an id and of a path. */
bool metrics_name_is_good(const char *name);
