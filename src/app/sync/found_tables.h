/* What a source lists as its tables: asked for by an extractor, and registered. */
#pragma once

#include "app/app.h"

#include <glib.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>

/* A new array of objects with the fields of a registry row, as the connector lists them. */
json_t *found_tables_ask(const struct app *app, const char *source, int seconds,
			 const atomic_bool *cancelled, GError **error);

struct found_tally {
	int registered, skipped, errors; /* errors: what cannot be a table */
	json_t *ids;			 /* of the registered: an array of the caller's */
};

/*
 * Registers all, or none on an error. What a registered table reads already, and names that are
 * taken, are skipped.
 */
bool found_tables_register(struct app *app, const json_t *found, const char *registered_by,
			   struct found_tally *tally, GError **error);
