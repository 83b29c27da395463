/*
 * Where the Keboola project of this installation is, and what opens it, from the configuration and
 * the environment, with the names that earlier versions had for either.
 */
#pragma once

#include "config/config.h"

/* NULL: it is not set. Both live as long as the configuration. */
struct keboola_settings {
	const char *url, *token;
};

/* Of syncs and discovery. */
struct keboola_settings keboola_settings_of_sync(const struct configuration *config);
/* Of notes about columns: KBC_STACK_URL with KBC_STORAGE_TOKEN if both are set, else as above,
 * where one that is missing is taken from these. */
struct keboola_settings keboola_settings_of_notes(const struct configuration *config);
