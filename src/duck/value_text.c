/* Digits, and the calendar of days before and after 1970. */
#include "duck/value_text.h"

#include <stdbool.h>
#include <string.h>

enum {
	MOST_DIGITS = 20,
	DAYS_OF_ERA = 146097,  /* of 400 years */
	DAYS_TO_1970 = 719468, /* from 0000-03-01, the start of an era */
	SECOND = 1000 * 1000,  /* in microseconds */
};

static const int64_t DAY = INT64_C(86400) * SECOND;

static char *put_text(char *to, const char *text)
{
	return mempcpy(to, text, strlen(text));
}

static char *put_two(char *to, unsigned value)
{
	*to++ = (char)('0' + value / 10);
	*to++ = (char)('0' + value % 10);
	return to;
}

/* At least so many digits, with zeros before the number. */
static char *put_digits(char *to, uint64_t value, unsigned least)
{
	char digits[MOST_DIGITS];
	unsigned start = MOST_DIGITS;
	for (; value >= 10; value /= 100)
		put_two(digits + (start -= 2), (unsigned)(value % 100));
	if (value > 0 || start == MOST_DIGITS)
		digits[--start] = (char)('0' + value);
	while (MOST_DIGITS - start < least)
		digits[--start] = '0';
	memcpy(to, digits + start, MOST_DIGITS - start);
	return to + MOST_DIGITS - start;
}

/* Also of the least number, which has no positive. */
static uint64_t put_sign(char **to, int64_t value)
{
	if (value >= 0)
		return (uint64_t)value;
	*(*to)++ = '-';
	return -(uint64_t)value;
}

char *value_text_integer(char *to, int64_t value)
{
	uint64_t size = put_sign(&to, value);
	return put_digits(to, size, 1);
}

char *value_text_decimal(char *to, int64_t value, unsigned width, unsigned scale)
{
	uint64_t size = put_sign(&to, value), unit = 1;
	for (unsigned i = 0; i < scale; i++)
		unit *= 10;
	/* Not even a zero where the type has no place for it. */
	if (width > scale)
		to = put_digits(to, size / unit, 1);
	if (scale == 0)
		return to;
	*to++ = '.';
	return put_digits(to, size % unit, scale);
}

/* Years are counted from March, so that a leap day is the last of its year. */
static char *put_date(char *to, int64_t days)
{
	days += DAYS_TO_1970;
	int64_t era = (days >= 0 ? days : days - (DAYS_OF_ERA - 1)) / DAYS_OF_ERA;
	unsigned day = (unsigned)(days - era * DAYS_OF_ERA);
	unsigned year = (day - day / 1460 + day / 36524 - day / (DAYS_OF_ERA - 1)) / 365;
	day -= 365 * year + year / 4 - year / 100;
	unsigned month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	month = month < 10 ? month + 3 : month - 9;
	int64_t full = era * 400 + year + (month <= 2);
	/* There is no year 0. */
	to = put_digits(to, (uint64_t)(full > 0 ? full : 1 - full), 4);
	*to++ = '-';
	to = put_two(to, month);
	*to++ = '-';
	to = put_two(to, day + 1);
	return full > 0 ? to : put_text(to, " (BC)");
}

char *value_text_date(char *to, int32_t days)
{
	if (days == INT32_MAX || days == -INT32_MAX)
		return put_text(to, days > 0 ? "infinity" : "-infinity");
	return put_date(to, days);
}

/* Of a second as many digits as it takes. */
static char *put_time(char *to, int64_t microseconds)
{
	unsigned seconds = (unsigned)(microseconds / SECOND);
	unsigned fraction = (unsigned)(microseconds % SECOND);
	to = put_two(to, seconds / 3600);
	*to++ = ':';
	to = put_two(to, seconds / 60 % 60);
	*to++ = ':';
	to = put_two(to, seconds % 60);
	if (fraction == 0)
		return to;
	*to++ = '.';
	to = put_digits(to, fraction, 6);
	while (to[-1] == '0')
		to--;
	return to;
}

char *value_text_timestamp(char *to, int64_t microseconds)
{
	if (microseconds == INT64_MAX || microseconds == -INT64_MAX)
		return put_text(to, microseconds > 0 ? "infinity" : "-infinity");
	int64_t days = microseconds / DAY - (microseconds % DAY < 0);
	to = put_date(to, days);
	*to++ = ' ';
	return put_time(to, microseconds - days * DAY);
}
