/* The codes of our errors by name, so that tests need not know their numbers. */
#pragma once

#include "base/error.h"

#include <glib.h>

static inline const char *error_name(const GError *error)
{
	static const char *const names[] = {
		[AGNES_ERROR_INVALID] = "INVALID",
		[AGNES_ERROR_BUSY] = "BUSY",
		[AGNES_ERROR_DENIED] = "DENIED",
		[AGNES_ERROR_TOO_LARGE] = "TOO_LARGE",
		[AGNES_ERROR_TIMEOUT] = "TIMEOUT",
		[AGNES_ERROR_CANCELLED] = "CANCELLED",
		[AGNES_ERROR_NO_SPACE] = "NO_SPACE",
		[AGNES_ERROR_UNAVAILABLE] = "UNAVAILABLE",
		[AGNES_ERROR_INTERRUPTED] = "INTERRUPTED",
		[AGNES_ERROR_FATAL] = "FATAL",
	};
	const char *name = (size_t)error->code < G_N_ELEMENTS(names) ? names[error->code] : NULL;
	return name ? name : "OTHER";
}
