/* src/app/manifest_assets: looks that notice changes, and that nobody waits for. */
#include "app/manifest_assets.h"

#include "base/files.h"
#include "base/json.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PROFILES "src_data/metadata/profiles.json"

static int enter_folder(void **state)
{
	char *folder = g_dir_make_tmp("agnes-assets-XXXXXX", NULL);
	*state = folder;
	return folder && g_chdir(folder) == 0 && files_make_folder("src_data/metadata", NULL) ? 0
											      : -1;
}

static int leave_folder(void **state)
{
	g_autofree char *folder = *state;
	return g_chdir("/") == 0 && files_remove_tree(folder, NULL) ? 0 : -1;
}

static void write_profiles(const char *text)
{
	assert_true(files_replace(PROFILES, text, strlen(text), 0600, NULL));
}

static void assert_hash(struct manifest_assets *assets, const char *name, const char *expected)
{
	g_autoptr(json_t) found = manifest_assets_get(assets);
	const json_t *hash = json_object_get(json_object_get(found, name), "hash");
	if (expected)
		assert_string_equal(json_string_value(hash), expected);
	else
		assert_null(hash);
}

static void a_file_is_hashed_when_it_changed(void **state)
{
	g_autoptr(manifest_assets) assets = manifest_assets_new(".");
	assert_hash(assets, "profiles", NULL);
	write_profiles("{}");
	/* Asking does not touch the disk: only a look does. */
	assert_hash(assets, "profiles", NULL);
	manifest_assets_look(assets);
	assert_hash(assets, "profiles", "99914b932bd37a50b983c5e7c90ae93b");
	g_autoptr(json_t) before = manifest_assets_get(assets);
	manifest_assets_look(assets);
	g_autoptr(json_t) same = manifest_assets_get(assets);
	assert_ptr_equal(before, same);
	write_profiles("[]"); /* of the same size */
	manifest_assets_look(assets);
	assert_hash(assets, "profiles", "d751713988987e9331980363e24189ce");
	g_autoptr(json_t) after = manifest_assets_get(assets);
	assert_ptr_not_equal(before, after);
	assert_int_equal(g_unlink(PROFILES), 0);
	manifest_assets_look(assets);
	assert_hash(assets, "profiles", NULL);
}

static void a_file_that_is_not_one_is_left_out(void **state)
{
	assert_int_equal(mkfifo(PROFILES, 0600), 0); /* reading it would wait for a writer */
	g_autoptr(manifest_assets) assets = manifest_assets_new(".");
	assert_hash(assets, "profiles", NULL);
}

static void set_time(const char *path, time_t seconds)
{
	const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void a_folder_counts_by_its_newest_file(void **state)
{
	assert_true(files_make_folder("docs/deep", NULL));
	assert_true(g_file_set_contents("docs/a.md", "a", 1, NULL));
	assert_true(g_file_set_contents("docs/deep/b.md", "b", 1, NULL));
	set_time("docs/a.md", 1600000000);
	set_time("docs/deep/b.md", 1600000000);
	g_autoptr(manifest_assets) assets = manifest_assets_new(".");
	assert_hash(assets, "docs", "1600000000");
	set_time("docs/deep/b.md", 1700000000);
	manifest_assets_look(assets);
	assert_hash(assets, "docs", "1700000000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_hashed_when_it_changed, enter_folder,
						leave_folder),
		cmocka_unit_test_setup_teardown(a_file_that_is_not_one_is_left_out, enter_folder,
						leave_folder),
		cmocka_unit_test_setup_teardown(a_folder_counts_by_its_newest_file, enter_folder,
						leave_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
