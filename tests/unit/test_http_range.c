/* src/http/range: Range and ETag headers as RFC 9110 writes them, and as attackers do. */
#include "http/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_part(const char *header, uint64_t size, uint64_t from, uint64_t to)
{
	uint64_t first = 0, last = 0;
	assert_int_equal(http_range_parse(header, size, &first, &last), HTTP_RANGE_PART);
	assert_int_equal(first, from);
	assert_int_equal(last, to);
}

static void expect(enum http_range what, const char *header, uint64_t size)
{
	uint64_t first = 0, last = 0;
	assert_int_equal(http_range_parse(header, size, &first, &last), what);
}

static void a_part_is_cut_to_the_file(void **state)
{
	expect_part("bytes=0-0", 10, 0, 0);
	expect_part("bytes=2-5", 10, 2, 5);
	expect_part("bytes=2-", 10, 2, 9);
	expect_part("bytes=2-100", 10, 2, 9);
	expect_part("bytes=-3", 10, 7, 9);
	expect_part("bytes=-100", 10, 0, 9);
	expect_part("bytes= 2 - 5 ", 10, 2, 5);
	expect_part("bytes=9-18446744073709551615", 10, 9, 9);
}

static void a_part_behind_the_end_is_none(void **state)
{
	expect(HTTP_RANGE_NONE, "bytes=10-", 10);
	expect(HTTP_RANGE_NONE, "bytes=10-20", 10);
	expect(HTTP_RANGE_NONE, "bytes=-0", 10);
	expect(HTTP_RANGE_NONE, "bytes=0-", 0);
	expect(HTTP_RANGE_NONE, "bytes=-5", 0);
}

static void what_makes_no_sense_asks_for_all(void **state)
{
	static const char *const headers[] = {
		NULL,
		"",
		"bytes",
		"bytes=",
		"bytes=-",
		"bytes=5-2",
		"bytes=a-b",
		"bytes=1",
		"bytes=1-2-3",
		"bytes=0-1,4-5",
		"lines=0-1",
		"Bytes=0-1",
		"bytes=0x1-2",
		"bytes=+1-2",
		"bytes=--5",
		"bytes=1-2junk",
		"bytes=-1-",
		"bytes=1 2-3",
		"bytes=1-99999999999999999999",
		"bytes=99999999999999999999-",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(headers); i++)
		expect(HTTP_RANGE_ALL, headers[i], 10);
}

static void a_list_holds_an_etag(void **state)
{
	assert_true(http_etag_listed("\"a\"", "a"));
	assert_true(http_etag_listed("W/\"a\"", "a"));
	assert_true(http_etag_listed("*", "a"));
	assert_true(http_etag_listed("\"x\", W/\"a\" ,\"y\"", "a"));
	assert_true(http_etag_listed(",, \"x\",\"a\"", "a"));
	assert_true(http_etag_listed("\"x,y\",\"a,b\"", "a,b"));
	assert_false(http_etag_listed("\"x,a\"", "a"));
	assert_false(http_etag_listed("\"x\",\"y\"", "a"));
	assert_false(http_etag_listed("a", "a"));
	assert_false(http_etag_listed("\"a", "a"));
	assert_false(http_etag_listed("a\"", "a"));
	assert_false(http_etag_listed("\"A\"", "a"));
	assert_false(http_etag_listed("", "a"));
	assert_false(http_etag_listed("\"", "a"));
	assert_false(http_etag_listed("\"\"", "a"));
	assert_true(http_etag_listed("\"\"", ""));
	assert_false(http_etag_listed("**", "a"));
}

static void a_condition_for_a_part_is_one_strong_etag(void **state)
{
	assert_true(http_etag_is("\"a\"", "a"));
	assert_false(http_etag_is("W/\"a\"", "a"));
	assert_false(http_etag_is("\"a\", \"b\"", "a"));
	assert_false(http_etag_is("*", "a"));
	assert_false(http_etag_is("a", "a"));
	assert_false(http_etag_is("", "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_is_cut_to_the_file),
		cmocka_unit_test(a_part_behind_the_end_is_none),
		cmocka_unit_test(what_makes_no_sense_asks_for_all),
		cmocka_unit_test(a_list_holds_an_etag),
		cmocka_unit_test(a_condition_for_a_part_is_one_strong_etag),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
