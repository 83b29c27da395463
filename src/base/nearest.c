/* Levenshtein's distance, over bytes. */
#include "base/nearest.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* Nobody mistypes a longer word; it bounds the time that one comparison takes. */
enum { LONGEST_WORD = 96 };

static size_t distance(const char *a, const char *b)
{
	size_t row[LONGEST_WORD + 1];
	size_t length = strlen(b);
	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			bool same = g_ascii_tolower(a[i - 1]) == g_ascii_tolower(b[j - 1]);
			size_t replaced = diagonal + (same ? 0 : 1);
			diagonal = row[j];
			row[j] = MIN(MIN(row[j], row[j - 1]) + 1, replaced);
		}
	}
	return row[length];
}

const char *nearest_word(const char *word, const char *const *candidates, size_t count)
{
	size_t length = strlen(word);
	if (length > LONGEST_WORD)
		return NULL;
	const char *nearest = NULL;
	size_t best = (length + 3) / 4 + 1;
	for (size_t i = 0; i < count; i++) {
		if (strlen(candidates[i]) > LONGEST_WORD)
			continue;
		size_t found = distance(word, candidates[i]);
		if (found < best) {
			best = found;
			nearest = candidates[i];
		}
	}
	return nearest;
}
