/*
 * Which functions a query may call. An allow-list: a function that nobody has looked at is refused.
 */
#pragma once

#include <stdbool.h>

enum function_verdict {
	FUNCTION_ALLOWED,
	FUNCTION_UNKNOWN,   /* in no list: it does not exist, or is new */
	FUNCTION_CATALOG,   /* shows the engine's catalog */
	FUNCTION_COLLATION, /* is what COLLATE is for */
	FUNCTION_FILES,	    /* reads or writes files */
	FUNCTION_INTERNAL,  /* is for the engine's own use */
	FUNCTION_LOG,	    /* reads or writes the engine's log */
	FUNCTION_SECRET,    /* shows secrets */
	FUNCTION_SEQUENCE,  /* changes a sequence */
	FUNCTION_SESSION,   /* tells about the engine's session */
	FUNCTION_SETTINGS,  /* reads or changes settings */
	FUNCTION_SLEEP,	    /* waits */
	FUNCTION_SQL,	    /* takes SQL, or a table's name, as text */
};

/* `name` in any case; `in_from`: it stands where a table would. */
enum function_verdict function_check(const char *name, bool in_from);

/* What a function does that makes it refused, for a message: "reads or writes files". */
const char *function_reason(enum function_verdict verdict);
