/*
 * libcurl, loaded when the first call is made. Thirty libraries hang on it: linked in, they would
 * cost every start of a program 5 ms and more, and most starts call nobody.
 */
#pragma once

#include <curl/curl.h>
#include <glib.h>

/* What we use of it; each has the type that libcurl's header gives it. */
/* clang-format off */
#define CURL_FUNCTIONS(use)                                                                        \
	use(easy_cleanup) use(easy_getinfo) use(easy_init) use(easy_reset) use(easy_setopt)        \
	use(easy_strerror) use(global_init) use(mime_addpart) use(mime_data_cb) use(mime_filename) \
	use(mime_free) use(mime_init) use(mime_name) use(mime_type) use(multi_add_handle)          \
	use(multi_cleanup) use(multi_info_read) use(multi_init) use(multi_perform)                 \
	use(multi_poll) use(multi_remove_handle) use(slist_append) use(slist_free_all)
/* clang-format on */

struct curl {
#define CURL_MEMBER(name) __typeof__(&curl_##name) name; // NOLINT(bugprone-macro-parentheses)
	CURL_FUNCTIONS(CURL_MEMBER)
#undef CURL_MEMBER
};

/* From any thread. UNSUPPORTED: this machine has none that fits. It is never unloaded. */
const struct curl *curl_load(GError **error);
