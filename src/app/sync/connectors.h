/*
 * What can extract on this server: the connectors that are built in, and those in other languages
 * that are there at this moment.
 */
#pragma once

#include "base/cleanup.h"
#include "config/config.h"
#include "engine/edition.h"
#include "state/directory.h"

#include <glib.h>

struct sync_connectors;

/* `directory` and `edition` tell which tables each has, and since when. */
struct sync_connectors *sync_connectors_new(const struct configuration *config,
					    const struct directory *directory,
					    const struct edition *edition);
void sync_connectors_free(struct sync_connectors *connectors);
DEFINE_AUTOPTR(sync_connectors)

/* struct plan_connector; borrowed. */
const GArray *sync_connectors_list(const struct sync_connectors *connectors);
