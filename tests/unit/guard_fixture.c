/* Making and freeing the guard of a test. */
#include "guard_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int guard_fixture_set_up(void **state, json_t *tables)
{
	struct guard_fixture *at = g_new0(struct guard_fixture, 1);
	at->tables = query_tables_new(tables, NULL);
	json_decref(tables);
	assert_non_null(at->tables);
	at->database = duck_database_open(NULL, NULL, NULL);
	at->guard = query_guard_new(at->database, at->tables, NULL);
	assert_non_null(at->guard);
	*state = at;
	return 0;
}

int guard_fixture_tear_down(void **state)
{
	struct guard_fixture *at = *state;
	query_guard_free(at->guard);
	duck_database_free(at->database);
	query_tables_free(at->tables);
	g_free(at);
	return 0;
}
