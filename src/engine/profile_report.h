/* From the measured columns to the profile of the table: alerts, sums, one JSON object. */
#pragma once

#include "duck/database.h"
#include "engine/profile.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct profile_facts {
	int64_t rows;	    /* of the table */
	int64_t measured;   /* of the sample */
	int64_t duplicates; /* among the measured, by the primary key */
	int64_t size_bytes;
	char *sample_rows; /* a JSON array */
};

/* The text of the profile, from the table "profiled"; g_free() it. */
char *profile_report(struct duck_connection *connection, const struct profile_request *request,
		     const struct profile_facts *facts, GError **error);
