/*
 * Tables that stay where they are: catalogs that extensions of DuckDB attach. The list is that of
 * the sources' _remote_attach tables, filtered by the server: an array of {"alias", "extension",
 * "folder", "url", "token"}, folder (of the extension) and token only where there is one. One that
 * fails costs its own tables alone; the log says why.
 */
#pragma once

#include "duck/database.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/* Loads the extensions, which are installed already. Before the sandbox. */
bool remote_load(struct duck_connection *connection, const json_t *list, GError **error);

/* What a client of the network reads: names of hosts, certificates, libraries that look names up.
 */
void remote_append_paths(GArray *paths);

/* Attaches the catalogs, read-only. Inside the sandbox, before the settings are locked. */
bool remote_attach(struct duck_connection *connection, const json_t *list, GError **error);
