/*
 * Values as DuckDB's cast to VARCHAR writes them, in a fraction of its time; for stream.c. Each
 * writes into `to`, which has room for VALUE_TEXT_LONGEST, and returns where the text ends.
 */
#pragma once

#include <stdint.h>

enum { VALUE_TEXT_LONGEST = 64 };

char *value_text_integer(char *to, int64_t value);
char *value_text_decimal(char *to, int64_t value, unsigned width, unsigned scale);
char *value_text_date(char *to, int32_t days); /* since 1970 */
char *value_text_timestamp(char *to, int64_t microseconds);
