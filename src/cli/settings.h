/*
 * The folder of the settings ($DA_CONFIG_DIR, else ~/.config/da): token.json, config.yaml and
 * whatever else the client remembers. Files are replaced whole; nobody else may read the token.
 */
#pragma once

#include "base/cleanup.h"
#include "base/json.h"

#include <glib.h>
#include <stdbool.h>

struct settings {
	char *folder;
	char *server;	    /* without a slash at its end: $DA_SERVER, config.yaml, or a default */
	bool server_is_set; /* not the default */
	char *token;	    /* NULL: not signed in */
};

/*
 * Reads them; the folder is made if it is not there. A hint goes to standard error when $DA_TOKEN
 * is set but token.json wins. CORRUPT or INVALID: a file that is not what it must be.
 */
struct settings *settings_load(GError **error);
void settings_free(struct settings *settings);
DEFINE_AUTOPTR(settings)

/* The same without reading anything but the folder's name; for what must work when files are
 * broken. g_free() it. */
char *settings_folder(void);

/* A file of the folder. g_free() it. */
char *settings_path(const char *name);

/* Where it would be kept, without a slash at its end. INVALID: no http or https address. */
char *settings_check_server(const char *url, GError **error);

/* From here on these replace what was loaded, for this process. */
void settings_use_server(struct settings *settings, const char *url);
void settings_use_token(struct settings *settings, const char *token);

/* Writes token.json (mode 0600), durably. */
bool settings_save_token(const char *token, const char *email, GError **error);

/* Removes it; one that is not there is fine. */
bool settings_remove_token(GError **error);

/* Sets `server` in config.yaml and keeps what else is there. */
bool settings_save_server(const char *url, GError **error);

/* Reads a JSON object of the folder; NULL with no error if the file is not there. */
json_t *settings_read_json(const char *name, GError **error);

/* Replaces a file of the folder. `flags` as for json_dumps(). */
bool settings_write_json(const char *name, const json_t *value, size_t flags, GError **error);
