/* What a sync decides and shows: manifests, plans, pruning, progress; and hashing while writing. */
#include "base/error.h"
#include "base/files.h"
#include "base/md5.h"
#include "cli/sync/hasher.h"
#include "cli/sync/plan.h"
#include "cli/sync/progress.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HASH_1 "11111111111111111111111111111111"
#define HASH_2 "22222222222222222222222222222222"

/* --- manifests --- */

static struct sync_manifest *parse(const char *text)
{
	g_autoptr(GError) error = NULL;
	struct sync_manifest *manifest = sync_manifest_parse(text, strlen(text), &error);
	if (!manifest)
		assert_int_equal(error->code, AGNES_ERROR_INVALID);
	return manifest;
}

static void members_that_are_missing_or_odd(void **state)
{
	g_autoptr(sync_manifest) manifest = parse(
		"{\"tables\": {\"a\": {}, \"b\": null, \"c\": {\"hash\": null, \"rows\": -5, "
		"\"size_bytes\": \"x\", \"query_mode\": \"remote\"}, \"../d\": {\"hash\": \"h\"}}}");
	assert_non_null(manifest);
	assert_int_equal(manifest->tables->len, 4);
	for (guint i = 0; i < 3; i++) {
		const struct offered_table *table = manifest->tables->pdata[i];
		assert_string_equal(table->hash, "");
		assert_int_equal(table->rows, 0);
		assert_int_equal(table->size_bytes, 0);
		assert_int_equal(table->is_remote, i == 2);
		assert_true(table->is_safe);
	}
	assert_false(((struct offered_table *)manifest->tables->pdata[3])->is_safe);
}

static void what_is_no_manifest(void **state)
{
	static const char *const texts[] = {"",
					    "null",
					    "[]",
					    "{}",
					    "{\"tables\": []}",
					    "{\"tables\": {\"a\": 1, \"a\": 2}}",
					    "<html>"};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		assert_null(parse(texts[i]));
}

static void hashes_and_names(void **state)
{
	assert_true(sync_hash_is_md5(HASH_1));
	assert_false(sync_hash_is_md5("1111"));
	assert_false(sync_hash_is_md5("ABCDEFABCDEFABCDEFABCDEFABCDEFAB"));
	g_autofree char *shown = sync_name_to_show("a\nb\x1b[31m");
	assert_string_equal(shown, "a\\x0ab\\x1b[31m");
	g_autofree char *long_name = g_strnfill(300, 'x');
	g_autofree char *cut = sync_name_to_show(long_name);
	assert_int_equal(g_utf8_strlen(cut, -1), 41);
}

/* --- plans --- */

struct folder {
	char *path;
	int fd;
};

static int make_folder(void **state)
{
	struct folder *folder = g_new(struct folder, 1);
	folder->path = g_dir_make_tmp("agnes-sync-XXXXXX", NULL);
	folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = folder;
	return folder->fd < 0;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;
	close(folder->fd);
	bool removed = files_remove_tree(folder->path, NULL);
	g_free(folder->path);
	g_free(folder);
	return !removed;
}

static struct file_mark write_file(const struct folder *folder, const char *table, size_t size)
{
	struct file_mark mark;
	g_autofree char *name = sync_file_name(table);
	g_autofree char *content = g_strnfill(size, 'x');
	assert_true(files_replace_at(folder->fd, name, content, size, 0600, false, NULL));
	assert_true(file_mark_take(folder->fd, name, &mark));
	return mark;
}

static void remember(struct sync_state *sync, const char *table, const char *hash,
		     const struct file_mark *mark)
{
	g_hash_table_insert(sync->tables, g_strdup(table),
			    synced_table_new(hash, 1, mark->size, mark));
}

static enum sync_action action_of(const struct sync_plan *plan, const char *table)
{
	for (guint i = 0; i < plan->steps->len; i++) {
		const struct sync_step *step = &g_array_index(plan->steps, struct sync_step, i);
		if (strcmp(step->table->name, table) == 0)
			return step->action;
	}
	fail_msg("%s is not in the plan", table);
	return SYNC_SKIPPED;
}

static void each_table_gets_its_action(void **data)
{
	const struct folder *folder = *data;
	g_autoptr(sync_state) state = sync_state_new();
	g_autoptr(GHashTable)
		tokens = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(sync_manifest) manifest = parse(
		"{\"tables\": {\"new\": {\"hash\": \"" HASH_1 "\"}, \"same\": {\"hash\": \"" HASH_1
		"\"}, \"changed\": {\"hash\": \"" HASH_2 "\"}, \"touched\": {\"hash\": \"" HASH_1
		"\", \"size_bytes\": 10}, \"cut\": {\"hash\": \"" HASH_1
		"\", \"size_bytes\": 11}, \"unknown\": {\"hash\": \"" HASH_1
		"\"}, \"token\": {\"hash\": \"t1\", \"size_bytes\": 10}, \"newtoken\": {\"hash\": "
		"\"t2\", \"size_bytes\": 10}, \"older\": {\"hash\": \"t3\", \"size_bytes\": 10}, "
		"\"none\": {\"hash\": \"\"}, \"far\": {\"query_mode\": \"remote\"}, \"a/b\": {}, "
		"\"lost\": {\"hash\": \"" HASH_1 "\"}}}");
	static const char *const known[] = {"same", "changed", "touched", "cut", "none"};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		struct file_mark mark = write_file(folder, known[i], 10);
		remember(state, known[i], HASH_1, &mark);
	}
	struct file_mark lost = {10, 1, 1};
	remember(state, "lost", HASH_1, &lost);
	remember(state, "gone", HASH_1, &lost);
	write_file(folder, "touched", 10);
	write_file(folder, "cut", 10);
	write_file(folder, "unknown", 10);
	struct file_mark mark = write_file(folder, "token", 10);
	remember(state, "token", "t1", &mark);
	mark = write_file(folder, "newtoken", 10);
	remember(state, "newtoken", "t1", &mark);
	write_file(folder, "older", 10);
	g_hash_table_insert(tokens, g_strdup("older"), g_strdup("t3"));
	const struct sync_question question = {
		.manifest = manifest, .state = state, .tokens = tokens, .folder = folder->fd};
	g_autoptr(sync_plan) plan = sync_plan_make(&question);
	static const struct {
		const char *table;
		enum sync_action action;
	} expected[] = {
		{"new", SYNC_DOWNLOAD},	 {"same", SYNC_CURRENT},      {"changed", SYNC_DOWNLOAD},
		{"touched", SYNC_CHECK}, {"cut", SYNC_DOWNLOAD},      {"unknown", SYNC_CHECK},
		{"token", SYNC_CURRENT}, {"newtoken", SYNC_DOWNLOAD}, {"older", SYNC_CHECK},
		{"none", SYNC_DOWNLOAD}, {"far", SYNC_REMOTE},	      {"a/b", SYNC_REFUSED},
		{"lost", SYNC_DOWNLOAD},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
		assert_int_equal(action_of(plan, expected[i].table), expected[i].action);
	assert_int_equal(plan->gone->len, 1);
	assert_string_equal(plan->gone->pdata[0], "gone");
}

static void one_table_alone(void **data)
{
	g_autoptr(sync_state) state = sync_state_new();
	g_autoptr(sync_manifest)
		manifest = parse("{\"tables\": {\"a\": {}, \"b\": {}, \"c/d\": {}}}");
	const struct sync_question question = {
		.manifest = manifest, .state = state, .folder = -1, .table = "b"};
	g_autoptr(sync_plan) plan = sync_plan_make(&question);
	assert_int_equal(action_of(plan, "a"), SYNC_SKIPPED);
	assert_int_equal(action_of(plan, "b"), SYNC_DOWNLOAD);
	assert_int_equal(action_of(plan, "c/d"), SYNC_SKIPPED);
}

/* How many tables are offered, of how many that are here, and whether the rest may go. */
static void assert_prune(int offered, int here, bool allowed)
{
	g_autoptr(GString) text = g_string_new("{\"tables\": {");
	g_autoptr(sync_state) state = sync_state_new();
	const struct file_mark mark = {0};
	for (int i = 0; i < offered; i++)
		g_string_append_printf(text, "%s\"t%d\": {}", i ? "," : "", i);
	g_string_append(text, "}}");
	for (int i = 0; i < here; i++) {
		g_autofree char *name = g_strdup_printf("t%d", i);
		remember(state, name, "", &mark);
	}
	g_autoptr(sync_manifest) manifest = parse(text->str);
	const struct sync_question question = {.manifest = manifest, .state = state, .folder = -1};
	g_autoptr(sync_plan) plan = sync_plan_make(&question);
	assert_int_equal(sync_plan_may_prune(plan), allowed);
}

static void when_tables_may_be_removed(void **data)
{
	assert_prune(0, 0, false);
	assert_prune(0, 4, false);
	assert_prune(1, 4, false);
	assert_prune(2, 4, true);
	assert_prune(3, 4, true);
	assert_prune(4, 4, true);
	assert_prune(9, 4, true);
}

/* --- hashing --- */

static void files_that_grow(void **data)
{
	enum { FILES = 11, LONGEST = 700 * 1000, STEP = 10 * 1000 };
	const struct folder *folder = *data;
	g_autoptr(hasher) hasher = hasher_new();
	g_autofree guint8 *content = g_malloc(LONGEST);
	struct hashing *hashings[FILES] = {0};
	int fds[FILES];
	for (size_t i = 0; i < LONGEST; i++)
		content[i] = (guint8)(i * 7 + (i >> 9));
	for (size_t i = 0; i < FILES; i++) {
		g_autofree char *name = g_strdup_printf("f%zu", i);
		fds[i] = openat(folder->fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		hashings[i] = hashing_begin(hasher, fds[i], 0);
	}
	/* File i ends i bytes before a multiple of the step. */
	for (size_t at = 0; at < LONGEST; at += STEP) {
		for (size_t i = 0; i < FILES; i++) {
			size_t size = at + STEP == LONGEST ? STEP - i : STEP;
			assert_true(files_write_all(fds[i], content + at, size));
			hashing_advance(hashings[i], (int64_t)(at + size));
		}
	}
	for (size_t i = 0; i < FILES; i++) {
		g_autofree char *ours = hashing_finish(hashings[i], NULL);
		g_autofree char *theirs = g_compute_checksum_for_data(G_CHECKSUM_MD5, content,
								      LONGEST - i);
		assert_string_equal(ours, theirs);
		hashing_free(hashings[i]);
		close(fds[i]);
	}
}

static void a_file_that_was_cut(void **data)
{
	const struct folder *folder = *data;
	g_autoptr(GError) error = NULL;
	g_autoptr(hasher) hasher = hasher_new();
	int fd = openat(folder->fd, "cut", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(files_write_all(fd, "abc", 3));
	g_autoptr(hashing) hashing = hashing_begin(hasher, fd, 1000);
	assert_null(hashing_finish(hashing, &error));
	assert_non_null(error);
	close(fd);
}

/* --- progress --- */

static void progress_fits_its_terminal(void **data)
{
	struct download downloads[] = {
		{.label = "a_table_with_a_name_that_is_much_too_long_for_it",
		 .size = 1000 * 1000,
		 .received = 500 * 1000,
		 .state = DOWNLOAD_RUNNING},
		{.label = "done", .size = 100, .received = 100, .state = DOWNLOAD_DONE},
		{.label = "waiting", .size = 500 * 1000, .state = DOWNLOAD_WAITING},
		{.label = "unknown", .received = 10, .state = DOWNLOAD_RUNNING},
	};
	for (int width = 32; width <= 200; width += 7) {
		g_autoptr(progress) progress = progress_new(downloads, G_N_ELEMENTS(downloads));
		downloads[0].received += 1000;
		g_autofree char *text = progress_render(progress, width, 24, G_USEC_PER_SEC);
		g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
		assert_int_equal(g_strv_length(lines), 4); /* the last is empty */
		for (char **line = lines; *line; line++)
			assert_true(g_utf8_strlen(*line, -1) <= MAX(width, 40));
		assert_non_null(strstr(text, "\n1/4  "));
		assert_non_null(strstr(text, "/s  "));
	}
	g_autoptr(progress) progress = progress_new(downloads, G_N_ELEMENTS(downloads));
	g_autofree char *low = progress_render(progress, 80, 3, 0);
	g_auto(GStrv) lines = g_strsplit(low, "\n", -1);
	assert_int_equal(g_strv_length(lines), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_that_are_missing_or_odd),
		cmocka_unit_test(what_is_no_manifest),
		cmocka_unit_test(hashes_and_names),
		cmocka_unit_test_setup_teardown(each_table_gets_its_action, make_folder,
						remove_folder),
		cmocka_unit_test(one_table_alone),
		cmocka_unit_test(when_tables_may_be_removed),
		cmocka_unit_test_setup_teardown(files_that_grow, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_file_that_was_cut, make_folder, remove_folder),
		cmocka_unit_test(progress_fits_its_terminal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
