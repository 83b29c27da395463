/*
 * How often something may be tried: a token bucket for each key (an address, an account). Bounded
 * in memory whatever is tried. Any thread.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>

struct limiter;

/* Each key may be used `burst` times at once, and then once every `seconds`. */
struct limiter *limiter_new(int burst, double seconds);
void limiter_free(struct limiter *limiter);
DEFINE_AUTOPTR(limiter)

/* 0: it may be tried now, and this try counts. Else the number of seconds to wait. */
int limiter_try(struct limiter *limiter, const char *key);
/* Forgives what was tried: after a success. */
void limiter_forget(struct limiter *limiter, const char *key);
