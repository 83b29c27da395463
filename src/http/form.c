/* libmicrohttpd's post processor, and where its parts go. */
#include "http/form.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	PROCESSOR_BUFFER = 64 * 1024,
	MOST_PARTS = 64, /* fields and files of one form */
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
	bool failed;
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
	part->upload.fd = open(g_get_tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	part->upload.field = part->name;
	part->upload.filename = part->filename;
	part->upload.type = part->type;
	return part;
}

/* The processor hands a part over in pieces: an offset of 0 starts a new one. */
static struct part *current_part(struct http_form *form, const char *name, const char *filename,
				 const char *type, uint64_t offset)
{
	if (offset > 0 && form->parts->len > 0)
		return form->parts->pdata[form->parts->len - 1];
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
		if (written <= 0)
			return false;
		data += written;
		size -= (size_t)written;
	}
	return true;
}

static enum MHD_Result take(void *cls, enum MHD_ValueKind kind, const char *key,
			    const char *filename, const char *type, const char *transfer_encoding,
			    const char *data, uint64_t offset, size_t size)
{
	struct http_form *form = cls;
	struct part *part = key ? current_part(form, key, filename, type, offset) : NULL;
	if (part && keep(part, data, size))
		return MHD_YES;
	form->failed = true;
	return MHD_NO;
}

struct http_form *http_form_new(struct MHD_Connection *connection)
{
	g_autoptr(http_form) form = g_new0(struct http_form, 1);
	form->parts = g_ptr_array_new_with_free_func((GDestroyNotify)part_free);
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

bool http_form_feed(struct http_form *form, const char *data, size_t size)
{
	if (!form->failed && MHD_post_process(form->processor, data, size) != MHD_YES)
		form->failed = true;
	return !form->failed;
}

static char *part_text(const struct part *part)
{
	return g_utf8_make_valid(part->value->len ? (const char *)part->value->data : "",
				 (gssize)part->value->len);
}

/* The last unfinished piece of the body is only handed over when the processor ends. */
static void finish(struct http_form *form)
{
	if (form->processor)
		MHD_destroy_post_processor(g_steal_pointer(&form->processor));
	if (form->values)
		return;
	form->values = json_object();
	form->files = json_object();
	for (guint i = 0; i < form->parts->len; i++) {
		struct part *part = form->parts->pdata[i];
		if (part->upload.fd >= 0) {
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
	finish(form);
	return form->values;
}

const json_t *http_form_files(struct http_form *form)
{
	finish(form);
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
