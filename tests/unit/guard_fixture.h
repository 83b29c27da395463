/* A guard over tables, for tests. */
#pragma once

#include "duck/database.h"
#include "query/guard.h"

#include <jansson.h>

struct guard_fixture {
	struct duck_database *database;
	struct query_tables *tables;
	struct query_guard *guard;
};

/* For a set-up, and the tear-down, of cmocka; *state is the fixture. `tables` is taken over. */
int guard_fixture_set_up(void **state, json_t *tables);
int guard_fixture_tear_down(void **state);
