/* Counters of requests. */
#include "app/monitor/traffic.h"

#include "app/monitor/exposition.h"

#include <stdatomic.h>

/* Upper bounds of the latencies that are told apart. */
static const struct {
	uint64_t microseconds;
	const char *seconds;
} bounds[] = {
	{1000, "0.001"}, {5000, "0.005"},  {10000, "0.01"},  {25000, "0.025"},	 {50000, "0.05"},
	{100000, "0.1"}, {250000, "0.25"}, {500000, "0.5"},  {1000000, "1"},	 {2500000, "2.5"},
	{5000000, "5"},	 {10000000, "10"}, {30000000, "30"}, {120000000, "120"},
};

static const char *const outcomes[] = {"gone", "1xx", "2xx", "3xx", "4xx", "5xx"};

enum {
	BOUNDS = G_N_ELEMENTS(bounds),
	OUTCOMES = G_N_ELEMENTS(outcomes),
	CACHE_LINE = 64, /* threads that count different routes must not wait for each other */
};

struct route_traffic {
	_Alignas(CACHE_LINE) _Atomic uint64_t outcomes[OUTCOMES];
	_Atomic uint64_t within[BOUNDS + 1]; /* of each bound, not of those below; the last: more */
	_Atomic uint64_t microseconds;
};

struct traffic {
	const struct http_route *routes;
	size_t count;
	struct route_traffic *counters; /* one a route, and one for what has none */
};

struct traffic *traffic_new(const struct http_route *routes, size_t count)
{
	struct traffic *traffic = g_new0(struct traffic, 1);
	traffic->routes = routes;
	traffic->count = count;
	traffic->counters = g_aligned_alloc0(count + 1, sizeof *traffic->counters, CACHE_LINE);
	return traffic;
}

void traffic_free(struct traffic *traffic)
{
	if (!traffic)
		return;
	g_aligned_free(traffic->counters);
	g_free(traffic);
}

static void add(_Atomic uint64_t *counter, uint64_t amount)
{
	atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static uint64_t get(_Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void traffic_count(struct traffic *traffic, const struct http_request *request, int status,
		   uint64_t microseconds)
{
	size_t route = request->route ? (size_t)(request->route - traffic->routes) : traffic->count;
	struct route_traffic *counters = &traffic->counters[route];
	size_t outcome = (size_t)status / 100, bound = 0;
	while (bound < BOUNDS && microseconds > bounds[bound].microseconds)
		bound++;
	add(&counters->outcomes[MIN(outcome, OUTCOMES - 1)], 1);
	add(&counters->within[bound], 1);
	add(&counters->microseconds, microseconds);
}

struct labels {
	const char *method, *route;
};

static struct labels labels_of(const struct traffic *traffic, size_t index)
{
	if (index == traffic->count)
		return (struct labels){"any", "none"};
	return (struct labels){http_method_name(traffic->routes[index].method),
			       traffic->routes[index].pattern};
}

static void expose_outcomes(const struct traffic *traffic, GString *text)
{
	exposition_family(text, "agnes_http_requests_total", "counter",
			  "Requests by the class of their status; gone: the client left before");
	for (size_t i = 0; i <= traffic->count; i++) {
		struct labels labels = labels_of(traffic, i);
		for (size_t j = 0; j < OUTCOMES; j++) {
			uint64_t count = get(&traffic->counters[i].outcomes[j]);
			if (count > 0)
				exposition_sample(text, "agnes_http_requests_total", (double)count,
						  "method", labels.method, "route", labels.route,
						  "status", outcomes[j], NULL);
		}
	}
}

/* The buckets of the format are cumulative. */
static void expose_histogram(const struct traffic *traffic, size_t index, GString *text)
{
	static const char bucket[] = "agnes_http_request_seconds_bucket";
	struct route_traffic *counters = &traffic->counters[index];
	struct labels labels = labels_of(traffic, index);
	uint64_t within[BOUNDS + 1], total = 0;
	for (size_t i = 0; i <= BOUNDS; i++)
		within[i] = total += get(&counters->within[i]);
	if (total == 0)
		return;
	for (size_t i = 0; i < BOUNDS; i++)
		exposition_sample(text, bucket, (double)within[i], "method", labels.method, "route",
				  labels.route, "le", bounds[i].seconds, NULL);
	exposition_sample(text, bucket, (double)total, "method", labels.method, "route",
			  labels.route, "le", "+Inf", NULL);
	exposition_sample(text, "agnes_http_request_seconds_sum",
			  (double)get(&counters->microseconds) / G_USEC_PER_SEC, "method",
			  labels.method, "route", labels.route, NULL);
	exposition_sample(text, "agnes_http_request_seconds_count", (double)total, "method",
			  labels.method, "route", labels.route, NULL);
}

void traffic_expose(struct traffic *traffic, GString *text)
{
	expose_outcomes(traffic, text);
	exposition_family(text, "agnes_http_request_seconds", "histogram",
			  "From a request's headers to the last byte of its answer");
	for (size_t i = 0; i <= traffic->count; i++)
		expose_histogram(traffic, i, text);
}
