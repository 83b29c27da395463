/* YAML's core schema: which plain scalars are null, true, false or a number. */
#include "base/yaml_scalar.h"

#include <errno.h>
#include <glib.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* No number that a json_t can hold exactly needs more text than this. */
enum { LONGEST_NUMBER = 400 };

static const char decimal[] = "0123456789";

static bool is_one_of(const char *text, const char *const *words)
{
	return g_strv_contains(words, text);
}

/* Leading zeros have a meaning for whoever wrote them (007, a postcode, YAML 1.1's octal). */
static bool has_leading_zero(const char *digits)
{
	return digits[0] == '0' && g_ascii_isdigit(digits[1]);
}

static json_t *resolve_integer(const char *text)
{
	static const struct {
		const char *prefix, *digits;
		guint base;
	} notations[] = {
		{"0o", "01234567", 8},
		{"0x", "0123456789abcdefABCDEF", 16},
		{"", decimal, 10},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(notations); i++) {
		bool is_decimal = notations[i].base == 10;
		const char *digits = text + (is_decimal && (*text == '-' || *text == '+'));
		if (!g_str_has_prefix(digits, notations[i].prefix))
			continue;
		digits += strlen(notations[i].prefix);
		size_t length = strspn(digits, notations[i].digits);
		if (length == 0 || digits[length] || (is_decimal && has_leading_zero(digits)))
			continue;
		errno = 0;
		gint64 number = g_ascii_strtoll(is_decimal ? text : digits, NULL,
						notations[i].base);
		return errno == 0 ? json_integer(number) : NULL;
	}
	return NULL;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_float(const char *text)
{
	const char *at = text + (*text == '-' || *text == '+');
	if (has_leading_zero(at))
		return false;
	size_t whole = strspn(at, decimal);
	at += whole;
	size_t fraction = 0;
	if (*at == '.') {
		fraction = strspn(at + 1, decimal);
		at += 1 + fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (*at == 'e' || *at == 'E') {
		at += 1 + (at[1] == '-' || at[1] == '+');
		size_t exponent = strspn(at, decimal);
		if (exponent == 0)
			return false;
		at += exponent;
	}
	return *at == '\0';
}

static json_t *resolve_float(const char *text)
{
	/* Digits alone were an integer too large for 64 bits: as a float it would lose some. */
	if (!is_float(text) || !strpbrk(text, ".eE"))
		return NULL;
	double number = g_ascii_strtod(text, NULL);
	return isfinite(number) ? json_real(number) : NULL;
}

static json_t *resolve_word(const char *text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const trues[] = {"true", "True", "TRUE", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", NULL};
	if (is_one_of(text, nulls))
		return json_null();
	if (is_one_of(text, trues))
		return json_true();
	return is_one_of(text, falses) ? json_false() : NULL;
}

json_t *yaml_scalar_resolve(const char *text, size_t size)
{
	json_t *value = NULL;
	if (size <= LONGEST_NUMBER) {
		g_autofree char *ended = g_strndup(text, size);
		value = resolve_word(ended);
		if (!value)
			value = resolve_integer(ended);
		if (!value)
			value = resolve_float(ended);
	}
	return value ? value : json_stringn_nocheck(text, size);
}
