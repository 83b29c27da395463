/* src/app/scan_quota: what is counted, refused, and remembered over a restart. */
#include "state_fixture.h"

#include "app/scan_quota.h"
#include "base/json.h"

#include <string.h>

static const struct scan_limits limits = {.concurrent = 2, .daily_bytes = 1000};

static void assert_refused(struct scan_quotas *quotas, const char *user, const char *kind,
			   int64_t current)
{
	g_autoptr(json_t) excess = scan_quotas_begin(quotas, user, &limits);
	assert_non_null(excess);
	assert_string_equal(json_string_value(json_object_get(excess, "error")), "quota_exceeded");
	assert_string_equal(json_string_value(json_object_get(excess, "kind")), kind);
	assert_int_equal(json_integer_value(json_object_get(excess, "current")), current);
}

static void scans_at_a_time_are_counted_for_each_user(void **context)
{
	g_autoptr(scan_quotas) quotas = scan_quotas_new(state_of(context), NULL);
	assert_null(scan_quotas_begin(quotas, "ann", &limits));
	assert_null(scan_quotas_begin(quotas, "ann", &limits));
	assert_refused(quotas, "ann", "concurrent_scans", 2);
	assert_null(scan_quotas_begin(quotas, "bob", &limits));
	scan_quotas_end(quotas, "ann", 0);
	assert_null(scan_quotas_begin(quotas, "ann", &limits));
	scan_quotas_end(quotas, "ann", 0);
	scan_quotas_end(quotas, "ann", 0);
	scan_quotas_end(quotas, "bob", 0);
}

static void the_bytes_of_a_day_may_be_overshot_once(void **context)
{
	g_autoptr(scan_quotas) quotas = scan_quotas_new(state_of(context), NULL);
	assert_null(scan_quotas_begin(quotas, "ann", &limits));
	scan_quotas_end(quotas, "ann", 999);
	assert_null(scan_quotas_begin(quotas, "ann", &limits));
	scan_quotas_end(quotas, "ann", 5000);
	assert_refused(quotas, "ann", "daily_bytes", 5999);
	assert_null(scan_quotas_begin(quotas, "bob", &limits));
	scan_quotas_end(quotas, "bob", 1000);
	assert_refused(quotas, "bob", "daily_bytes", 1000);
}

static void a_restart_forgets_yesterday_only(void **context)
{
	struct scan_quotas *quotas = scan_quotas_new(state_of(context), NULL);
	for (int i = 0; i < 20; i++) {
		assert_null(scan_quotas_begin(quotas, i % 2 ? "ann" : "bob", &limits));
		scan_quotas_end(quotas, i % 2 ? "ann" : "bob", i % 2 ? 100 : 1);
	}
	scan_quotas_free(quotas);
	assert_int_equal(
		state_number(state_of(context), "SELECT sum(bytes)::BIGINT FROM scan_usage"), 1010);
	quotas = scan_quotas_new(state_fixture_reopen(context), NULL);
	assert_refused(quotas, "ann", "daily_bytes", 1000);
	assert_null(scan_quotas_begin(quotas, "bob", &limits));
	scan_quotas_end(quotas, "bob", 0);
	scan_quotas_free(quotas);
	state_run(state_of(context), "UPDATE scan_usage SET day = '2020-01-01'");
	quotas = scan_quotas_new(state_of(context), NULL);
	assert_null(scan_quotas_begin(quotas, "ann", &limits));
	scan_quotas_end(quotas, "ann", 7);
	scan_quotas_free(quotas);
	assert_int_equal(state_number(state_of(context),
				      "SELECT bytes FROM scan_usage WHERE user_id = 'ann'"),
			 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(scans_at_a_time_are_counted_for_each_user),
		STATE_TEST(the_bytes_of_a_day_may_be_overshot_once),
		STATE_TEST(a_restart_forgets_yesterday_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
