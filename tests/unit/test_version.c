/* src/base/version: the order of versions. */
#include "base/version.h"

#include <glib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void versions_are_in_order(void **context)
{
	static const char *const order[] = {
		"0.9",	  "0.9.1", "0.10",	"1.0.dev1", "1.0.dev2", "1.0a1", "1.0a10", "1.0b1",
		"1.0rc1", "1.0",   "1.0.post1", "1.0.1",    "1.2",	"1.10",	 "2",	   "10.0.0",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
		for (size_t j = 0; j < G_N_ELEMENTS(order); j++) {
			int expected = i < j ? -1 : i > j;
			assert_int_equal(version_compare(order[i], order[j]), expected);
		}
	}
}

static void versions_are_the_same(void **context)
{
	assert_int_equal(version_compare("1.0", "1.0.0"), 0);
	assert_int_equal(version_compare("v1.2", "1.2"), 0);
	assert_int_equal(version_compare("1.2-rc1", "1.2.RC1"), 0);
	assert_int_equal(version_compare("1.2+local.7", "1.2"), 0);
	assert_int_equal(version_compare("", ""), 0);
	assert_int_equal(version_compare("", "0"), 0);
}

static void odd_ones_end(void **context)
{
	assert_true(version_compare("99999999999999999999999", "1") > 0);
	assert_true(version_compare("1.0", "...") > 0);
	assert_true(version_compare("1.0.final", "1.0") > 0);
	assert_int_equal(version_compare("\xc5\xbe", ""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_in_order),
		cmocka_unit_test(versions_are_the_same),
		cmocka_unit_test(odd_ones_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
