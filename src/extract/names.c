/* The identifier rules of the extract contract. */
#include "extract/names.h"

#include <string.h>

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Whether the first character is one of `first`, all others of `rest`, and the length in range. */
static bool matches(const char *text, const char *first, const char *rest, size_t least,
		    size_t most)
{
	if (!text || !*text || !strchr(first, *text))
		return false;
	size_t length = strspn(text + 1, rest) + 1;
	return text[length] == '\0' && length >= least && length <= most;
}

bool name_is_strict(const char *text)
{
	return matches(text, LOWER UPPER "_", LOWER UPPER DIGITS "_", 1, 64);
}

bool name_is_relaxed(const char *text)
{
	return matches(text, LOWER UPPER DIGITS "_", LOWER UPPER DIGITS "_.-", 1, 128);
}

bool name_is_env(const char *text)
{
	return matches(text, UPPER, UPPER DIGITS "_", 1, 64);
}

bool name_is_project(const char *text)
{
	return matches(text, LOWER, LOWER DIGITS "-", 6, 30) && text[strlen(text) - 1] != '-';
}
