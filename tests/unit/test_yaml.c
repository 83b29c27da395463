/* src/base/yaml: what each scalar means, limits, hostile input, places, and writing it back. */
#include "base/error.h"
#include "base/files.h"
#include "base/yaml.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static json_t *parse_sized(const char *text, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(yaml_document) document = yaml_parse(text, size, "test.yaml", &error);
	if (!document) {
		fail_msg("%s", error->message);
		return NULL;
	}
	return json_incref(document->root);
}

static json_t *parse(const char *text)
{
	return parse_sized(text, strlen(text));
}

static void assert_reads_as(const char *yaml, const char *json)
{
	g_autoptr(json_t) value = parse(yaml);
	g_autofree char *text = json_to_text(value);
	assert_string_equal(text, json);
}

static void assert_refused_sized(const char *text, size_t size, enum agnes_error code,
				 const char *message)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(yaml_document) document = yaml_parse(text, size, "test.yaml", &error);
	assert_null(document);
	assert_int_equal(error->domain, AGNES_ERROR);
	assert_string_equal(error->message, message);
	assert_int_equal(error->code, code);
}

static void assert_refused(const char *text, const char *message)
{
	assert_refused_sized(text, strlen(text), AGNES_ERROR_INVALID, message);
}

static void plain_scalars_follow_the_core_schema(void **state)
{
	assert_reads_as("[~, null, Null, NULL, ]", "[null,null,null,null]");
	assert_reads_as("a:\nb: ~", "{\"a\":null,\"b\":null}");
	assert_reads_as("[true, True, TRUE, false, False, FALSE]",
			"[true,true,true,false,false,false]");
	assert_reads_as("[0, -0, 12, +12, -12, 0o14, 0xC, 0xfF]", "[0,0,12,12,-12,12,12,255]");
	assert_reads_as("[9223372036854775807, -9223372036854775808]",
			"[9223372036854775807,-9223372036854775808]");
	assert_reads_as("[1.5, -.5, +1., 1e3, 2.5E-1]", "[1.5,-0.5,1.0,1000.0,0.25]");
}

static void quoted_scalars_stay_text(void **state)
{
	assert_reads_as("['~', \"true\", '12', \"1.5\", '']",
			"[\"~\",\"true\",\"12\",\"1.5\",\"\"]");
	assert_reads_as("['''' , 'a''''''b', 'it''s', \"\\x41\\/\\u017e\\\n  b\"]",
			"[\"'\",\"a'''b\",\"it's\",\"A/\xc5\xbe"
			"b\"]");
	assert_reads_as("a: |\n  12\n", "{\"a\":\"12\\n\"}");
	assert_reads_as("a: >-\n  true\n", "{\"a\":\"true\"}");
}

static void words_of_yaml_1_1_are_text(void **state)
{
	assert_reads_as("[yes, No, ON, off, y]", "[\"yes\",\"No\",\"ON\",\"off\",\"y\"]");
	assert_reads_as("[12:30, 1_000, 0b11, 2026-01-31, =]",
			"[\"12:30\",\"1_000\",\"0b11\",\"2026-01-31\",\"=\"]");
	assert_reads_as("[nULL, tRue, '0x', 0o8, 0xg, -0x1, 1e, ., +, 1.2.3]",
			"[\"nULL\",\"tRue\",\"0x\",\"0o8\",\"0xg\",\"-0x1\",\"1e\",\".\","
			"\"+\",\"1.2.3\"]");
}

static void numbers_that_would_change_stay_text(void **state)
{
	assert_reads_as(
		"[007, -01, 00.5, 9223372036854775808, 0xfffffffffffffffff]",
		"[\"007\",\"-01\",\"00.5\",\"9223372036854775808\",\"0xfffffffffffffffff\"]");
	assert_reads_as("[.inf, -.INF, .nan, 1e999]", "[\".inf\",\"-.INF\",\".nan\",\"1e999\"]");
	g_autofree char *digits = g_strnfill(1000, '7');
	g_autofree char *json = g_strdup_printf("\"%s\"", digits);
	assert_reads_as(digits, json);
}

static void tags_make_text_or_are_checked(void **state)
{
	assert_reads_as("[!!str 5, ! 6, !!int 7, !!float 1.5, !!bool true, !!null ~]",
			"[\"5\",\"6\",7,1.5,true,null]");
	assert_reads_as("a: !!map {b: !!seq [1]}", "{\"a\":{\"b\":[1]}}");
	const char *message = "test.yaml:1:4: this is not what its tag says, or the tag is unknown";
	assert_refused("a: !!int x", message);
	assert_refused("a: !!py x", message);
	assert_refused("a: !!py {}", message);
}

static void empty_documents_are_null(void **state)
{
	assert_reads_as("", "null");
	assert_reads_as("# nothing here\n", "null");
	assert_reads_as("---\n...\n", "null");
	assert_reads_as("\xef\xbb\xbf"
			"a: 1\n",
			"{\"a\":1}");
}

static void key_order_is_kept(void **state)
{
	assert_reads_as("z: 1\na: 2\nm: {q: 1, b: 2}", "{\"z\":1,\"a\":2,\"m\":{\"q\":1,\"b\":2}}");
	assert_reads_as("1: a\ntrue: b\n? 'c d'\n: e\n",
			"{\"1\":\"a\",\"true\":\"b\",\"c d\":\"e\"}");
}

static void aliases_are_copies(void **state)
{
	g_autoptr(json_t) root = parse("a: &x {n: [1]}\nb: *x\nc: &s text\nd: *s\n&k e: 1");
	json_t *first = json_object_get(root, "a");
	json_t *second = json_object_get(root, "b");
	assert_true(json_equal(first, second));
	assert_ptr_not_equal(first, second);
	assert_ptr_not_equal(json_object_get(first, "n"), json_object_get(second, "n"));
	assert_string_equal(json_string_value(json_object_get(root, "d")), "text");
}

static void merge_keys_fill_in_what_is_missing(void **state)
{
	assert_reads_as("base: &b {x: 1, y: 2}\nown: {x: 9, <<: *b, z: 3}",
			"{\"base\":{\"x\":1,\"y\":2},\"own\":{\"x\":9,\"z\":3,\"y\":2}}");
	assert_reads_as("- &a {x: 1}\n- &b {x: 2, y: 2}\n- <<: [*a, *b]\n",
			"[{\"x\":1},{\"x\":2,\"y\":2},{\"x\":1,\"y\":2}]");
	assert_reads_as("'<<': 1", "{\"<<\":1}");
	assert_refused("a:\n  <<: 5",
		       "test.yaml:2:3: '<<' needs a mapping or a sequence of mappings");
	assert_refused("<<: [{}, 5]",
		       "test.yaml:1:1: '<<' needs a mapping or a sequence of mappings");
	assert_refused("<<: {}\n<<: {}", "test.yaml:2:1: key '<<' stands twice in its mapping");
}

static void duplicate_keys_are_refused(void **state)
{
	assert_refused("a: 1\nb:\n  c: 1\n  c: 2\n",
		       "test.yaml:4:3: key 'c' stands twice in its mapping");
	assert_refused("{1: a, '1': b}", "test.yaml:1:8: key '1' stands twice in its mapping");
}

static void what_cannot_be_a_tree_is_refused(void **state)
{
	assert_refused("? [a]\n: b", "test.yaml:1:3: a mapping or sequence cannot be a key");
	assert_refused("? {a: 1}\n: b", "test.yaml:1:3: a mapping or sequence cannot be a key");
	assert_refused("- &a x\n- *a : b", "test.yaml:2:3: an alias cannot be a key");
	assert_refused("a: *b", "test.yaml:1:4: no finished value before this has the anchor 'b'");
	assert_refused("a: &b [*b]",
		       "test.yaml:1:8: no finished value before this has the anchor 'b'");
	assert_refused("a: 1\n---\nb: 2\n",
		       "test.yaml:2:1: only one document is allowed in a file");
	assert_refused("---\n---\n", "test.yaml:2:1: only one document is allowed in a file");
}

static void syntax_errors_say_where(void **state)
{
	assert_refused("a: [1, 2\nb: 3\n",
		       "test.yaml:2:2: while parsing a flow sequence: did not find expected ',' or "
		       "']'");
	assert_refused("a:\n\tb: 1\n",
		       "test.yaml:2:1: while scanning for the next token: nothing begins with this "
		       "character: indent with spaces, quote text");
	assert_refused("a: b\n c: d\n",
		       "test.yaml:2:3: mapping values are not allowed in this context");
	assert_refused("%YAML 1.2\n%YAML 1.2\n", "test.yaml:2:1: found duplicate %YAML directive");
}

static void messages_hold_no_values(void **state)
{
	static const char *const texts[] = {
		"password: hunter2: x",	     "password: \"hunter2",	   "password: [hunter2",
		"password: 'hunter2' x",     "password: {hunter2",	   "password: !hunter2x@ y",
		"password: |hunter2\n  x\n", "password: \"\\xhunter2\"\n", "- a\nhunter2",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		assert_null(yaml_parse(texts[i], strlen(texts[i]), "test.yaml", &error));
		assert_null(strstr(error->message, "hunter2"));
	}
}

static void bytes_that_are_not_text_are_refused(void **state)
{
	assert_refused_sized("a: b\nc: \0d", 10, AGNES_ERROR_INVALID,
			     "test.yaml:2:4: a NUL character");
	assert_refused("a: b\n\xc5\xbe: \xff", "test.yaml:2:4: not UTF-8");
	assert_refused("\xff\xfe"
		       "a",
		       "test.yaml:1:1: not UTF-8");
	assert_refused("a: \xc5", "test.yaml:1:4: not UTF-8");
	assert_refused("a: \"x\\0y\"", "test.yaml:1:4: text must be UTF-8 without NUL");
	assert_refused("\"x\\0y\": a", "test.yaml:1:1: a key must be UTF-8 without NUL");
	assert_refused("a: \"\\ud800\"",
		       "test.yaml:1:7: while parsing a quoted scalar: found invalid "
		       "Unicode character escape code");
}

static void billion_laughs_are_refused(void **state)
{
	g_autoptr(GString) bomb = g_string_new("a0: &a0 [lol, lol, lol, lol]\n");
	for (int i = 1; i < 30; i++)
		g_string_append_printf(bomb, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1,
				       i - 1, i - 1, i - 1);
	assert_refused_sized(bomb->str, bomb->len, AGNES_ERROR_TOO_LARGE,
			     "test.yaml:8:15: aliases make the document too large");
}

static void large_aliased_text_is_refused(void **state)
{
	g_autofree char *text = g_strnfill(100 * 1024, 'x');
	g_autoptr(GString) bomb = g_string_new("- &a ");
	g_string_append(bomb, text);
	for (int i = 0; i < 1000; i++)
		g_string_append(bomb, "\n- *a");
	g_string_append_c(bomb, '\n');
	assert_refused_sized(bomb->str, bomb->len, AGNES_ERROR_TOO_LARGE,
			     "test.yaml:12:3: aliases make the document too large");
}

static void depth_is_bounded(void **state)
{
	g_autofree char *open = g_strnfill(YAML_MAX_DEPTH + 1, '[');
	g_autofree char *close = g_strnfill(YAML_MAX_DEPTH + 1, ']');
	g_autofree char *fits = g_strconcat(open + 1, close + 1, NULL);
	g_autoptr(json_t) value = parse(fits);
	assert_true(json_is_array(value));
	assert_refused_sized(open, YAML_MAX_DEPTH + 1, AGNES_ERROR_TOO_LARGE,
			     "test.yaml:1:65: nested deeper than 64");
	g_autofree char *megabyte = g_strnfill(YAML_MAX_BYTES, '[');
	assert_refused_sized(megabyte, YAML_MAX_BYTES, AGNES_ERROR_TOO_LARGE,
			     "test.yaml:1:65: nested deeper than 64");
}

static void long_keys_are_refused(void **state)
{
	g_autofree char *key = g_strnfill(YAML_MAX_KEY + 1, 'k');
	g_autofree char *text = g_strdup_printf("? %s\n: 1\n", key);
	assert_refused_sized(text, strlen(text), AGNES_ERROR_TOO_LARGE,
			     "test.yaml:1:3: a key is longer than 1024 bytes");
}

static void aliases_cannot_evade_the_depth(void **state)
{
	g_autoptr(GString) tower = g_string_new("- &a0 [[[[[[[[[[x]]]]]]]]]]\n");
	for (int i = 1; i < 10; i++)
		g_string_append_printf(tower, "- &a%d [[[[[[[[[[*a%d]]]]]]]]]]\n", i, i - 1);
	assert_refused_sized(tower->str, tower->len, AGNES_ERROR_TOO_LARGE,
			     "test.yaml:7:17: nested deeper than 64");
}

static void ten_megabytes_are_refused(void **state)
{
	g_autofree char *text = g_strnfill(10 * 1024 * 1024, 'x');
	assert_refused_sized(text, 10 * 1024 * 1024, AGNES_ERROR_TOO_LARGE,
			     "test.yaml:1:1: larger than the 1048576 bytes allowed");
}

static void largest_document_is_read(void **state)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (int i = 0; text->len < YAML_MAX_BYTES - 32; i++)
		g_string_append_printf(text, "k%d: {a: [1, x]}\n", i);
	g_autoptr(json_t) value = parse_sized(text->str, text->len);
	assert_in_range(json_object_size(value), 40000, 60000);
}

static void files_are_read_with_their_name(void **state)
{
	g_autofree char *folder = g_dir_make_tmp("agnes-yaml-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "a.yaml", NULL);
	g_autoptr(GError) error = NULL;
	assert_null(yaml_read(path, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND));
	assert_true(files_replace(path, "a: 1\na: 2\n", 10, 0600, NULL));
	g_clear_error(&error);
	assert_null(yaml_read(path, &error));
	assert_true(g_str_has_prefix(error->message, path));
	assert_true(g_str_has_suffix(error->message, ":2:1: key 'a' stands twice in its mapping"));
	assert_true(files_replace(path, "a: 1\n", 5, 0600, NULL));
	g_autoptr(yaml_document) document = yaml_read(path, NULL);
	assert_int_equal(json_integer_value(json_object_get(document->root, "a")), 1);
	g_remove(path);
	g_rmdir(folder);
}

static void assert_place(const struct yaml_place *place, int line, int column)
{
	assert_int_equal(place->line, line);
	assert_int_equal(place->column, column);
}

static void places_are_known(void **state)
{
	const char *text = "a: 1\n"
			   "b:\n"
			   "  - x\n"
			   "  - c.d: y\n"
			   "    '\xc5\xbe\xc5\xbe': {e: \"q\"}\n"
			   "empty:\n"
			   "base: &base\n"
			   "  f: 1\n"
			   "copy: *base\n"
			   "merged:\n"
			   "  <<: *base\n"
			   "  g: 2\n";
	g_autoptr(yaml_document) document = yaml_parse(text, strlen(text), "t", NULL);
	const struct yaml_place *root = document->place;
	assert_place(root, 1, 1);
	assert_place(yaml_place_member(root, "a"), 1, 1);
	const struct yaml_place *list = yaml_place_member(root, "b");
	assert_place(list, 2, 1);
	assert_place(yaml_place_item(list, 0), 3, 5);
	const struct yaml_place *item = yaml_place_item(list, 1);
	assert_place(item, 4, 5);
	assert_place(yaml_place_member(item, "c.d"), 4, 5);
	const struct yaml_place *accented = yaml_place_member(item, "\xc5\xbe\xc5\xbe");
	assert_place(accented, 5, 5);
	assert_place(yaml_place_member(accented, "e"), 5, 12);
	assert_place(yaml_place_member(root, "empty"), 6, 1);
	assert_place(yaml_place_member(root, "copy"), 9, 1);
	assert_place(yaml_place_member(yaml_place_member(root, "copy"), "f"), 8, 3);
	const struct yaml_place *merged = yaml_place_member(root, "merged");
	assert_place(yaml_place_member(merged, "f"), 8, 3);
	assert_place(yaml_place_member(merged, "g"), 12, 3);
	assert_ptr_equal(yaml_place_member(list, "none"), list);
	assert_ptr_equal(yaml_place_item(list, 2), list);
	assert_null(yaml_place_member(NULL, "a"));
}

static void written_yaml_is_block_style(void **state)
{
	g_autoptr(json_t)
		value = json_pack("{s:{s:s, s:s?, s:i}, s:[s, {s:b, s:[]}, [i]], s:{}, s:f}",
				  "section", "name", "Example Corp", "none", NULL, "count", 3,
				  "list", "item", "on", 1, "empty", 7, "map", "share", 0.1);
	g_autofree char *text = yaml_write(value);
	assert_string_equal(text, "section:\n"
				  "  name: Example Corp\n"
				  "  none: null\n"
				  "  count: 3\n"
				  "list:\n"
				  "  - item\n"
				  "  -\n"
				  "    \"on\": true\n"
				  "    empty: []\n"
				  "  -\n"
				  "    - 7\n"
				  "map: {}\n"
				  "share: 0.1\n");
}

static void assert_writes(json_t *value, const char *expected)
{
	g_autoptr(json_t) owned = value;
	g_autofree char *text = yaml_write(owned);
	g_autofree char *line = g_strconcat(expected, "\n", NULL);
	assert_string_equal(text, line);
	g_autoptr(json_t) again = parse(text);
	assert_true(json_equal(again, owned));
}

static void ambiguous_text_is_quoted(void **state)
{
	static const char *const ambiguous[] = {
		"",
		"~",
		"null",
		"True",
		"YES",
		"off",
		"n",
		"12",
		"0x1f",
		"1e3",
		"12:30",
		"1_000",
		".5",
		".inf",
		"2026-01-31",
		"- a",
		"a: b",
		"a #b",
		"#a",
		" a",
		"a ",
		"*a",
		"&a",
		"!a",
		"%a",
		"@a",
		"`a",
		"[a]",
		"{a}",
		"'a'",
		"\"a\"",
		"<<",
		"=",
		"?",
		"a\nb",
		"a\tb",
		"a\rb",
		"\\",
		"---",
		"...",
		"a,b",
		"a:",
		"| a",
		"> a",
		"\x7f",
		"a\xc2\x85",
		"\xe2\x80\xa8",
		"\xef\xbb\xbf",
		"\x01",
		"+5",
		"\xf0\x9f\x98\x80",
		"\xef\xbf\xbf",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(ambiguous); i++) {
		g_autoptr(json_t) value = json_pack("{s:[s]}", ambiguous[i], ambiguous[i]);
		g_autofree char *text = yaml_write(value);
		assert_int_equal(text[0], '"');
		g_autoptr(json_t) again = parse(text);
		assert_true(json_equal(value, again));
	}
	assert_writes(json_string("Example Corp"), "Example Corp");
	assert_writes(json_string("/srv/data-1/x.csv"), "/srv/data-1/x.csv");
	assert_writes(json_string("\xc5\xbelu\xc5\xa5"), "\xc5\xbelu\xc5\xa5");
	assert_writes(json_string("a\x01\xc2\x85\xe2\x80\xa8\xf0\x9f\xbf\xbe"),
		      "\"a\\x01\\x85\\u2028\\U0001FFFE\"");
}

static void long_keys_are_written_so_that_they_read_back(void **state)
{
	g_autofree char *key = g_strnfill(YAML_MAX_KEY, '\x01');
	g_autoptr(json_t) value = json_pack("{s:[{s:{s:i}, s:i}]}", key, key, "a", 1, "b", 2);
	g_autofree char *text = yaml_write(value);
	g_autoptr(json_t) again = parse(text);
	assert_true(json_equal(again, value));
}

static void numbers_are_written_for_both_versions(void **state)
{
	assert_writes(json_real(0.1), "0.1");
	assert_writes(json_real(1.0 / 3), "0.3333333333333333");
	assert_writes(json_real(5.0), "5.0");
	assert_writes(json_real(-1e22), "-1.0e+22");
	assert_writes(json_real(2.5e-7), "2.5e-07");
	assert_writes(json_integer(-42), "-42");
	assert_writes(json_true(), "true");
	assert_writes(json_null(), "null");
	assert_writes(json_object(), "{}");
	assert_writes(json_array(), "[]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_scalars_follow_the_core_schema),
		cmocka_unit_test(quoted_scalars_stay_text),
		cmocka_unit_test(words_of_yaml_1_1_are_text),
		cmocka_unit_test(numbers_that_would_change_stay_text),
		cmocka_unit_test(tags_make_text_or_are_checked),
		cmocka_unit_test(empty_documents_are_null),
		cmocka_unit_test(key_order_is_kept),
		cmocka_unit_test(aliases_are_copies),
		cmocka_unit_test(merge_keys_fill_in_what_is_missing),
		cmocka_unit_test(duplicate_keys_are_refused),
		cmocka_unit_test(what_cannot_be_a_tree_is_refused),
		cmocka_unit_test(syntax_errors_say_where),
		cmocka_unit_test(messages_hold_no_values),
		cmocka_unit_test(bytes_that_are_not_text_are_refused),
		cmocka_unit_test(billion_laughs_are_refused),
		cmocka_unit_test(large_aliased_text_is_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(long_keys_are_refused),
		cmocka_unit_test(aliases_cannot_evade_the_depth),
		cmocka_unit_test(ten_megabytes_are_refused),
		cmocka_unit_test(largest_document_is_read),
		cmocka_unit_test(files_are_read_with_their_name),
		cmocka_unit_test(places_are_known),
		cmocka_unit_test(written_yaml_is_block_style),
		cmocka_unit_test(ambiguous_text_is_quoted),
		cmocka_unit_test(long_keys_are_written_so_that_they_read_back),
		cmocka_unit_test(numbers_are_written_for_both_versions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
