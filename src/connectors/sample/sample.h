/*
 * An invented shop to try Agnes on: nine related tables of customers, orders, campaigns and
 * support. The same size and seed always give the same files.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct sample_size {
	const char *name;
	const char *alias; /* a second name, or NULL */
	int customers, products, campaigns, sessions, leads, orders, tickets;
	int months; /* of 30 days, up to the fixed end of the period */
};

enum sample_format {
	SAMPLE_CSV,	/* <table>.csv */
	SAMPLE_PARQUET, /* <table>.parquet */
	SAMPLE_BOTH,	/* <table>.csv and parquet/<table>.parquet */
};

/* Every size, smallest first; the last has no name. */
extern const struct sample_size sample_sizes[];

/* By name or alias; INVALID lists those that there are. */
const struct sample_size *sample_size_find(const char *name, GError **error);

/*
 * Writes the tables and _manifest.json into `folder`, which is made if it is missing; files of
 * these names are replaced, each at once. Returns the number of rows written, -1 on error.
 */
int64_t sample_write(const char *folder, const struct sample_size *size, int64_t seed,
		     enum sample_format format, GError **error);
