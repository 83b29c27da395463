/* What tests with tables of their own share. */
#include "duck_fixture.h"

#include "base/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int duck_fixture_set_up(void **state)
{
	struct duck_fixture *fixture = g_new0(struct duck_fixture, 1);
	fixture->folder = g_dir_make_tmp("agnes-test-XXXXXX", NULL);
	fixture->database = duck_database_open(NULL, NULL, NULL);
	assert_non_null(fixture->database);
	fixture->connection = duck_connect(fixture->database, NULL);
	*state = fixture;
	return 0;
}

int duck_fixture_tear_down(void **state)
{
	struct duck_fixture *fixture = *state;
	duck_connection_free(fixture->connection);
	duck_database_free(fixture->database);
	bool removed = files_remove_tree(fixture->folder, NULL);
	g_free(fixture->folder);
	g_free(fixture);
	return removed ? 0 : -1;
}

struct duck_connection *duck_fixture_connection(void **state)
{
	return ((struct duck_fixture *)*state)->connection;
}
