/* What da prints: JSON as it came, tables that fit, CSV that can be read back. */
#include "cli/api.h"
#include "cli/grid.h"
#include "cli/json_text.h"
#include "cli/jwt.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/table.h"
#include "cli/update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static struct json_slice slice(const char *text)
{
	return (struct json_slice){text, strlen(text)};
}

/* --- JSON --- */

static void assert_indented(const char *text, const char *expected)
{
	g_autoptr(GString) out = g_string_new(NULL);
	json_text_indent(out, slice(text), 0);
	assert_string_equal(out->str, expected);
}

static void test_json_is_indented_as_it_is(void **state)
{
	assert_indented("{\"b\":1,\"a\":[true,null]}",
			"{\n  \"b\": 1,\n  \"a\": [\n    true,\n    null\n  ]\n}");
	assert_indented(" [ ] ", "[]");
	assert_indented("{\"a\": { } ,\"b\":[ ]}", "{\n  \"a\": {},\n  \"b\": []\n}");
	assert_indented("123456789012345678901234567890", "123456789012345678901234567890");
	assert_indented("[1.50]", "[\n  1.50\n]");
	assert_indented("\"a,b:{[\\\"]}\"", "\"a,b:{[\\\"]}\"");
	assert_indented("\"é😀\"", "\"\\u00e9\\ud83d\\ude00\"");
}

/* Text that ends too early is never read beyond its end. */
static void test_json_that_breaks_off_ends(void **state)
{
	static const char whole[] = "{\"a\": [1, \"x\\\"y\", {\"b\": null}], \"c\": \"\303\251\"}";
	for (size_t size = 0; size < strlen(whole); size++) {
		char *part = g_memdup2(whole, size + 1); /* on the heap, for the sanitizer */
		char *exact = g_memdup2(part, size ? size : 1);
		struct json_slice item, name, rest = {exact, size}, members = {exact, size};
		g_autoptr(GString) out = g_string_new(NULL);
		json_text_indent(out, rest, 0);
		while (json_text_next(&rest, &item))
			assert_true(item.text + item.size <= exact + size);
		while (json_text_next_member(&members, &name, &item))
			assert_true(item.text + item.size <= exact + size);
		g_free(exact);
		g_free(part);
	}
}

static void test_json_members_are_found(void **state)
{
	struct json_slice value, rest, item;
	struct json_slice object = slice(
		"{\"a\\u0062\": 1, \"rows\" : [[1,\"]\"], []] , \"z\":{}}");
	assert_true(json_text_member(object, "ab", &value));
	assert_int_equal(value.size, 1);
	assert_true(json_text_member(object, "rows", &rest));
	assert_true(json_text_next(&rest, &item));
	assert_memory_equal(item.text, "[1,\"]\"]", item.size);
	assert_true(json_text_next(&rest, &item));
	assert_int_equal(item.size, 2);
	assert_false(json_text_next(&rest, &item));
	assert_false(json_text_member(object, "none", &value));
	assert_false(json_text_next(&(struct json_slice){"{}", 2}, &item));
}

static void test_whole_json_is_told_from_the_rest(void **state)
{
	static const char *const whole[] = {"{}", " {\"a\":[1,\"]}\",{}]} \n", "{\"\\\"\":1}"};
	static const char *const broken[] = {"",	  "[]",	       "1",	 "{",
					     "{}x",	  "{\"a\":[}", "{\"a\"", "{\"a}",
					     "{\"a\\\"}", "<html>{}",  "{} {}",	 "{\"a\":[1]"};
	for (size_t i = 0; i < G_N_ELEMENTS(whole); i++)
		assert_true(json_text_is_whole(slice(whole[i])));
	for (size_t i = 0; i < G_N_ELEMENTS(broken); i++)
		assert_false(json_text_is_whole(slice(broken[i])));
}

/* --- tables --- */

static char *render(int width, const char *const *cells, size_t columns)
{
	g_autoptr(table) table = table_new(width, false);
	for (size_t i = 0; i < columns; i++)
		table_add_column(table, cells[i], i == 0);
	table_add_row(table, cells + columns);
	table_add_row(table, cells + 2 * columns);
	return table_render(table);
}

static void test_tables_align_and_show_null(void **state)
{
	static const char *const cells[] = {"id", "name", "1", "Anna", "20", NULL};
	g_autofree char *text = render(80, cells, 2);
	assert_string_equal(text, "id  name\n────────\n 1  Anna\n20  NULL\n");
}

static void test_tables_without_rows_have_a_header(void **state)
{
	g_autoptr(table) table = table_new(80, false);
	table_add_column(table, "id", true);
	table_add_column(table, "name", false);
	g_autofree char *text = table_render(table);
	assert_string_equal(text, "id  name\n────────\n");
}

static int columns_of(const char *line)
{
	int width = 0;
	for (; *line; line = g_utf8_next_char(line))
		width += g_unichar_iswide(g_utf8_get_char(line)) ? 2 : 1;
	return width;
}

static void test_tables_fit_forty_columns(void **state)
{
	static const char *const cells[] = {
		"id",
		"a longer name",
		"notes",
		"1",
		"日本語の長い名前がここにあります。日本語の長い名前",
		"short",
		"2",
		"x",
		"many words that do not fit beside the others at all",
	};
	g_autofree char *text = render(40, cells, 3);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	assert_true(g_strv_length(lines) > 4);
	for (char **line = lines; *line; line++)
		assert_true(columns_of(*line) <= 40);
}

static void test_texts_are_wrapped_between_words(void **state)
{
	static const char *const cells[] = {
		"id",
		"key",
		"notes",
		"1",
		"889be06f-5e52-45e8-98c0-d72b21d6f6bd",
		"words that need more than the one line that there is",
		"2",
		"x",
		"a-word-that-is-longer-than-all-words-of-forty-letters-that-are-kept-whole",
	};
	g_autofree char *text = render(86, cells, 3);
	const char *row = strchr(strchr(text, '\n') + 1, '\n');
	assert_string_equal(
		row, "\n"
		     " 1  889be06f-5e52-45e8-98c0-d72b21d6f6bd  words that need more than the one "
		     "line that\n"
		     "                                          there is\n"
		     " 2  x                                     a-word-that-is-longer-than-all-"
		     "words-of-fort\n"
		     "                                          y-letters-that-are-kept-whole\n");
}

/* Wrapped beyond reading, or beyond the edge: neither. */
static void test_rows_that_are_too_wide_follow_each_other(void **state)
{
	static const char *const cells[] = {
		"id",	      "discount_amount",
		"created_at", "1",
		"2.5",	      "a text that is longer than what is left beside its name",
		"2",	      NULL,
		"x",
	};
	g_autofree char *text = render(32, cells, 3);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		assert_true(columns_of(*line) <= 32);
	assert_true(g_str_has_prefix(text, "id               1\n"
					   "discount_amount  2.5\n"
					   "created_at       a text that is"));
	assert_true(g_str_has_suffix(text, "\n\n"
					   "id               2\n"
					   "discount_amount  NULL\n"
					   "created_at       x\n"));
	g_autofree char *beside = render(42, cells, 3);
	assert_true(g_str_has_prefix(beside, "id  discount_amount  created_at"));
	g_autoptr(table) empty = table_new(24, false);
	table_add_column(empty, "amount", true);
	table_add_column(empty, "created_at", false);
	table_add_column(empty, "changed_at", false);
	g_autofree char *names = table_render(empty);
	assert_true(g_str_has_prefix(names, "amount"));
	assert_non_null(strstr(names, "\ncreated_at"));
}

static void test_cells_cannot_steer_a_terminal(void **state)
{
	static const char *const cells[] = {"n", "evil\033[2J",		"1", "\033]0;x\a\302\233m",
					    "2", "two\nlines\tand \xff"};
	g_autofree char *text = render(80, cells, 2);
	assert_null(strchr(text, '\033'));
	assert_null(strchr(text, '\a'));
	assert_null(strstr(text, "\302\233"));
	assert_non_null(strstr(text, "two\\nlines\\tand"));
	g_autofree char *printable = output_printable("a\033[31mb\r\n\tc\xff");
	assert_string_equal(printable, "a\357\277\275[31mb\n\tc\357\277\275");
	g_autofree char *line = output_printable_line("a\n\tb");
	assert_string_equal(line, "a  b");
}

static void assert_padded(const char *text, int width, enum grid_align align, const char *expected)
{
	g_autoptr(GString) line = g_string_new(NULL);
	grid_pad(line, text, width, align);
	assert_string_equal(line->str, expected);
}

static void test_padding_counts_columns_and_not_bytes(void **state)
{
	assert_padded("é", 3, GRID_LEFT, "é  ");
	assert_padded("日本", 5, GRID_LEFT, "日本 ");
	assert_padded("7", 3, GRID_RIGHT, "  7");
	assert_padded("ab", 5, GRID_CENTRE, " ab  ");
	assert_padded("too long", 3, GRID_LEFT, "too long");
}

/* --- rows --- */

/* What rows_write_arrays() prints of two rows. */
static char *write_rows(enum rows_format format, const char *arrays)
{
	static const char *const names[] = {"a", "b,c", "a"};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	rows_write_arrays(format, names, 3, slice(arrays), out);
	fclose(out);
	char *copy = g_strdup(text);
	free(text);
	return copy;
}

static void test_rows_as_csv_are_quoted_where_they_must(void **state)
{
	g_autofree char *text = write_rows(
		ROWS_CSV, "[[1,\"plain\",null],[true,\"say \\\"hi\\\",\\nyou\",[1,2]]]");
	assert_string_equal(text,
			    "a,\"b,c\",a\n1,plain,\nTrue,\"say \"\"hi\"\",\nyou\",\"[1,2]\"\n");
}

/* Of equal names the last value wins, at the first place. */
static void test_rows_as_json_have_each_name_once(void **state)
{
	g_autofree char *text = write_rows(ROWS_JSON, "[[1,\"é\",12345678901234567890123]]");
	assert_string_equal(text, "[\n  {\n    \"a\": 12345678901234567890123,\n"
				  "    \"b,c\": \"\\u00e9\"\n  }\n]\n");
	g_autofree char *none = write_rows(ROWS_JSON, "[]");
	assert_string_equal(none, "[]\n");
	g_autofree char *lines = write_rows(ROWS_NDJSON, "[[1,null,2],[3,{\"x\":[1]},4]]");
	assert_string_equal(lines, "{\"a\":2,\"b,c\":null}\n{\"a\":4,\"b,c\":{\"x\":[1]}}\n");
}

static void test_rows_set_numbers_to_the_right(void **state)
{
	g_autofree char *text = write_rows(ROWS_TABLE, "[[1,\"1.50\",\"1x\"],[200,null,\"\"]]");
	assert_string_equal(text, "  a   b,c  a\n─────────────\n  1  1.50  1x\n200  NULL  \n");
}

static void test_short_rows_are_filled(void **state)
{
	g_autofree char *text = write_rows(ROWS_CSV, "[[1],[],[1,2,3,4]]");
	assert_string_equal(text, "a,\"b,c\",a\n1,,\n,,\n1,2,3\n");
}

/* --- the server's words --- */

static void assert_path(char *path, const char *expected)
{
	assert_string_equal(path, expected);
	g_free(path);
}

static void test_paths_are_escaped(void **state)
{
	assert_path(api_path("/api/v2/schema/{}", "a/b?c#d%e é", NULL),
		    "/api/v2/schema/a%2Fb%3Fc%23d%25e%20%C3%A9");
	assert_path(api_path("/api/metrics/{/}", "revenue/m r", NULL),
		    "/api/metrics/revenue/m%20r");
	assert_path(api_path("/x/{}/{}", "..", "y", NULL), "/x/%2E%2E/y");
	g_autoptr(GString) path = g_string_new("/api/x");
	api_add_query(path, "a", "1&2");
	api_add_query(path, "none", NULL);
	api_add_query(path, "b", "");
	assert_string_equal(path->str, "/api/x?a=1%262&b=");
}

static void assert_detail(int status, const char *body, const char *expected)
{
	json_t *json = json_loads(body, JSON_DECODE_ANY, NULL);
	g_autofree char *copy = g_strdup(body);
	const struct api_reply reply = {
		.status = status, .body = copy, .size = strlen(body), .json = json};
	g_autofree char *detail = api_detail(&reply);
	assert_string_equal(detail, expected);
	json_decref(json);
}

static void test_details_are_shown_as_they_are(void **state)
{
	assert_detail(400, "{\"detail\":\"no such thing\"}", "no such thing");
	assert_detail(422, "{\"detail\":[{\"msg\":\"bad\",\"loc\":[\"body\"]}]}",
		      "[{\"msg\":\"bad\",\"loc\":[\"body\"]}]");
	assert_detail(500, "{\"error\":1}", "{\"error\":1}");
	assert_detail(502, "<html>\n<h1>Bad</h1>\033[0m", "<html> <h1>Bad</h1>\357\277\275[0m");
	assert_detail(504, "", "HTTP 504");
}

static void test_exit_codes_follow_the_status(void **state)
{
	static const struct {
		int status, catalog, v2, fetch;
	} cases[] = {
		{400, 5, 2, 2}, {401, 5, 2, 7}, {403, 5, 8, 8}, {404, 5, 2, 8}, {422, 5, 2, 9},
		{429, 5, 2, 3}, {500, 5, 5, 5}, {503, 5, 5, 5}, {302, 5, 2, 9},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		int status = cases[i].status;
		assert_int_equal(api_exit_code(API_CODES_PLAIN, status), 1);
		assert_int_equal(api_exit_code(API_CODES_CATALOG, status), cases[i].catalog);
		assert_int_equal(api_exit_code(API_CODES_V2, status), cases[i].v2);
		assert_int_equal(api_exit_code(API_CODES_FETCH, status), cases[i].fetch);
	}
}

static void assert_notice(const char *installed, const char *latest, const char *expected)
{
	g_autofree char *notice = update_notice(installed, latest, NULL);
	if (expected)
		assert_string_equal(notice, expected);
	else
		assert_null(notice);
}

static void test_only_newer_versions_are_told(void **state)
{
	assert_notice("2.1.0", "10.0.0",
		      "[update] da 2.1.0 is out of date — latest on this server is 10.0.0.");
	assert_notice("10.0.0", "2.1.0", NULL);
	assert_notice("1.0.0", "1.0.0", NULL);
	assert_notice("1.0.0", "1.0.0rc1", NULL);
	assert_notice("1.0.0", "nonsense", NULL);
	assert_notice("dev", "1.0.0", NULL);
	g_autofree char *hinted = update_notice("1.0", "1.1", "run this");
	assert_true(g_str_has_suffix(hinted, "is 1.1. Upgrade: run this"));
}

static void test_claims_of_a_token(void **state)
{
	g_autoptr(GError) error = NULL;
	/* {"email":"a@example.com","n":"?>"} */
	g_autoptr(json_t) claims = jwt_claims(
		"e30.eyJlbWFpbCI6ImFAZXhhbXBsZS5jb20iLCJuIjoiPz4ifQ.sig", &error);
	assert_non_null(claims);
	assert_string_equal(json_string_value(json_object_get(claims, "email")), "a@example.com");
	static const char *const bad[] = {"", "x", "a.b", "a..b", "a.!!.b", "a.W10.b"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) problem = NULL;
		assert_null(jwt_claims(bad[i], &problem));
		assert_non_null(problem);
	}
}

static void test_numbers_for_people(void **state)
{
	static const struct {
		gint64 number;
		const char *thousands, *size;
	} cases[] = {
		{0, "0", "0.0 B"},
		{8, "8", "8.0 B"},
		{999, "999", "999.0 B"},
		{1536, "1,536", "1.5 KB"},
		{1234567, "1,234,567", "1.2 MB"},
		{(gint64)1 << 50, "1,125,899,906,842,624", "1024.0 TB"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *thousands = output_thousands(cases[i].number);
		g_autofree char *size = output_size(cases[i].number);
		assert_string_equal(thousands, cases[i].thousands);
		assert_string_equal(size, cases[i].size);
	}
	g_autofree char *negative = output_thousands(-123456);
	assert_string_equal(negative, "-123,456");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_is_indented_as_it_is),
		cmocka_unit_test(test_json_that_breaks_off_ends),
		cmocka_unit_test(test_json_members_are_found),
		cmocka_unit_test(test_whole_json_is_told_from_the_rest),
		cmocka_unit_test(test_tables_align_and_show_null),
		cmocka_unit_test(test_tables_without_rows_have_a_header),
		cmocka_unit_test(test_tables_fit_forty_columns),
		cmocka_unit_test(test_texts_are_wrapped_between_words),
		cmocka_unit_test(test_rows_that_are_too_wide_follow_each_other),
		cmocka_unit_test(test_cells_cannot_steer_a_terminal),
		cmocka_unit_test(test_padding_counts_columns_and_not_bytes),
		cmocka_unit_test(test_rows_as_csv_are_quoted_where_they_must),
		cmocka_unit_test(test_rows_as_json_have_each_name_once),
		cmocka_unit_test(test_rows_set_numbers_to_the_right),
		cmocka_unit_test(test_short_rows_are_filled),
		cmocka_unit_test(test_paths_are_escaped),
		cmocka_unit_test(test_details_are_shown_as_they_are),
		cmocka_unit_test(test_exit_codes_follow_the_status),
		cmocka_unit_test(test_only_newer_versions_are_told),
		cmocka_unit_test(test_claims_of_a_token),
		cmocka_unit_test(test_numbers_for_people),
	};
	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
