/*
 * Instants as microseconds since 1970 in UTC. The clock is g_get_real_time(); this is how an
 * instant is written.
 */
#pragma once

#include <stdint.h>

/*
 * "2026-01-31T12:00:00", with ".ffffff" when the fraction is not zero; no offset, for it is always
 * UTC. NULL outside the years 1 to 9999. g_free() it.
 */
char *clock_format(int64_t time);
