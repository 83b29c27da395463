/* One pass over a text file: line lengths, NUL bytes, and conversion to UTF-8. */
#include "connectors/local/prepare.h"

#include "base/error.h"
#include "base/files.h"
#include "connectors/local/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	STEP_SIZE = 256 * 1024,
	/* Bytes of an unfinished character that wait for the next step; iconv's longest is shorter.
	 */
	TAIL_SIZE = 64,
	/* A byte of input becomes at most so many of UTF-8. */
	MOST_GROWTH = 4,
	NOT_UTF8 = 0xFF,
	LONGEST_ENCODING_NAME = 40,
};

/* What is learnt on the way. */
struct facts {
	int64_t bytes, nuls, lines;
	int64_t line_bytes; /* of the line that is being read */
	bool blank;	    /* nothing but white space so far */
};

struct conversion {
	GIConv iconv; /* or NULL */
	int unit;     /* bytes to skip when they are no character */
	int output;
	guint8 *converted;
};

static bool check_line(const struct facts *facts, const struct local_file *file, int64_t most,
		       GError **error)
{
	if (facts->line_bytes <= most)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
		    "%s: line %" G_GINT64_FORMAT " is longer than %" G_GINT64_FORMAT
		    " bytes: is a quote or a line end missing? Mend the file, or raise "
		    "local.max_line_size",
		    file->name, (gint64)facts->lines + 1, (gint64)most);
	return false;
}

/* Only the last line of a step can go on in the next; all others end in it. */
static bool look_at_lines(struct facts *facts, const struct local_file *file, int64_t most,
			  const guint8 *text, size_t size, GError **error)
{
	const guint8 *at = text, *end = text + size, *newline;
	while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
		facts->line_bytes += newline - at;
		if (!check_line(facts, file, most, error))
			return false;
		facts->lines++;
		facts->line_bytes = 0;
		at = newline + 1;
	}
	facts->line_bytes += end - at;
	return check_line(facts, file, most, error);
}

static void look_at_bytes(struct facts *facts, const guint8 *text, size_t size)
{
	for (size_t i = 0; facts->blank && i < size; i++)
		facts->blank = g_ascii_isspace(text[i]);
	for (const guint8 *at = text; (at = memchr(at, 0, (size_t)(text + size - at))); at++)
		facts->nuls++;
	facts->bytes += (int64_t)size;
}

/*
 * Converts what it can of the text; returns how many bytes at its end are an unfinished character.
 * At the `end` of the file there is none such.
 */
static size_t convert(struct conversion *conversion, guint8 *text, size_t size, bool end,
		      size_t *made)
{
	char *in = (char *)text, *out = (char *)conversion->converted;
	gsize left = size, room = (size + TAIL_SIZE) * MOST_GROWTH;
	while (left > 0 && g_iconv(conversion->iconv, &in, &left, &out, &room) == (gsize)-1) {
		if (errno == EINVAL && !end && left < TAIL_SIZE)
			break;
		gsize skipped = MIN(left, (gsize)conversion->unit);
		*out++ = (char)NOT_UTF8;
		room--;
		in += skipped;
		left -= skipped;
	}
	*made = (size_t)((guint8 *)out - conversion->converted);
	return left;
}

static bool pass(const struct local_file *file, const struct local_preparation *how,
		 struct conversion *conversion, struct facts *facts, GError **error)
{
	g_autoptr(local_stream) stream = local_stream_open(file, error);
	g_autofree guint8 *text = g_malloc(STEP_SIZE + TAIL_SIZE);
	size_t tail = 0;
	for (ssize_t got = stream ? 1 : -1; got != 0;) {
		got = got < 0 ? -1 : local_stream_read(stream, text + tail, STEP_SIZE, error);
		if (got < 0)
			return false;
		const guint8 *seen = text;
		size_t size = tail + (size_t)got;
		tail = 0;
		if (conversion->iconv) {
			size_t whole = size;
			tail = convert(conversion, text, whole, got == 0, &size);
			memmove(text, text + whole - tail, tail);
			seen = conversion->converted;
			if (!files_write_all(conversion->output, seen, size)) {
				agnes_set_errno(error, errno,
						"cannot write the copy of %s in UTF-8", file->name);
				return false;
			}
		}
		look_at_bytes(facts, seen, size);
		if (!look_at_lines(facts, file, how->longest_line, seen, size, error))
			return false;
	}
	return true;
}

/* Text of another encoding that was taken for UTF-8; each second byte of UTF-16 is often 0. */
static bool check_nuls(const struct facts *facts, const struct local_file *file, GError **error)
{
	if (facts->nuls * 10 <= facts->bytes || facts->nuls == 0)
		return true;
	g_set_error(
		error, AGNES_ERROR, AGNES_ERROR_INVALID,
		"%s: %" G_GINT64_FORMAT " of its %" G_GINT64_FORMAT
		" bytes are 0: it is not UTF-8 text; is it UTF-16? Set the encoding of the table",
		file->name, (gint64)facts->nuls, (gint64)facts->bytes);
	return false;
}

/* By the mark at the start; NULL for UTF-8. */
static const char *marked_encoding(const struct local_file *file, GError **error)
{
	guint8 start[4] = {0};
	g_autoptr(local_stream) stream = local_stream_open(file, error);
	if (!stream || local_stream_read(stream, start, sizeof start, error) < 0)
		return NULL;
	if (memcmp(start, "\xFF\xFE\0\0", 4) == 0 || memcmp(start, "\0\0\xFE\xFF", 4) == 0)
		return "UTF-32";
	if (memcmp(start, "\xFF\xFE", 2) == 0 || memcmp(start, "\xFE\xFF", 2) == 0)
		return "UTF-16";
	return NULL;
}

static bool is_utf8(const char *encoding)
{
	return g_ascii_strcasecmp(encoding, "utf-8") == 0 ||
	       g_ascii_strcasecmp(encoding, "utf8") == 0;
}

static int unit_of(const char *encoding)
{
	if (g_ascii_strncasecmp(encoding, "UTF-16", 6) == 0 ||
	    g_ascii_strncasecmp(encoding, "UCS-2", 5) == 0)
		return 2;
	if (g_ascii_strncasecmp(encoding, "UTF-32", 6) == 0 ||
	    g_ascii_strncasecmp(encoding, "UCS-4", 5) == 0)
		return 4;
	return 1;
}

static GIConv open_iconv(const char *encoding, GError **error)
{
	size_t length = strspn(encoding, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789._:+-");
	GIConv iconv = (GIConv)-1;
	if (length > 0 && length <= LONGEST_ENCODING_NAME && encoding[length] == '\0')
		iconv = g_iconv_open("UTF-8", encoding);
	if (iconv == (GIConv)-1)
		g_set_error(
			error, AGNES_ERROR, AGNES_ERROR_INVALID,
			"no encoding '%s' is known here; `iconv -l` lists those that are, such as "
			"WINDOWS-1250 or ISO-8859-2",
			encoding);
	return iconv;
}

bool local_encoding_check(const char *encoding, GError **error)
{
	GIConv iconv = open_iconv(encoding, error);
	if (iconv == (GIConv)-1)
		return false;
	g_iconv_close(iconv);
	return true;
}

/* A file without a name, so that it goes with its last descriptor whatever happens. */
static int open_copy(const char *folder, GError **error)
{
	g_autofree char *name = g_build_filename(folder, "utf8.XXXXXX", NULL);
	int fd = g_mkstemp_full(name, O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		agnes_set_errno(error, errno, "cannot create a file in %s", folder);
	else
		unlink(name);
	return fd;
}

static bool convert_file(struct local_file *file, const struct local_preparation *how,
			 const char *encoding, struct facts *facts, GError **error)
{
	g_autofree guint8 *converted = g_malloc((STEP_SIZE + 2 * TAIL_SIZE) * MOST_GROWTH);
	struct conversion conversion = {
		.unit = unit_of(encoding),
		.converted = converted,
		.output = open_copy(how->folder, error),
	};
	if (conversion.output < 0)
		return false;
	file->copy = conversion.output;
	conversion.iconv = open_iconv(encoding, error);
	if (conversion.iconv == (GIConv)-1)
		return false;
	bool done = pass(file, how, &conversion, facts, error);
	g_iconv_close(conversion.iconv);
	if (!done)
		return false;
	g_free(file->path);
	file->path = g_strdup_printf("/proc/self/fd/%d", file->copy);
	file->compression = LOCAL_PLAIN;
	return true;
}

bool local_file_prepare(struct local_file *file, const struct local_preparation *how, bool *empty,
			GError **error)
{
	g_autoptr(GError) cause = NULL;
	struct facts facts = {.blank = true};
	struct conversion none = {0};
	const char *encoding = how->encoding ? how->encoding : marked_encoding(file, &cause);
	if (cause) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return false;
	}
	bool done = encoding && !is_utf8(encoding)
			    ? convert_file(file, how, encoding, &facts, error)
			    : pass(file, how, &none, &facts, error) &&
				      check_nuls(&facts, file, error);
	*empty = facts.blank;
	return done;
}
