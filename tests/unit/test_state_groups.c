/*
 * src/state/groups: creation, renaming and deletion in spite of the foreign keys, and what a
 * process that is killed in the middle of them leaves behind.
 */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/groups.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 50, KILLS = 12, LONGEST_LIFE_MS = 150 };

static char *create(struct state *state, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(group_record)
		group = groups_create(state, name, "what for", "a@example.com", &error);
	if (!group)
		fail_msg("%s", error->message);
	return group ? g_strdup(group->id) : NULL;
}

static void fill(struct state *state, const char *id)
{
	g_autofree char *sql = g_strdup_printf(
		"INSERT INTO user_group_members (user_id, group_id, source, added_at, added_by) "
		"SELECT 'user ' || i, '%s', 'google_sync', '2026-01-01', 'x' FROM range(%d) t(i); "
		"INSERT INTO resource_grants (id, group_id, resource_type, resource_id, "
		"assigned_at, assigned_by) SELECT '%s ' || i, '%s', 'table', 't' || i, "
		"'2026-01-02', 'y' FROM range(%d) t(i)",
		id, CHILDREN, id, id, CHILDREN);
	state_run(state, sql);
}

static int64_t count(struct state *state, const char *table, const char *group)
{
	g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM %s WHERE group_id = '%s'",
					       table, group);
	return state_number(state, sql);
}

static void assert_whole(struct state *state, const char *id)
{
	assert_int_equal(count(state, "user_group_members", id), CHILDREN);
	assert_int_equal(count(state, "resource_grants", id), CHILDREN);
	assert_int_equal(state_number(state, "SELECT count(*) FROM user_group_members "
					     "WHERE source = 'google_sync' AND added_by = 'x' "
					     "AND added_at = '2026-01-01'") %
				 CHILDREN,
			 0);
	assert_int_equal(state_number(state, "SELECT count(*) FROM resource_grants "
					     "WHERE resource_type = 'table' AND assigned_by = 'y' "
					     "AND assigned_at = '2026-01-02'") %
				 CHILDREN,
			 0);
}

static void a_new_group_has_a_hex_id_and_is_no_system_group(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *id = create(state, "Analysts");
	assert_int_equal(strlen(id), 32);
	assert_int_equal(strspn(id, "0123456789abcdef"), 32);
	g_autoptr(group_record) group = groups_find(state, id, NULL);
	assert_string_equal(group->name, "Analysts");
	assert_string_equal(group->description, "what for");
	assert_string_equal(group->created_by, "a@example.com");
	assert_true(group->created_at != DUCK_NO_TIME);
	assert_false(group->is_system);
}

static void names_are_taken_once_and_never_empty(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *id = create(state, "Analysts");
	assert_code(groups_create(state, "Analysts", NULL, NULL, &failure), AGNES_ERROR_CONFLICT);
	assert_code(groups_create(state, "", NULL, NULL, &failure), AGNES_ERROR_INVALID);
	assert_code(groups_find_by_name(state, "analysts", &failure), AGNES_ERROR_NOT_FOUND);
	g_autoptr(group_record) group = groups_find_by_name(state, "Analysts", NULL);
	assert_string_equal(group->id, id);
}

static void the_list_is_ordered_by_name(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *b = create(state, "zb"), *a = create(state, "za");
	g_autoptr(GPtrArray) groups = groups_list(state, NULL);
	assert_true(groups->len >= 2);
	assert_string_equal(((struct group *)groups->pdata[groups->len - 2])->id, a);
	assert_string_equal(((struct group *)groups->pdata[groups->len - 1])->id, b);
}

static void a_claim_finds_or_makes_its_group(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *id = create(state, "Analysts");
	g_autoptr(group_record) old = groups_ensure(state, "Analysts", "other", NULL);
	assert_string_equal(old->id, id);
	assert_string_equal(old->description, "what for");
	assert_string_equal(old->created_by, "a@example.com");
	g_autoptr(group_record) made = groups_ensure(state, "sales@example.com", NULL, NULL);
	assert_string_equal(made->created_by, "system:google-sync");
	assert_string_equal(made->description, "Auto-created from Google Workspace claim");
	g_autoptr(group_record) again = groups_ensure(state, "sales@example.com", "d", NULL);
	assert_string_equal(again->id, made->id);
	assert_string_equal(again->description, made->description);
}

static void a_rename_keeps_members_and_grants(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *id = create(state, "Old"), *other = create(state, "Other");
	fill(state, id);
	fill(state, other);
	assert_ok(groups_update(state, id, "New", "why", &failure));
	g_autoptr(group_record) group = groups_find_by_name(state, "New", NULL);
	assert_string_equal(group->id, id);
	assert_string_equal(group->description, "why");
	assert_whole(state, id);
	assert_whole(state, other);
	assert_ok(groups_update(state, id, "Old", NULL, &failure));
	state = state_fixture_reopen(context);
	assert_whole(state, id);
	assert_ok(groups_update(state, id, "New", NULL, &failure));
	assert_whole(state, id);
}

static void constraints_outlive_a_rename(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *id = create(state, "Old");
	fill(state, id);
	assert_ok(groups_update(state, id, "New", NULL, &failure));
	const char *const forbidden[] = {
		"INSERT INTO user_group_members (user_id, group_id, source) VALUES ('u', 'x', 'y')",
		"INSERT INTO user_group_members FROM user_group_members",
		("INSERT INTO resource_grants BY NAME SELECT * REPLACE (id || 'x' AS id) "
		 "FROM resource_grants"),
		"DELETE FROM user_groups",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(forbidden); i++) {
		g_auto(state_session) session = {0};
		assert_ok(state_session_begin(&session, state, STATE_WRITE, &failure));
		assert_code(duck_exec(session.connection, &failure, forbidden[i], NULL),
			    AGNES_ERROR_CONFLICT);
	}
}

static void a_refused_rename_changes_nothing(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *id = create(state, "Old");
	g_free(create(state, "Taken"));
	fill(state, id);
	assert_code(groups_update(state, id, "Taken", "why", &failure), AGNES_ERROR_CONFLICT);
	assert_code(groups_update(state, id, "", "why", &failure), AGNES_ERROR_INVALID);
	assert_code(groups_update(state, "nothing", "New", NULL, &failure), AGNES_ERROR_NOT_FOUND);
	g_autoptr(group_record) group = groups_find(state, id, NULL);
	assert_string_equal(group->name, "Old");
	assert_string_equal(group->description, "what for");
	assert_whole(state, id);
	assert_ok(groups_update(state, id, "Free", NULL, &failure));
	assert_whole(state, id);
}

static void system_groups_are_described_but_neither_renamed_nor_deleted(void **context)
{
	struct state *state = state_of(context);
	g_autoptr(group_record) before = groups_find_by_name(state, GROUPS_EVERYONE, NULL);
	assert_code(groups_update(state, before->id, "Nobody", "x", &failure),
		    AGNES_ERROR_CONFLICT);
	assert_code(groups_delete(state, before->id, &failure), AGNES_ERROR_CONFLICT);
	assert_ok(groups_update(state, before->id, GROUPS_EVERYONE, "all of us", &failure));
	g_autoptr(group_record) after = groups_find_by_name(state, GROUPS_EVERYONE, NULL);
	assert_string_equal(after->description, "all of us");
	assert_true(after->is_system);
}

static void a_group_is_deleted_with_members_and_grants(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *id = create(state, "Gone"), *other = create(state, "Stays");
	fill(state, id);
	fill(state, other);
	assert_ok(groups_delete(state, id, &failure));
	assert_code(groups_find(state, id, &failure), AGNES_ERROR_NOT_FOUND);
	assert_int_equal(count(state, "user_group_members", id), 0);
	assert_int_equal(count(state, "resource_grants", id), 0);
	assert_whole(state, other);
	assert_code(groups_delete(state, id, &failure), AGNES_ERROR_NOT_FOUND);
}

static void a_deletion_that_stopped_halfway_is_repeated(void **context)
{
	static const char *const prefixes[] = {
		"SELECT 1",
		"DELETE FROM user_group_members WHERE group_id = '%s'",
		"DELETE FROM resource_grants WHERE group_id = '%s'",
		("DELETE FROM user_group_members WHERE group_id = '%s'; "
		 "DELETE FROM resource_grants WHERE group_id = '%s'"),
	};
	struct state *state = state_of(context);
	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		g_autofree char *id = create(state, "Gone");
		fill(state, id);
		g_auto(GStrv) pieces = g_strsplit(prefixes[i], "%s", 0);
		g_autofree char *sql = g_strjoinv(id, pieces);
		state_run(state, sql);
		state = state_fixture_reopen(context);
		assert_ok(groups_delete(state, id, &failure));
		assert_code(groups_find(state, id, &failure), AGNES_ERROR_NOT_FOUND);
	}
}

/* '%s' stands for the id of the group. */
static void a_rename_that_stopped_halfway_is_finished(void **context)
{
	static const char *const steps[] = {
		"INSERT INTO user_groups (id, name, description, created_by) "
		"VALUES ('parking', '(being renamed)', '%s', 'system:rename')",
		"UPDATE user_group_members SET group_id = 'parking' WHERE group_id = '%s'; "
		"UPDATE resource_grants SET group_id = 'parking' WHERE group_id = '%s'",
		"UPDATE user_groups SET name = 'New' WHERE id = '%s'",
		"UPDATE user_group_members SET group_id = '%s' WHERE group_id = 'parking'; "
		"UPDATE resource_grants SET group_id = '%s' WHERE group_id = 'parking'",
	};
	for (size_t stop = 1; stop <= G_N_ELEMENTS(steps); stop++) {
		struct state *state = state_of(context);
		g_autofree char *id = create(state, "Old");
		fill(state, id);
		for (size_t i = 0; i < stop; i++) {
			g_auto(GStrv) pieces = g_strsplit(steps[i], "%s", 0);
			g_autofree char *sql = g_strjoinv(id, pieces);
			state_run(state, sql);
		}
		if (stop % 2)
			state = state_fixture_reopen(context);
		else
			assert_ok(groups_update(state, id, "New", NULL, &failure));
		assert_whole(state, id);
		assert_code(groups_find(state, "parking", &failure), AGNES_ERROR_NOT_FOUND);
		assert_ok(groups_delete(state, id, &failure));
	}
}

/* The older version of the program knows nothing of the group that a rename leaves behind. */
static void a_halfway_rename_may_have_changed_since(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *id = create(state, "Old"), *parking = create(state, "Parking");
	g_autofree char *mark = g_strdup_printf("UPDATE user_groups SET description = '%s', "
						"created_by = 'system:rename' WHERE id = '%s'",
						id, parking);
	fill(state, parking);
	fill(state, id);
	state_run(state, "DELETE FROM user_group_members WHERE group_id <> (SELECT min(group_id) "
			 "FROM user_group_members) AND user_id = 'user 1'");
	state_run(state, mark);
	state = state_fixture_reopen(context);
	assert_whole(state, id);
	g_autofree char *orphan = g_strdup_printf("INSERT INTO user_groups (id, name, description, "
						  "created_by) VALUES ('x', 'x', '%s', "
						  "'system:rename')",
						  parking);
	state_run(state, orphan);
	state = state_fixture_reopen(context);
	assert_whole(state, id);
}

static void readers_keep_their_picture(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *id = create(state, "Old"), *gone = create(state, "Gone");
	fill(state, id);
	fill(state, gone);
	g_auto(state_session) reader = {0};
	assert_ok(state_session_begin(&reader, state, STATE_READ, &failure));
	for (int i = 0; i < 2; i++) {
		g_autoptr(duck_rows) rows = duck_query(
			reader.connection, NULL,
			"SELECT (SELECT count(*) FROM user_group_members), "
			"(SELECT count(*) FROM resource_grants), "
			"(SELECT count(*) FROM user_groups WHERE name IN ('Old', 'Gone'))",
			NULL);
		assert_true(rows && duck_rows_next(rows));
		assert_int_equal(duck_rows_int(rows, 0), 2 * CHILDREN);
		assert_int_equal(duck_rows_int(rows, 1), 2 * CHILDREN);
		assert_int_equal(duck_rows_int(rows, 2), 2);
		if (i == 0) {
			assert_ok(groups_update(state, id, "New", NULL, &failure));
			assert_ok(groups_delete(state, gone, &failure));
		}
	}
}

/* What the child process does until it is killed. */
static int hammer(const char *folder)
{
	g_autoptr(state_db) state = state_open(folder, NULL, NULL);
	g_autoptr(group_record) kept = groups_ensure(state, "Kept A", NULL, NULL);
	g_autofree char *id = g_strdup(kept->id);
	puts("ready");
	fflush(stdout);
	for (int i = 1; i < 100000; i++) {
		g_autoptr(group_record) passing = groups_create(state, "Passing", NULL, NULL, NULL);
		if (!passing || !groups_update(state, id, i % 2 ? "Kept B" : "Kept A", NULL, NULL))
			return 1;
		fill(state, passing->id);
		if (!groups_delete(state, passing->id, NULL))
			return 1;
	}
	return 0;
}

static void run_and_kill(const char *folder, unsigned life_ms)
{
	char line[16] = "";
	int out;
	GPid pid;
	char *argv[] = {(char *)"/proc/self/exe", (char *)"hammer", (char *)folder, NULL};
	assert_true(g_spawn_async_with_pipes(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL,
					     NULL, &pid, NULL, &out, NULL, NULL));
	assert_true(read(out, line, sizeof(line) - 1) > 0);
	assert_string_equal(line, "ready\n");
	g_usleep(life_ms * 1000);
	int status;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(out);
}

static void killed_at_any_moment_nothing_is_torn(void **context)
{
	struct state *state = state_of(context);
	g_autoptr(group_record) kept = groups_ensure(state, "Kept A", NULL, NULL);
	fill(state, kept->id);
	for (int i = 0; i < KILLS; i++) {
		state_fixture_close(context);
		run_and_kill(state_fixture_folder(context),
			     (unsigned)g_random_int_range(0, LONGEST_LIFE_MS));
		state = state_fixture_reopen(context);
		assert_whole(state, kept->id);
		g_autoptr(group_record) group = groups_find(state, kept->id, NULL);
		assert_true(g_str_has_prefix(group->name, "Kept "));
		assert_ok(groups_update(state, kept->id, "Kept A", NULL, &failure));
		g_autoptr(group_record) half = groups_find_by_name(state, "Passing", NULL);
		if (half)
			assert_ok(groups_delete(state, half->id, &failure));
		assert_int_equal(state_number(state, "SELECT count(*) FROM user_group_members"),
				 CHILDREN);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "hammer") == 0)
		return hammer(argv[2]);
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_new_group_has_a_hex_id_and_is_no_system_group),
		STATE_TEST(names_are_taken_once_and_never_empty),
		STATE_TEST(the_list_is_ordered_by_name),
		STATE_TEST(a_claim_finds_or_makes_its_group),
		STATE_TEST(a_rename_keeps_members_and_grants),
		STATE_TEST(constraints_outlive_a_rename),
		STATE_TEST(a_refused_rename_changes_nothing),
		STATE_TEST(system_groups_are_described_but_neither_renamed_nor_deleted),
		STATE_TEST(a_group_is_deleted_with_members_and_grants),
		STATE_TEST(a_deletion_that_stopped_halfway_is_repeated),
		STATE_TEST(a_rename_that_stopped_halfway_is_finished),
		STATE_TEST(a_halfway_rename_may_have_changed_since),
		STATE_TEST(readers_keep_their_picture),
		STATE_TEST(killed_at_any_moment_nothing_is_torn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
