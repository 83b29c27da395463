/* Integers in JSON text that fit no 64 bits: valid JSON, but the parser refuses them. */
#pragma once

#include <stddef.h>

/*
 * The text with ".0" behind every integer beyond 64 bits, so that it is read as a real; one beyond
 * all reals becomes 1e308. g_free() it; *length is its size.
 */
char *large_integers_as_reals(const char *text, size_t size, size_t *length);
