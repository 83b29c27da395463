/* The rule about e-mail addresses. */
#include "app/email.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

enum { LONGEST = 320 }; /* 64 before the @, 255 behind it */

static bool has_space(const char *text)
{
	for (; *text; text = g_utf8_next_char(text)) {
		gunichar letter = g_utf8_get_char(text);
		if (g_unichar_isspace(letter) || !g_unichar_isprint(letter))
			return true;
	}
	return false;
}

char *email_check(const json_t *value)
{
	const char *text = json_string_value(value);
	const char *at = strrchr(text, '@');
	if (at && at != text && at[1] && strlen(text) <= LONGEST && !has_space(text))
		return NULL;
	return g_strdup("an e-mail address must be such as ann@example.com");
}
