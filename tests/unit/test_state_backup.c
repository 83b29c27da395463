/* src/state: backups that were read before they count, and going back to one. */
#include "base/files.h"
#include "state/backup.h"
#include "state/backup_keeper.h"
#include "state/check.h"
#include "state/file.h"
#include "state_fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BROKEN "this is no database"

static char *in_state(void **context, const char *name)
{
	return g_build_filename(state_fixture_folder(context), "state", name, NULL);
}

static void write_file(const char *path, const char *text)
{
	assert_ok(files_replace(path, text, strlen(text), 0600, &failure));
}

static void assert_content(const char *path, const char *text)
{
	g_autofree char *content = files_read(path, 1024, NULL, NULL);
	assert_non_null(content);
	assert_string_equal(content, text);
}

static unsigned count_files(void **context, const char *folder)
{
	g_autofree char *path = in_state(context, folder);
	g_autoptr(GDir) files = g_dir_open(path, 0, NULL);
	unsigned count = 0;
	while (files && g_dir_read_name(files))
		count++;
	return count;
}

static char *make_backup(void **context, unsigned keep)
{
	g_autoptr(GError) error = NULL;
	char *path = backup_create(state_of(context), keep, &error);
	if (!path)
		fail_msg("%s", error->message);
	return path;
}

static void a_backup_holds_what_was_committed(void **context)
{
	state_run(state_of(context),
		  "INSERT INTO users (id, email) VALUES ('u1', 'a@example.com')");
	g_autofree char *path = make_backup(context, 7);
	assert_ok(state_check_readable(path, &failure));
	g_autofree char *folder = g_build_filename(state_fixture_folder(context), "copy", NULL);
	g_autofree char *state = g_build_filename(folder, "state", NULL);
	g_autofree char *copy = state_file_path(folder);
	assert_ok(files_make_folder(state, &failure));
	assert_ok(files_copy(path, copy, &failure));
	g_autoptr(state_db) other = state_open(folder, NULL, NULL);
	assert_non_null(other);
	assert_int_equal(state_number(other, "SELECT count(*) FROM users WHERE id = 'u1'"), 1);
}

/* Copying reads the file by a descriptor of its own; closing that would drop DuckDB's lock. */
static void the_state_stays_locked_after_a_backup(void **context)
{
	g_autofree char *path = state_file_path(state_fixture_folder(context));
	g_free(make_backup(context, 7));
	pid_t child = fork();
	if (child == 0)
		_exit(state_file_lock(path, NULL) < 0 ? 0 : 1);
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void only_the_newest_are_kept(void **context)
{
	static const char *const older[] = {"system-20200101T000000Z.duckdb",
					    "system-20200102T000000Z.duckdb",
					    "system-20200103T000000Z.duckdb"};
	g_autofree char *folder = in_state(context, "backups");
	assert_ok(files_make_folder(folder, &failure));
	for (size_t i = 0; i < G_N_ELEMENTS(older); i++) {
		g_autofree char *path = g_build_filename(folder, older[i], NULL);
		write_file(path, "old");
	}
	g_autofree char *foreign = g_build_filename(folder, "system-by-hand.duckdb", NULL);
	g_autofree char *part = g_build_filename(folder, "system-20200104T000000Z.duckdb.part",
						 NULL);
	write_file(foreign, "mine");
	write_file(part, "half");
	g_free(make_backup(context, 2));
	g_autofree char *kept = g_build_filename(folder, older[2], NULL);
	assert_content(kept, "old");
	assert_content(foreign, "mine");
	assert_int_equal(count_files(context, "backups"), 3);
}

static void a_backup_is_due_by_the_age_of_the_newest(void **context)
{
	const char *data_dir = state_fixture_folder(context);
	g_autofree char *folder = in_state(context, "backups");
	assert_true(backup_is_due(data_dir, 24));
	g_autofree char *path = make_backup(context, 7);
	assert_false(backup_is_due(data_dir, 24));
	g_autofree char *old = g_build_filename(folder, "system-20200101T000000Z.duckdb", NULL);
	assert_int_equal(g_rename(path, old), 0);
	assert_true(backup_is_due(data_dir, 24));
	g_autofree char *future = g_build_filename(folder, "system-29990101T000000Z.duckdb", NULL);
	assert_int_equal(g_rename(old, future), 0);
	assert_true(backup_is_due(data_dir, 24));
}

static void the_keeper_makes_a_backup_when_one_is_due(void **context)
{
	const struct backup_plan plan = {.keep = 2, .hours = 24};
	const char *data_dir = state_fixture_folder(context);
	{
		g_autoptr(backup_keeper) keeper = backup_keeper_new(state_of(context), &plan);
		while (backup_is_due(data_dir, plan.hours))
			g_usleep(5 * G_TIME_SPAN_MILLISECOND);
	}
	assert_int_equal(count_files(context, "backups"), 1);
	/* The next one finds it done, and stops although it would look only in ten minutes. */
	backup_keeper_free(backup_keeper_new(state_of(context), &plan));
	assert_int_equal(count_files(context, "backups"), 1);
}

static void restore_takes_the_newest_that_can_be_read(void **context)
{
	const char *data_dir = state_fixture_folder(context);
	state_run(state_of(context),
		  "INSERT INTO users (id, email) VALUES ('u1', 'a@example.com')");
	g_autofree char *good = make_backup(context, 7);
	g_autofree char *folder = in_state(context, "backups");
	g_autofree char *bad = g_build_filename(folder, "system-29990101T000000Z.duckdb", NULL);
	g_autofree char *path = state_file_path(data_dir);
	g_autofree char *journal = g_strconcat(path, ".wal", NULL);
	write_file(bad, BROKEN);
	state_run(state_of(context), "DELETE FROM users");
	state_fixture_close(context);
	write_file(path, BROKEN);
	write_file(journal, "journal of the broken one");

	g_auto(backup_restored) restored = {0};
	assert_ok(backup_restore(data_dir, &restored, &failure));
	assert_string_equal(restored.from, good);
	assert_content(restored.aside, BROKEN);
	g_autofree char *journal_aside = g_strconcat(restored.aside, ".wal", NULL);
	assert_content(journal_aside, "journal of the broken one");
	struct state *state = state_fixture_reopen(context);
	assert_int_equal(state_number(state, "SELECT count(*) FROM users"), 1);
}

static void without_a_good_backup_nothing_changes(void **context)
{
	const char *data_dir = state_fixture_folder(context);
	g_autofree char *folder = in_state(context, "backups");
	g_autofree char *bad = g_build_filename(folder, "system-20240101T000000Z.duckdb", NULL);
	g_autofree char *path = state_file_path(data_dir);
	assert_ok(files_make_folder(folder, &failure));
	write_file(bad, BROKEN);
	state_fixture_close(context);
	write_file(path, BROKEN);
	g_auto(backup_restored) restored = {0};
	assert_code(backup_restore(data_dir, &restored, &failure), AGNES_ERROR_NOT_FOUND);
	assert_content(path, BROKEN);
	assert_int_equal(count_files(context, "."), 2);
}

static GPtrArray *problems_of(void **context)
{
	g_autofree char *summary = NULL;
	GPtrArray *problems = g_ptr_array_new_with_free_func(g_free);
	assert_ok(state_check(state_fixture_folder(context), problems, &summary, &failure));
	return problems;
}

static void a_sound_state_has_no_problems(void **context)
{
	state_run(state_of(context),
		  "INSERT INTO users (id, email) SELECT 'u' || i, i || '@example.com' "
		  "FROM range(3000) t(i);"
		  "INSERT INTO user_group_members (user_id, group_id, source) "
		  "SELECT u.id, g.id, 'admin' FROM users u, user_groups g;"
		  "DELETE FROM users WHERE id < 'u2'");
	state_fixture_close(context);
	unsigned before = count_files(context, ".");
	g_autoptr(GPtrArray) problems = problems_of(context);
	assert_int_equal(problems->len, 0);
	assert_int_equal(count_files(context, "."), before);
}

static void a_missing_state_with_backups_is_a_problem(void **context)
{
	g_autofree char *path = state_file_path(state_fixture_folder(context));
	g_free(make_backup(context, 7));
	state_fixture_close(context);
	assert_int_equal(g_unlink(path), 0);
	g_autoptr(GPtrArray) problems = problems_of(context);
	assert_int_equal(problems->len, 1);
	g_auto(backup_restored) restored = {0};
	assert_ok(backup_restore(state_fixture_folder(context), &restored, &failure));
	assert_null(restored.aside);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_backup_holds_what_was_committed),
		STATE_TEST(the_state_stays_locked_after_a_backup),
		STATE_TEST(only_the_newest_are_kept),
		STATE_TEST(a_backup_is_due_by_the_age_of_the_newest),
		STATE_TEST(the_keeper_makes_a_backup_when_one_is_due),
		STATE_TEST(restore_takes_the_newest_that_can_be_read),
		STATE_TEST(without_a_good_backup_nothing_changes),
		STATE_TEST(a_sound_state_has_no_problems),
		STATE_TEST(a_missing_state_with_backups_is_a_problem),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
