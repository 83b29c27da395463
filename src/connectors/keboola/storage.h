/*
 * The Storage API of a Keboola project: whose a token is, and notes about columns. The token goes
 * to the stack alone: redirects are not followed, and no message holds it, whatever the stack says.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>

/* What is wrong with an address of a stack or with a token; NULL: nothing. g_free() it. */
char *keboola_check_url(const char *url);
char *keboola_check_token(const char *token);

/*
 * The id that the project gives a table of the registry: "in.c-crm.orders". Rows of earlier
 * versions have a bucket without its stage, which their description tells. g_free() it.
 */
char *keboola_table_id(const char *bucket, const char *source_table, const char *description,
		       const char *id);

/* Where a project is, and what opens it. */
struct keboola_project {
	const char *url, *token;
	const char *const *addresses; /* see http_call */
	int seconds;		      /* that a call may take */
	int cancel;		      /* see http_call */
};

/* Calls one project; one thread at a time. */
struct keboola_storage;

/* The project must outlive it. INVALID: its address or token; UNSUPPORTED: there is no libcurl. */
struct keboola_storage *keboola_storage_new(const struct keboola_project *project, GError **error);
void keboola_storage_free(struct keboola_storage *storage);
DEFINE_AUTOPTR(keboola_storage)

/*
 * The name of the project that the token opens; g_free() it. *refused: it is the token that is not
 * accepted. Other failures as http_client_call() has them; INVALID: this is no stack.
 */
char *keboola_storage_verify(struct keboola_storage *storage, bool *refused, GError **error);

/* What is to be noted about a column; NULL: nothing of that kind. */
struct keboola_note {
	const char *column;
	const char *basetype, *description;
};

/*
 * Writes a note. FAILED: the stack says no, and the message is its status and the start of what it
 * says, in one line; INVALID: no column can have that name; else as http_client_call().
 */
bool keboola_storage_write_note(struct keboola_storage *storage, const char *table_id,
				const struct keboola_note *note, GError **error);
