/*
 * Connectors in other languages: a folder with an executable `extractor`, or an `extractor.py` for
 * python3. It reads what `agnesd extract` reads, writes extracts/<name>/ by itself (best with
 * `agnesd extract-write`) and may print the same events and result. docs/CONNECTORS.md.
 */
#pragma once

#include "base/cleanup.h"
#include "connectors/connector.h"

struct custom_connector {
	struct connector connector; /* what the run is made for */
	char *name;
	char **argv; /* the program and its argument, if any */
};

/* NOT_FOUND: `folder` has no such connector. INVALID: no usable name. */
struct custom_connector *custom_connector_new(const char *folder, const char *name, GError **error);
/* Names of those that are in `folder`, in order; none when it does not exist. g_strfreev() it. */
char **custom_connector_names(const char *folder);
void custom_connector_free(struct custom_connector *custom);
DEFINE_AUTOPTR(custom_connector)
