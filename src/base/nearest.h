/* "Did you mean …": the known word that is most like a mistyped one. */
#pragma once

#include <stddef.h>

/*
 * The nearest of `count` candidates by edit distance, in any case; NULL if none is near enough to
 * be what was meant: at most one edit in four characters.
 */
const char *nearest_word(const char *word, const char *const *candidates, size_t count);
