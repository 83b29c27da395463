/* The table of providers. */
#include "app/auth/provider.h"

const struct auth_provider *const auth_providers[] = {
	&password_provider,
	NULL,
};
