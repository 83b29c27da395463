/* src/app/monitor and src/app/health: the text for Prometheus, counters of requests, a broken
 * state.
 */
#include "app/health.h"
#include "app/monitor/exposition.h"
#include "app/monitor/process.h"
#include "app/monitor/traffic.h"
#include "state_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void text_that_could_end_a_line_is_escaped(void **state)
{
	g_autoptr(GString) text = g_string_new(NULL);
	exposition_family(text, "a_total", "counter", "first\nsecond \\ \"third\"");
	exposition_sample(text, "a_total", 1, "name", "x\"} 5\n# \\", "other", "", NULL);
	assert_string_equal(text->str, "# HELP a_total first\\nsecond \\\\ \"third\"\n"
				       "# TYPE a_total counter\n"
				       "a_total{name=\"x\\\"} 5\\n# \\\\\",other=\"\"} 1\n");
}

static void numbers_are_written_in_one_way(void **state)
{
	const struct {
		double value;
		const char *text;
	} cases[] = {
		{0, "a 0\n"},
		{-3, "a -3\n"},
		{9007199254740991.0, "a 9007199254740991\n"},
		{1e300, "a 1e+300\n"},
		{0.125, "a 0.125\n"},
		{NAN, "a NaN\n"},
		{INFINITY, "a +Inf\n"},
		{-INFINITY, "a -Inf\n"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) text = g_string_new(NULL);
		exposition_sample(text, "a", cases[i].value, NULL);
		assert_string_equal(text->str, cases[i].text);
	}
}

static const struct http_route routes[] = {
	{HTTP_GET, "/a/{id}"},
	{HTTP_POST, "/b"},
};

static bool has_line(const char *text, const char *line)
{
	g_autofree char *whole = g_strconcat("\n", line, "\n", NULL);
	return strstr(text, whole) != NULL;
}

static void requests_are_counted_by_route_and_time(void **state)
{
	g_autoptr(traffic) traffic = traffic_new(routes, G_N_ELEMENTS(routes));
	g_autoptr(GString) text = g_string_new(NULL);
	struct http_request found = {.route = &routes[0]}, unknown = {.route = NULL};
	traffic_count(traffic, &found, 200, 1000);
	traffic_count(traffic, &found, 206, 1001);
	traffic_count(traffic, &found, 503, UINT64_C(500) * G_USEC_PER_SEC);
	traffic_count(traffic, &found, 0, 0);
	traffic_count(traffic, &unknown, 404, 10);
	traffic_count(traffic, &unknown, 999, 10); /* no status that we send */
	traffic_expose(traffic, text);
	static const char *const lines[] = {
		"agnes_http_requests_total{method=\"GET\",route=\"/a/{id}\",status=\"2xx\"} 2",
		"agnes_http_requests_total{method=\"GET\",route=\"/a/{id}\",status=\"5xx\"} 1",
		"agnes_http_requests_total{method=\"GET\",route=\"/a/{id}\",status=\"gone\"} 1",
		"agnes_http_requests_total{method=\"any\",route=\"none\",status=\"4xx\"} 1",
		"agnes_http_requests_total{method=\"any\",route=\"none\",status=\"5xx\"} 1",
		"agnes_http_request_seconds_bucket{method=\"GET\",route=\"/a/{id}\",le=\"0.001\"} 2",
		"agnes_http_request_seconds_bucket{method=\"GET\",route=\"/a/{id}\",le=\"0.005\"} 3",
		"agnes_http_request_seconds_bucket{method=\"GET\",route=\"/a/{id}\",le=\"120\"} 3",
		"agnes_http_request_seconds_bucket{method=\"GET\",route=\"/a/{id}\",le=\"+Inf\"} 4",
		"agnes_http_request_seconds_sum{method=\"GET\",route=\"/a/{id}\"} 500.002001",
		"agnes_http_request_seconds_count{method=\"GET\",route=\"/a/{id}\"} 4",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		assert_true(has_line(text->str, lines[i]));
	assert_null(strstr(text->str, "/b")); /* nobody asked for it */
}

enum { THREADS = 4, COUNTS = 20000 };

static gpointer count_many(gpointer traffic)
{
	struct http_request request = {.route = &routes[1]};
	for (int i = 0; i < COUNTS; i++)
		traffic_count(traffic, &request, 200, 5);
	return NULL;
}

static void no_count_is_lost_between_threads(void **state)
{
	GThread *threads[THREADS];
	g_autoptr(traffic) traffic = traffic_new(routes, G_N_ELEMENTS(routes));
	for (int i = 0; i < THREADS; i++)
		threads[i] = g_thread_new("count", count_many, traffic);
	for (int i = 0; i < THREADS; i++)
		g_thread_join(threads[i]);
	g_autoptr(GString) text = g_string_new(NULL);
	traffic_expose(traffic, text);
	assert_true(has_line(
		text->str,
		"agnes_http_requests_total{method=\"POST\",route=\"/b\",status=\"2xx\"} 80000"));
	assert_true(has_line(text->str,
			     "agnes_http_request_seconds_sum{method=\"POST\",route=\"/b\"} 0.4"));
}

static void a_process_tells_what_it_takes(void **state)
{
	g_autoptr(GString) text = g_string_new(NULL);
	process_expose(text);
	assert_non_null(strstr(text->str, "\nprocess_open_fds "));
	assert_non_null(strstr(text->str, "\nprocess_resident_memory_bytes "));
	assert_true(process_resident_bytes(getpid()) > 100 * 1024);
	assert_true(process_resident_bytes(-1) == 0);
}

static void a_state_of_another_version_is_not_healthy(void **state)
{
	struct state *store = state_of(state);
	g_autoptr(health) health = health_new(store, NULL, "Example");
	assert_int_equal(health_schema(health), HEALTH_OK);
	state_run(store, "UPDATE schema_version SET version = 19");
	health_check(health);
	assert_int_equal(health_schema(health), HEALTH_MISMATCH);
	g_autoptr(GBytes) answer = health_answer(health);
	assert_non_null(strstr(g_bytes_get_data(answer, NULL), "unhealthy"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_that_could_end_a_line_is_escaped),
		cmocka_unit_test(numbers_are_written_in_one_way),
		cmocka_unit_test(requests_are_counted_by_route_and_time),
		cmocka_unit_test(no_count_is_lost_between_threads),
		cmocka_unit_test(a_process_tells_what_it_takes),
		STATE_TEST(a_state_of_another_version_is_not_healthy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
