/* A fresh state in a temporary folder for each test of a repository, and terse assertions. */
#pragma once

#include "base/error.h"
#include "state/state.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int state_fixture_set_up(void **context);
int state_fixture_tear_down(void **context);

#define STATE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, state_fixture_set_up, state_fixture_tear_down)

struct state *state_of(void **context);
const char *state_fixture_folder(void **context);

/* Closes the state, if it is open, and opens it again, as a restart does. */
struct state *state_fixture_reopen(void **context);
void state_fixture_close(void **context);

/* SQL for its effect, and the one number that a query gives. */
void state_run(struct state *state, const char *sql);
int64_t state_number(struct state *state, const char *sql);

/*
 * The ids of records, joined by commas: for types whose first member is their id. An array of NULL
 * fails.
 */
void assert_ids(const GPtrArray *records, const char *expected);

/* The call takes `&failure` as its GError **. */
#define assert_ok(call)                                                                           \
	do {                                                                                      \
		g_autoptr(GError) failure = NULL;                                                 \
		if (!(call))                                                                      \
			fail_msg("%s: %s", #call, failure ? failure->message : "(no error set)"); \
	} while (0)

#define assert_code(call, expected)                                              \
	do {                                                                     \
		g_autoptr(GError) failure = NULL;                                \
		assert_false(call);                                              \
		if (!g_error_matches(failure, AGNES_ERROR, expected))            \
			fail_msg("%s: expected " #expected ", got %s", #call,    \
				 failure ? failure->message : "(no error set)"); \
	} while (0)
