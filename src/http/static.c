/* Static files: the kernel keeps every look-up inside the folder. */
#include "http/static.h"

#include "base/beneath.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct http_static {
	int folder;
};

static int open_beneath(int folder, const char *path)
{
	/* A pipe in the folder must not make the server wait: hence O_NONBLOCK. */
	return beneath_open(folder, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, NULL);
}

struct http_static *http_static_new(const char *folder, GError **error)
{
	g_autoptr(http_static) files = g_new0(struct http_static, 1);
	files->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD probe = files->folder < 0 ? -1 : open_beneath(files->folder, ".");
	if (probe >= 0)
		return g_steal_pointer(&files);
	agnes_set_errno(error, errno, "cannot serve files from %s", folder);
	return NULL;
}

void http_static_free(struct http_static *files)
{
	if (!files)
		return;
	if (files->folder >= 0)
		close(files->folder);
	g_free(files);
}

static const char *type_of(const char *path)
{
	static const struct {
		const char *ending, *type;
	} types[] = {
		{".css", "text/css; charset=utf-8"},
		{".gif", "image/gif"},
		{".html", "text/html; charset=utf-8"},
		{".ico", "image/vnd.microsoft.icon"},
		{".jpeg", "image/jpeg"},
		{".jpg", "image/jpeg"},
		{".js", "text/javascript; charset=utf-8"},
		{".json", "application/json"},
		{".mjs", "text/javascript; charset=utf-8"},
		{".pdf", "application/pdf"},
		{".png", "image/png"},
		{".svg", "image/svg+xml"},
		{".txt", "text/plain; charset=utf-8"},
		{".webp", "image/webp"},
		{".woff2", "font/woff2"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		if (g_str_has_suffix(path, types[i].ending))
			return types[i].type;
	}
	return "application/octet-stream";
}

static bool is_hidden(const char *path)
{
	return path[0] == '.' || strstr(path, "/.");
}

struct http_response *http_static_serve(const struct http_static *files, const char *path)
{
	struct stat status;
	AUTO_FD fd = is_hidden(path) ? -1 : open_beneath(files->folder, path);
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return http_refuse(404, "Not Found");
	/* A file that is replaced in the same instant by one of the same size is another inode. */
	g_autofree char *etag = g_strdup_printf("%" PRIx64 "-%" PRIx64 "-%" PRIx64,
						(uint64_t)status.st_mtim.tv_sec * 1000000000 +
							(uint64_t)status.st_mtim.tv_nsec,
						(uint64_t)status.st_size, (uint64_t)status.st_ino);
	return http_file(descriptor_steal(&fd), type_of(path), etag);
}
