/* E-mail addresses of accounts. */
#pragma once

#include <jansson.h>

/*
 * For http_field.check of a new account: what is wrong with its address, NULL if nothing. Only what
 * can be none is refused, for addresses are compared as they are, and some have no dot.
 */
char *email_check(const json_t *value);
