/*
 * What requests came to, counted by their route: never by their path, whose number has no bound.
 * Counting takes a few atomic additions and no lock.
 */
#pragma once

#include "base/cleanup.h"
#include "http/request.h"

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

struct traffic;

/* `routes` is the application's table and must live as long. */
struct traffic *traffic_new(const struct http_route *routes, size_t count);
void traffic_free(struct traffic *traffic);
DEFINE_AUTOPTR(traffic)

/* From any thread. Status 0: the client left before there was an answer. */
void traffic_count(struct traffic *traffic, const struct http_request *request, int status,
		   uint64_t microseconds);

/* The counters as Prometheus text, of routes that were asked for. */
void traffic_expose(struct traffic *traffic, GString *text);
