/* Versions, one part after the other: a part is a number or a word. */
#include "base/version.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* Where a part stands among others at its place; words that mean a preview come before the end. */
enum rank {
	RANK_DEVELOPMENT,
	RANK_ALPHA,
	RANK_BETA,
	RANK_CANDIDATE,
	RANK_END,
	RANK_LATER,
	RANK_NUMBER
};

struct part {
	enum rank rank;
	guint64 number;
};

static enum rank rank_of(const char *word, size_t length)
{
	static const struct {
		const char *word;
		enum rank rank;
	} words[] = {
		{"dev", RANK_DEVELOPMENT}, {"a", RANK_ALPHA},	    {"alpha", RANK_ALPHA},
		{"b", RANK_BETA},	   {"beta", RANK_BETA},	    {"c", RANK_CANDIDATE},
		{"rc", RANK_CANDIDATE},	   {"pre", RANK_CANDIDATE}, {"preview", RANK_CANDIDATE},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (strlen(words[i].word) == length &&
		    g_ascii_strncasecmp(words[i].word, word, length) == 0)
			return words[i].rank;
	}
	return RANK_LATER;
}

/* Takes the next part off the text; a zero is what is not there. */
static struct part next_part(const char **text)
{
	struct part part = {.rank = RANK_END};
	while (**text && **text != '+' && !g_ascii_isalnum(**text))
		(*text)++;
	if (g_ascii_isdigit(**text)) {
		char *end;
		part.number = g_ascii_strtoull(*text, &end, 10);
		part.rank = part.number > 0 ? RANK_NUMBER : RANK_END;
		*text = end;
	} else if (g_ascii_isalpha(**text)) {
		const char *start = *text;
		while (g_ascii_isalpha(**text))
			(*text)++;
		part.rank = rank_of(start, (size_t)(*text - start));
	}
	return part;
}

static bool is_over(const char *text)
{
	return !*text || *text == '+';
}

int version_compare(const char *left, const char *right)
{
	left += *left == 'v';
	right += *right == 'v';
	while (!is_over(left) || !is_over(right)) {
		struct part first = next_part(&left), second = next_part(&right);
		if (first.rank != second.rank)
			return first.rank < second.rank ? -1 : 1;
		if (first.number != second.number)
			return first.number < second.number ? -1 : 1;
	}
	return 0;
}
