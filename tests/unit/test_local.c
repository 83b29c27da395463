/* src/connectors/local: what files are, one pass over their text, and the overrides of a table. */
#include "base/beneath.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "connectors/local/files.h"
#include "connectors/local/options.h"
#include "connectors/local/prepare.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The pass reads so many bytes at once. */
enum { STEP = 256 * 1024 };

static char *folder;

static int make_folder(void **state)
{
	folder = g_dir_make_tmp("agnes-test-XXXXXX", NULL);
	return folder ? 0 : -1;
}

static int remove_folder(void **state)
{
	files_remove_tree(folder, NULL);
	g_clear_pointer(&folder, g_free);
	return 0;
}

static struct local_file *file_of(const void *content, size_t size)
{
	g_autofree char *path = g_build_filename(folder, "f.csv", NULL);
	assert_true(files_replace(path, content, size, 0600, NULL));
	struct local_file *file = g_new0(struct local_file, 1);
	file->name = g_strdup("f.csv");
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	file->copy = -1;
	assert_true(file->fd >= 0);
	return file;
}

static bool prepare(struct local_file *file, const char *encoding, int64_t longest, bool *empty,
		    GError **error)
{
	const struct local_preparation how = {
		.encoding = encoding, .longest_line = longest, .folder = folder};
	return local_file_prepare(file, &how, empty, error);
}

/* The text in UTF-8 that a file with this content becomes. */
static char *converted(const void *content, size_t size, const char *encoding)
{
	struct local_file *file = file_of(content, size);
	g_autoptr(GError) error = NULL;
	bool empty = true;
	assert_true(prepare(file, encoding, INT64_MAX, &empty, &error));
	assert_true(file->copy >= 0);
	assert_false(empty);
	lseek(file->copy, 0, SEEK_SET);
	char *text = files_read_stream(file->copy, "copy", 64 * STEP, NULL, &error);
	assert_non_null(text);
	local_file_free(file);
	return text;
}

static void suffixes_tell_what_a_file_is(void **state)
{
	enum local_format format;
	enum local_compression compression;
	assert_true(local_file_kind("a/b.CSV", &format, &compression));
	assert_int_equal(format, LOCAL_CSV);
	assert_int_equal(compression, LOCAL_PLAIN);
	assert_true(local_file_kind("b.jsonl.gz", &format, &compression));
	assert_int_equal(format, LOCAL_NDJSON);
	assert_int_equal(compression, LOCAL_GZIP);
	assert_true(local_file_kind("b.tsv.zst", &format, &compression));
	assert_int_equal(format, LOCAL_TSV);
	assert_int_equal(compression, LOCAL_ZSTD);
	assert_false(local_file_kind("b.csv.bz2", &format, &compression));
	assert_false(local_file_kind("b.gz", &format, &compression));
	assert_false(local_file_kind("csv", &format, &compression));
	assert_false(local_file_kind("a.csv/b", &format, &compression));
}

static void characters_may_lie_across_two_reads(void **state)
{
	/* Two bytes each in UTF-16, so that with an odd start every step cuts one. */
	for (size_t extra = 0; extra < 4; extra++) {
		g_autoptr(GString) text = g_string_new(NULL);
		for (size_t i = 0; i < STEP + extra; i++)
			g_string_append(text, i % 50 == 49 ? "\n"
					      : i % 2	   ? "\305\276"
							   : "\360\237\220\235");
		gsize size;
		g_autofree char *utf16 = g_convert(text->str, (gssize)text->len, "UTF-16LE",
						   "UTF-8", NULL, &size, NULL);
		g_autofree char *back = converted(utf16, size, "UTF-16LE");
		assert_string_equal(back, text->str);
	}
}

static void bytes_without_a_meaning_stay_visible(void **state)
{
	g_autofree char *east = converted("a\201b\n", 4, "WINDOWS-1250");
	assert_string_equal(east, "a\377b\n");
	g_autofree char *cut = converted("a\0b", 3, "UTF-16LE");
	assert_string_equal(cut, "a\377");
	g_autofree char *surrogate = converted("a\0\0\334b\0", 6, "UTF-16LE");
	assert_string_equal(surrogate, "a\377b");
}

static void byte_order_marks_are_heeded_and_go(void **state)
{
	g_autofree char *little = converted("\377\376a\0,\0b\0", 8, NULL);
	assert_string_equal(little, "a,b");
	g_autofree char *big = converted("\376\377\0a\0,\0b", 8, NULL);
	assert_string_equal(big, "a,b");
	g_autofree char *wide = converted("\377\376\0\0a\0\0\0", 8, NULL);
	assert_string_equal(wide, "a");
}

static void lines_are_measured_across_reads(void **state)
{
	g_autofree char *text = g_strnfill(3 * STEP, 'x');
	bool empty;
	text[10] = '\n';
	text[10 + STEP] = '\n';
	struct local_file *file = file_of(text, 10 + 2 * STEP);
	g_autoptr(GError) error = NULL;
	assert_true(prepare(file, NULL, STEP, &empty, &error));
	assert_false(prepare(file, NULL, STEP - 2, &empty, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE));
	assert_non_null(strstr(error->message, "f.csv: line 2 "));
	local_file_free(file);
}

static void white_space_is_nothing(void **state)
{
	bool empty = false;
	struct local_file *file = file_of(" \r\n\t\n", 5);
	assert_true(prepare(file, NULL, 100, &empty, NULL));
	assert_true(empty);
	local_file_free(file);
}

static void unknown_encodings_are_refused(void **state)
{
	static const char *const wrong[] = {"martian", "", "UTF-8//IGNORE", "UTF 8",
					    "a-name-that-is-far-longer-than-any-encoding-has"};
	assert_true(local_encoding_check("windows-1250", NULL));
	assert_true(local_encoding_check("ISO_8859-2:1987", NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
		assert_false(local_encoding_check(wrong[i], NULL));
}

static bool parse(const char *overrides, struct local_options *options, GError **error)
{
	static json_t *settings;
	g_autofree char *text = g_strdup_printf(
		"{\"reject_threshold\": 0.01, \"max_line_size\": 100,"
		" \"compression\": \"zstd\", \"tables\": {\"t\": %s}}",
		overrides);
	const struct connector_table table = {.name = "t"};
	json_decref(settings);
	settings = json_parse(text, strlen(text), "settings", NULL);
	assert_non_null(settings);
	bool done = local_options_init(options, settings, &table, error);
	if (!done)
		g_clear_pointer(&settings, json_decref);
	return done;
}

static void limits_on_rejects_are_numbers_or_shares(void **state)
{
	g_auto(local_options) number = {0}, share = {0}, none = {0};
	assert_true(parse("{\"max_rejects\": 10}", &number, NULL));
	assert_int_equal(number.most_rejects, 10);
	assert_true(parse("{\"max_rejects\": \"2.5%\"}", &share, NULL));
	assert_true(share.most_rejects < 0 && share.most_rejected_share == 0.025);
	assert_true(parse("null", &none, NULL));
	assert_true(none.most_rejects < 0 && none.most_rejected_share == 0.01);
	static const char *const wrong[] = {"-1",    "\"5\"",	"\"101%\"", "\"-1%\"",
					    "\"%\"", "\"1%%\"", "1.5"};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_auto(local_options) options = {0};
		g_autofree char *text = g_strdup_printf("{\"max_rejects\": %s}", wrong[i]);
		assert_false(parse(text, &options, NULL));
	}
}

static void other_overrides_are_another_digest(void **state)
{
	g_auto(local_options) first = {0}, same = {0}, other = {0};
	assert_true(parse("{\"header\": true}", &first, NULL));
	assert_true(parse("{\"header\": true}", &same, NULL));
	assert_true(parse("{\"header\": false}", &other, NULL));
	assert_string_equal(first.digest, same.digest);
	assert_string_not_equal(first.digest, other.digest);
	/* The last settings that parse() keeps. */
	g_auto(local_options) last = {0};
	assert_false(parse("7", &last, NULL));
}

static void nothing_is_opened_outside(void **state)
{
	g_autofree char *inside = g_build_filename(folder, "root", NULL);
	g_autofree char *secret = g_build_filename(folder, "secret", NULL);
	g_autofree char *out = g_build_filename(inside, "out", NULL);
	g_autofree char *in = g_build_filename(inside, "in", NULL);
	g_autofree char *file = g_build_filename(inside, "file", NULL);
	assert_true(files_make_folder(inside, NULL));
	assert_true(files_replace(secret, "x", 1, 0600, NULL));
	assert_true(files_replace(file, "x", 1, 0600, NULL));
	assert_int_equal(symlink("../secret", out), 0);
	assert_int_equal(symlink("file", in), 0);
	AUTO_FD root = open(inside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	static const char *const wrong[] = {"../secret", "out", "/etc/passwd", "./../secret"};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;
		assert_int_equal(beneath_open(root, wrong[i], O_RDONLY, &error), -1);
		assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_DENIED));
	}
	AUTO_FD good = beneath_open(root, "in", O_RDONLY, NULL);
	assert_true(good >= 0);
	g_autoptr(GError) error = NULL;
	assert_int_equal(beneath_open(root, "none", O_RDONLY, &error), -1);
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suffixes_tell_what_a_file_is),
		cmocka_unit_test(characters_may_lie_across_two_reads),
		cmocka_unit_test(bytes_without_a_meaning_stay_visible),
		cmocka_unit_test(byte_order_marks_are_heeded_and_go),
		cmocka_unit_test(lines_are_measured_across_reads),
		cmocka_unit_test(white_space_is_nothing),
		cmocka_unit_test(unknown_encodings_are_refused),
		cmocka_unit_test(limits_on_rejects_are_numbers_or_shares),
		cmocka_unit_test(other_overrides_are_another_digest),
		cmocka_unit_test(nothing_is_opened_outside),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
