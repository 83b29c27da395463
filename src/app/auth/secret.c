/* Loading, making and comparing secrets. */
#include "app/auth/secret.h"

#include "base/error.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	SECRET_BYTES = 32,
	SECRET_SHORTEST = 32, /* characters; shorter ones can be guessed */
	SECRET_FILE_LIMIT = 4096,
};

static void random_bytes(guchar *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = getrandom(bytes + done, size - done, 0);
		if (got > 0)
			done += (size_t)got;
		else if (errno != EINTR)
			g_error("getrandom: %s", g_strerror(errno));
	}
}

char *secret_random_hex(size_t bytes)
{
	g_autofree guchar *random = g_malloc(bytes);
	GString *text = g_string_new(NULL);
	random_bytes(random, bytes);
	for (size_t i = 0; i < bytes; i++)
		g_string_append_printf(text, "%02x", random[i]);
	return g_string_free(text, FALSE);
}

char *secret_random_text(size_t bytes)
{
	g_autofree guchar *random = g_malloc(bytes);
	random_bytes(random, bytes);
	char *text = g_base64_encode(random, bytes);
	g_strdelimit(text, "+", '-');
	g_strdelimit(text, "/", '_');
	text[strcspn(text, "=")] = '\0';
	return text;
}

bool secret_equal(const char *secret, const char *given)
{
	/* What is compared has the length of `given` in any case, so that the time tells no more
	 * of the secret's length than that it is another. */
	size_t length = strlen(given);
	bool fits = strlen(secret) == length;
	return gnutls_memcmp(fits ? secret : given, given, length) == 0 && fits;
}

char *secret_hash(const char *text)
{
	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
}

/* NULL without an error: there is none yet. */
static char *read_secret(const char *path, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autofree char *text = files_read(path, SECRET_FILE_LIMIT, NULL, &problem);
	if (problem && !g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return NULL;
	}
	return text && *g_strstrip(text) ? g_steal_pointer(&text) : NULL;
}

/* Two processes may make one at the same time: a link lets exactly one of them win. */
static bool write_secret(const char *path, GError **error)
{
	g_autofree char *secret = secret_random_hex(SECRET_BYTES);
	g_autofree char *own = g_strdup_printf("%s.%d", path, (int)getpid());
	if (!files_replace(own, secret, strlen(secret), 0600, error))
		return false;
	bool fine = link(own, path) == 0 || errno == EEXIST;
	if (!fine)
		agnes_set_errno(error, errno, "cannot write %s", path);
	unlink(own);
	return fine;
}

static char *load_file(const char *path, GError **error)
{
	g_autoptr(GError) problem = NULL;
	char *secret = read_secret(path, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return NULL;
	}
	if (secret)
		return secret;
	/* An empty file is left over from a crash: it must go, or the link would never be made. */
	if (!files_remove(path, error) || !write_secret(path, error))
		return NULL;
	return read_secret(path, error);
}

char *secret_load(const char *data_dir, const char *variable, const char *file, GError **error)
{
	const char *given = g_getenv(variable);
	g_autofree char *folder = g_build_filename(data_dir, "state", NULL);
	g_autofree char *path = g_build_filename(folder, file, NULL);
	if (!given || !*given)
		return files_make_folder(folder, error) ? load_file(path, error) : NULL;
	if (strstr(given, "$(") || strlen(given) < SECRET_SHORTEST)
		g_warning("%s is %s: set it to the output of 'openssl rand -hex 32'", variable,
			  strstr(given, "$(") ? "a shell command that was not run" : "too short");
	return g_strdup(given);
}
