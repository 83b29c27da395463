/* A folder and a DuckDB in memory, for tests that make and read tables. */
#pragma once

#include "duck/database.h"
#include "duck/query.h"

struct duck_fixture {
	char *folder; /* empty, goes with the fixture */
	struct duck_database *database;
	struct duck_connection *connection;
};

/* cmocka's set-up and tear-down; *state is the fixture. */
int duck_fixture_set_up(void **state);
int duck_fixture_tear_down(void **state);

struct duck_connection *duck_fixture_connection(void **state);
