/* GET /api/data/{table_id}/download: the parquet file of a table. */
#include "app/app.h"
#include "app/audit.h"
#include "app/downloads.h"
#include "app/publisher.h"
#include "app/routes.h"
#include "extract/names.h"
#include "http/range.h"

#include <errno.h>
#include <fcntl.h>

/*
 * What is sent is noted, but not each part of it: neither that nothing is, because the client has
 * the file, nor the rest of a file whose beginning was sent.
 */
static void note_download(const struct http_request *request, const struct directory_table *table,
			  const struct published_table *published)
{
	const struct app *app = app_of(request);
	const char *known = http_request_header(request, "If-None-Match");
	const char *condition = http_request_header(request, "If-Range");
	uint64_t first = 0, last;
	enum http_range range = HTTP_RANGE_ALL;
	if (!condition || http_etag_is(condition, published->md5))
		range = http_range_parse(http_request_header(request, "Range"),
					 (uint64_t)published->size_bytes, &first, &last);
	bool nothing = request->head || range == HTTP_RANGE_NONE ||
		       (known && http_etag_listed(known, published->md5));
	bool from_start = range == HTTP_RANGE_ALL || first == 0;
	if (!nothing && downloads_begin(app->downloads, caller_of(request)->user->row->id,
					table->id, published->md5, from_start))
		audit_caller(request, "data.download", "table", table->id, NULL);
}

/*
 * Opens the published file. The descriptor keeps what was opened, whatever is published meanwhile;
 * a file that went between the look and the opening was replaced, so that a second look finds
 * another.
 */
static struct http_response *open_file(const struct http_request *request,
				       const struct directory_table *table)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		g_autoptr(edition) edition = publisher_edition(app_of(request)->publisher);
		const struct edition_table *published = edition_find(edition, table->name);
		if (!published || !published->table->file)
			return NULL;
		int fd = open(published->table->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0) {
			note_download(request, table, published->table);
			return http_file(fd, "application/octet-stream", published->table->md5);
		}
		g_warning("table '%s': cannot open %s: %s", table->name, published->table->file,
			  g_strerror(errno));
	}
	return NULL;
}

static struct http_response *download(struct http_request *request)
{
	const struct caller *caller = caller_of(request);
	const char *id = http_request_text(request, "table_id");
	if (!name_is_relaxed(id))
		return http_refuse(404, "Table not found");
	/* Without the grant, a table that exists and one that does not are the same. */
	const struct directory_table *table = directory_table_named(caller->directory, id);
	if (table && !directory_may_read(caller->directory, caller->user, table))
		table = NULL;
	if (!table && !caller->user->is_admin)
		return http_refuse(403, "Access denied to this table");
	struct http_response *response = table ? open_file(request, table) : NULL;
	if (!response)
		return http_refuse(404, "Table '%s' not found", id);
	g_autofree char *filename = g_strconcat(id, ".parquet", NULL);
	http_response_attachment(response, filename);
	return response;
}

static const struct http_field download_fields[] = {
	{"table_id", HTTP_IN_PATH, HTTP_STRING, .required = true, .meaning = "its id or its name"},
	{0},
};
static const struct http_answer download_answers[] = {
	{200, "The parquet file; its ETag is the MD5 of the manifest"},
	{206, "The part that Range asked for"},
	{304, "The file with this ETag is still the present one"},
	{404, "The table has no file"},
	{416, "The range lies behind the end"},
	{0},
};

const struct http_route data_routes[] = {
	{HTTP_GET, "/api/data/{table_id}/download", ACCESS_USER, .fields = download_fields,
	 .tag = "data", .answers = download_answers, .summary = "Download a table",
	 .handle = download},
	{0},
};
