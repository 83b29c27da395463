/* The fixture of the tests of repositories. */
#include "state_fixture.h"

#include "duck/query.h"

#include <glib/gstdio.h>

struct fixture {
	char *folder;
	struct state *state;
};

static void open_state(struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	fixture->state = state_open(fixture->folder, NULL, &error);
	if (!fixture->state)
		fail_msg("%s", error->message);
}

int state_fixture_set_up(void **context)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->folder = g_dir_make_tmp("test-state-XXXXXX", NULL);
	open_state(fixture);
	*context = fixture;
	return 0;
}

static void remove_folder(const char *path)
{
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	const char *name;
	while (folder && (name = g_dir_read_name(folder))) {
		g_autofree char *child = g_build_filename(path, name, NULL);
		remove_folder(child);
	}
	g_remove(path);
}

int state_fixture_tear_down(void **context)
{
	struct fixture *fixture = *context;
	state_free(fixture->state);
	remove_folder(fixture->folder);
	g_free(fixture->folder);
	g_free(fixture);
	return 0;
}

struct state *state_of(void **context)
{
	return ((struct fixture *)*context)->state;
}

const char *state_fixture_folder(void **context)
{
	return ((struct fixture *)*context)->folder;
}

void state_fixture_close(void **context)
{
	struct fixture *fixture = *context;
	g_clear_pointer(&fixture->state, state_free);
}

struct state *state_fixture_reopen(void **context)
{
	state_fixture_close(context);
	open_state(*context);
	return state_of(context);
}

void state_run(struct state *state, const char *sql)
{
	g_autoptr(GError) error = NULL;
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, &error) ||
	    !duck_exec(session.connection, &error, sql, NULL))
		fail_msg("%s: %s", sql, error->message);
}

int64_t state_number(struct state *state, const char *sql)
{
	g_autoptr(GError) error = NULL;
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_READ, &error))
		fail_msg("%s: %s", sql, error->message);
	g_autoptr(duck_rows) rows = duck_query(session.connection, &error, sql, NULL);
	if (!rows || !duck_rows_next(rows))
		fail_msg("%s: %s", sql, error ? error->message : "no row");
	return duck_rows_int(rows, 0);
}

void assert_ids(const GPtrArray *records, const char *expected)
{
	g_autoptr(GString) ids = g_string_new(NULL);
	assert_non_null(records);
	for (guint i = 0; i < records->len; i++)
		g_string_append_printf(ids, "%s%s", i ? "," : "",
				       *(const char *const *)records->pdata[i]);
	assert_string_equal(ids->str, expected);
}
