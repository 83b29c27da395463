/* Loading libcurl, once. */
#include "base/curl.h"

#include "base/error.h"

#include <dlfcn.h>
#include <stdbool.h>

/* Built with OpenSSL or with GnuTLS: either will do. */
static const char *const libraries[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};

static void *open_library(GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(libraries); i++) {
		void *library = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
		if (library)
			return library;
	}
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
		    "libcurl cannot be loaded, which speaks to servers (%s): install the package "
		    "libcurl4",
		    dlerror());
	return NULL;
}

/* POSIX has a function's address travel as a pointer to data. */
static bool find(void *library, const char *name, void *member)
{
	void *address = dlsym(library, name);
	*(void **)member = address;
	return address != NULL;
}

static const struct curl *load(GError **error)
{
	static struct curl curl;
	void *library = open_library(error);
	if (!library)
		return NULL;
#define FIND(name) find(library, "curl_" #name, &curl.name) &&
	bool complete = CURL_FUNCTIONS(FIND) true;
#undef FIND
	if (!complete || curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
				    "this machine's libcurl is too old: 7.88 is needed");
		return NULL;
	}
	return &curl;
}

const struct curl *curl_load(GError **error)
{
	static GMutex lock;
	static const struct curl *loaded;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
	if (!loaded)
		loaded = load(error);
	return loaded;
}
