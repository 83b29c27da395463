/* libmicrohttpd's post processor, and where its parts go. */
#include "http/form.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	PROCESSOR_BUFFER = 64 * 1024,
	MOST_PARTS = 64, /* fields and files of one form */
	MOST_BOUNDARY = 200,
};

struct part {
	struct http_upload upload; /* of files; fd -1 for a plain field */
	char *name;
	char *filename;
	char *type;
	GByteArray *value; /* of fields */
};

struct http_form {
	struct MHD_PostProcessor *processor;
	GPtrArray *parts;
	json_t *values, *files; /* made when asked for */
	bool multipart;
	bool broken; /* not to be parsed, or too many parts */
	bool lost;   /* a file could not be kept */
};

static void part_free(struct part *part)
{
	if (part->upload.fd >= 0)
		close(part->upload.fd);
	if (part->value)
		g_byte_array_unref(part->value);
	g_free(part->name);
	g_free(part->filename);
	g_free(part->type);
	g_free(part);
}

/* A file without a name, in the folder for temporary files. */
static int open_unnamed(void)
{
	int fd = open(g_get_tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), "upload-XXXXXX", NULL);
	fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static struct part *part_new(const char *name, const char *filename, const char *type)
{
	struct part *part = g_new0(struct part, 1);
	part->name = g_utf8_make_valid(name, -1);
	part->upload.fd = -1;
	if (!filename) {
		part->value = g_byte_array_new();
		return part;
	}
	part->filename = g_utf8_make_valid(filename, -1);
	part->type = type ? g_utf8_make_valid(type, -1) : NULL;
	part->upload.fd = open_unnamed();
	part->upload.field = part->name;
	part->upload.filename = part->filename;
	part->upload.type = part->type;
	return part;
}

/*
 * The processor hands a part over in pieces: an offset of 0 starts a new one, or goes on with one
 * whose first piece was empty.
 */
static struct part *current_part(struct http_form *form, const char *name, const char *filename,
				 const char *type, uint64_t offset)
{
	struct part *last = form->parts->len ? form->parts->pdata[form->parts->len - 1] : NULL;
	if (last && offset > 0)
		return last;
	if (last && strcmp(last->name, name) == 0 && !last->value == !!filename &&
	    (last->value ? last->value->len : last->upload.size) == 0)
		return last;
	if (form->parts->len >= MOST_PARTS)
		return NULL;
	struct part *part = part_new(name, filename, type);
	g_ptr_array_add(form->parts, part);
	return part;
}

static bool keep(struct part *part, const char *data, size_t size)
{
	if (part->value) {
		g_byte_array_append(part->value, (const guint8 *)data, (guint)size);
		return true;
	}
	part->upload.size += size;
	while (size > 0) {
		ssize_t written = write(part->upload.fd, data, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		data += written;
		size -= (size_t)written;
	}
	return part->upload.fd >= 0;
}

static enum MHD_Result take(void *cls, enum MHD_ValueKind kind, const char *key,
			    const char *filename, const char *type, const char *transfer_encoding,
			    const char *data, uint64_t offset, size_t size)
{
	struct http_form *form = cls;
	struct part *part = key ? current_part(form, key, filename, type, offset) : NULL;
	if (!part)
		form->broken = true;
	else if (!keep(part, data, size))
		form->lost = true;
	return form->broken || form->lost ? MHD_NO : MHD_YES;
}

/* Debian's libmicrohttpd reads out of bounds when the boundary is nothing but quotes. */
static bool boundary_is_sane(const char *type)
{
	static const char name[] = "boundary=";
	const char *boundary = strstr(type, name);
	if (!boundary)
		return false;
	boundary += strlen(name);
	size_t length = strlen(boundary);
	if (length > MOST_BOUNDARY)
		return false;
	return *boundary == '"' ? length > 2 && boundary[length - 1] == '"' : length > 1;
}

struct http_form *http_form_new(struct MHD_Connection *connection)
{
	static const char multipart[] = "multipart/form-data";
	const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");
	g_autoptr(http_form) form = g_new0(struct http_form, 1);
	form->parts = g_ptr_array_new_with_free_func((GDestroyNotify)part_free);
	form->multipart = type && g_ascii_strncasecmp(type, multipart, strlen(multipart)) == 0;
	if (!type || (form->multipart && !boundary_is_sane(type)))
		return NULL;
	form->processor = MHD_create_post_processor(connection, PROCESSOR_BUFFER, take, form);
	return form->processor ? g_steal_pointer(&form) : NULL;
}

void http_form_free(struct http_form *form)
{
	if (!form)
		return;
	if (form->processor)
		MHD_destroy_post_processor(form->processor);
	g_ptr_array_unref(form->parts);
	json_decref(form->values);
	json_decref(form->files);
	g_free(form);
}

void http_form_feed(struct http_form *form, const char *data, size_t size)
{
	if (form->broken || form->lost)
		return;
	if (MHD_post_process(form->processor, data, size) != MHD_YES && !form->lost)
		form->broken = true;
}

bool http_form_finish(struct http_form *form)
{
	/* The last unfinished piece is only handed over when the processor ends. It calls every
	 * body incomplete whose last key has no value, which is fine in an urlencoded one. */
	if (MHD_destroy_post_processor(g_steal_pointer(&form->processor)) != MHD_YES)
		form->broken |= form->multipart;
	return !form->broken && !form->lost;
}

bool http_form_is_kept(const struct http_form *form)
{
	return !form->lost;
}

static char *part_text(const struct part *part)
{
	return g_utf8_make_valid(part->value->len ? (const char *)part->value->data : "",
				 (gssize)part->value->len);
}

static void sort_parts(struct http_form *form)
{
	if (form->values)
		return;
	form->values = json_object();
	form->files = json_object();
	for (guint i = 0; i < form->parts->len; i++) {
		struct part *part = form->parts->pdata[i];
		if (!part->value) {
			lseek(part->upload.fd, 0, SEEK_SET);
			json_object_set_new(form->files, part->name, json_true());
			continue;
		}
		g_autofree char *text = part_text(part);
		json_object_set_new(form->values, part->name, json_string(text));
	}
}

const json_t *http_form_values(struct http_form *form)
{
	sort_parts(form);
	return form->values;
}

const json_t *http_form_files(struct http_form *form)
{
	sort_parts(form);
	return form->files;
}

const struct http_upload *http_form_upload(const struct http_form *form, const char *field)
{
	for (guint i = 0; i < form->parts->len; i++) {
		struct part *part = form->parts->pdata[i];
		if (part->upload.fd >= 0 && strcmp(part->name, field) == 0)
			return &part->upload;
	}
	return NULL;
}
