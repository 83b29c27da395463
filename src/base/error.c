/* The error domain and the mapping from errno to it. */
#include "base/error.h"

#include <errno.h>

G_DEFINE_QUARK(agnes - error - quark, agnes_error)

static enum agnes_error code_from_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
		return AGNES_ERROR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return AGNES_ERROR_DENIED;
	case EEXIST:
	case ENOTEMPTY:
		return AGNES_ERROR_CONFLICT;
	case EAGAIN:
	case EBUSY:
	case ETXTBSY:
		return AGNES_ERROR_BUSY;
	case ENOSPC:
	case EDQUOT:
		return AGNES_ERROR_NO_SPACE;
	case EFBIG:
	case ENAMETOOLONG:
		return AGNES_ERROR_TOO_LARGE;
	case ETIMEDOUT:
		return AGNES_ERROR_TIMEOUT;
	default:
		return AGNES_ERROR_FAILED;
	}
}

void agnes_set_errno(GError **error, int errnum, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *what = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, AGNES_ERROR, code_from_errno(errnum), "%s: %s", what,
		    g_strerror(errnum));
}
