/* From DuckDB's messages to our error codes. */
#include "duck/private.h"

#include "base/error.h"

#include <stddef.h>
#include <string.h>

/*
 * DuckDB reports a class before the colon ("IO Error: …") and nothing finer, so that the cases a
 * caller must tell apart are known by a phrase. The first line that fits decides; the phrases are
 * those of DuckDB 1.5 and a test raises each of them.
 */
static const struct {
	const char *class;
	const char *phrase; /* NULL: any */
	enum agnes_error code;
} classes[] = {
	{"FATAL Error", NULL, AGNES_ERROR_FATAL},
	{"INTERNAL Error", NULL, AGNES_ERROR_FATAL},
	{"", "No space left on device", AGNES_ERROR_NO_SPACE},
	{"", "Disk quota exceeded", AGNES_ERROR_NO_SPACE},
	{"", "Could not set lock on file", AGNES_ERROR_BUSY},
	{"", "Permission denied", AGNES_ERROR_DENIED},
	{"", "Read-only file system", AGNES_ERROR_DENIED},
	{"", "No such file or directory", AGNES_ERROR_NOT_FOUND},
	{"IO Error", "No files found", AGNES_ERROR_NOT_FOUND},
	{"IO Error", "not a valid DuckDB database file", AGNES_ERROR_CORRUPT},
	{"IO Error", "we can only read", AGNES_ERROR_UNSUPPORTED},
	{"IO Error", "file is not long enough", AGNES_ERROR_CORRUPT},
	{"IO Error", "orrupt", AGNES_ERROR_CORRUPT},
	{"Serialization Error", NULL, AGNES_ERROR_CORRUPT},
	{"Corrupt", NULL, AGNES_ERROR_CORRUPT},
	{"Constraint Error", NULL, AGNES_ERROR_CONFLICT},
	{"TransactionContext Error", "onflict", AGNES_ERROR_CONFLICT},
	{"TransactionContext Error", "onstraint", AGNES_ERROR_CONFLICT},
	{"INTERRUPT Error", NULL, AGNES_ERROR_CANCELLED},
	{"Interrupt", NULL, AGNES_ERROR_CANCELLED},
	{"Out of Memory Error", NULL, AGNES_ERROR_TOO_LARGE},
	{"Permission Error", NULL, AGNES_ERROR_DENIED},
	{"Parser Error", NULL, AGNES_ERROR_INVALID},
	{"Syntax Error", NULL, AGNES_ERROR_INVALID},
	{"Binder Error", NULL, AGNES_ERROR_INVALID},
	{"Conversion Error", NULL, AGNES_ERROR_INVALID},
	{"Invalid Input Error", NULL, AGNES_ERROR_INVALID},
	{"Out of Range Error", NULL, AGNES_ERROR_INVALID},
	{"Catalog Error", "does not exist", AGNES_ERROR_NOT_FOUND},
	{"Catalog Error", "already exists", AGNES_ERROR_CONFLICT},
	{"Not implemented Error", NULL, AGNES_ERROR_UNSUPPORTED},
};

static enum agnes_error classify(const char *message)
{
	for (size_t i = 0; i < G_N_ELEMENTS(classes); i++) {
		if (g_str_has_prefix(message, classes[i].class) &&
		    (!classes[i].phrase || strstr(message, classes[i].phrase)))
			return classes[i].code;
	}
	return AGNES_ERROR_FAILED;
}

/* A stream that fails while another thread fetches from it reports that first, the cause after. */
static const char *skip_to_cause(const char *message)
{
	static const char cause[] = "\nError: ";
	if (!g_str_has_prefix(message, "Invalid Input Error: Attempting to "))
		return message;
	const char *found = strstr(message, cause);
	return found ? found + strlen(cause) : message;
}

void duck_set_error(GError **error, const char *message)
{
	message = message ? skip_to_cause(message) : "DuckDB failed without a message";
	/* Behind its own bugs DuckDB writes a stack trace. */
	const char *trace = strstr(message, "\nThis error signals an assertion failure");
	g_set_error(error, AGNES_ERROR, classify(message), "%.*s",
		    (int)(trace ? trace - message : (ptrdiff_t)strlen(message)), message);
}
