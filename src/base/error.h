/*
 * The one error vocabulary of the program. A code says what a caller can do about a failure (answer
 * 404, retry, reopen the database, exit with 2); the message says what failed, on what, and what to
 * do, for a human.
 */
#pragma once

#include <glib.h>

#define AGNES_ERROR agnes_error_quark()
GQuark agnes_error_quark(void);

enum agnes_error {
	AGNES_ERROR_FAILED,	 /* nothing more precise is known */
	AGNES_ERROR_INVALID,	 /* the input is wrong: bad syntax, type, range or name */
	AGNES_ERROR_NOT_FOUND,	 /* no such thing */
	AGNES_ERROR_CONFLICT,	 /* exists already, is still referenced, or changed meanwhile */
	AGNES_ERROR_DENIED,	 /* permission, by us or by the operating system */
	AGNES_ERROR_BUSY,	 /* somebody else holds it; later may work */
	AGNES_ERROR_TOO_LARGE,	 /* a limit on size or number */
	AGNES_ERROR_TIMEOUT,	 /* a limit on time */
	AGNES_ERROR_CANCELLED,	 /* somebody asked for it to stop */
	AGNES_ERROR_NO_SPACE,	 /* disk or quota full */
	AGNES_ERROR_CORRUPT,	 /* the data on disk is not what it must be */
	AGNES_ERROR_UNSUPPORTED, /* understood, but not by this build, kernel or version */
	AGNES_ERROR_UNAVAILABLE, /* a service we depend on does not answer */
	AGNES_ERROR_INTERRUPTED, /* a transfer broke off half-way; again may work */
	AGNES_ERROR_FATAL,	 /* the database handle is dead and must be reopened */
};

/* Sets *error from an errno value: "<what>: <strerror>", the code chosen by the errno. */
void agnes_set_errno(GError **error, int errnum, const char *format, ...) G_GNUC_PRINTF(3, 4);
