/*
 * The configuration of the program, as one immutable snapshot: the static instance.yaml
 * ($CONFIG_DIR, else ./config), over it DATA_DIR/state/instance.yaml, which the admin pages write,
 * and over both the environment. A null, in either file, means the default. ${NAME} in a text of
 * either file becomes the variable's value.
 *
 * What a key is called and what it means stands in config/keys.h. Asking for a key that is not
 * declared there, or by the wrong type, is a bug and ends the program.
 *
 * A snapshot may be read by any thread; after a change a new one takes its place.
 */
#pragma once

#include "base/cleanup.h"
#include "base/json.h"
#include "config/keys.h"

struct configuration;

/*
 * Reads everything. A file that cannot be parsed, or a value of the wrong type, is an error; what
 * lets the program run (an unknown key, a required one that is missing, a variable that is not set)
 * is logged as a warning. No static file is normal.
 */
struct configuration *config_load(const char *data_dir, GError **error);

/* The same without a word: whatever is wrong is in config_problems(), what is right is in force. */
struct configuration *config_inspect(const char *data_dir);

struct configuration *configuration_ref(struct configuration *config);
void configuration_free(struct configuration *config); /* gives a reference back */
DEFINE_AUTOPTR(configuration)

/* Of struct config_problem, in the order of the files. */
const GPtrArray *config_problems(const struct configuration *config);

/* Values of a key (by its name, or by its variable if it has only that), never NULL. What they
 * return lives as long as the snapshot. */
const char *config_text(const struct configuration *config, const char *name); /* also choices */
gint64 config_int(const struct configuration *config, const char *name);
double config_double(const struct configuration *config, const char *name);
bool config_bool(const struct configuration *config, const char *name);
guint64 config_size(const struct configuration *config, const char *name);	 /* bytes */
const json_t *config_list(const struct configuration *config, const char *name); /* of strings */
const json_t *config_tree(const struct configuration *config, const char *name); /* an object */

/*
 * Whether anybody gave the key a value that is not empty. A check that must fail closed asks this
 * first: a list of domains that is not set is not the same as one that allows nothing.
 */
bool config_is_set(const struct configuration *config, const char *name);

enum config_origin {
	CONFIG_FROM_DEFAULT,
	CONFIG_FROM_STATIC,
	CONFIG_FROM_OVERLAY,
	CONFIG_FROM_ENVIRONMENT,
};

enum config_origin config_origin(const struct configuration *config, const struct config_key *key);

/* The value as text; "***" for a secret, or for one that a secret variable was put into. */
char *config_show(const struct configuration *config, const struct config_key *key);

/*
 * Everything that the two files say, laid over each other, also what no code reads; ${NAME} is
 * replaced. Secrets are in it as they are.
 */
const json_t *config_sections(const struct configuration *config);

/*
 * An environment variable, or what the admin pages saved under its name (see
 * config/variables.h); for names that are themselves configuration, such as `token_env`. NULL if
 * it is not set.
 */
const char *config_env(const struct configuration *config, const char *name);

/*
 * Merges `patch`, an object of sections, into DATA_DIR/state/instance.yaml as it stands there, with
 * its ${NAME} references. Nothing is written if the file is corrupt (CORRUPT), or if the result
 * could not be loaded (INVALID, TOO_LARGE). Callers wait for each other, in whatever thread or
 * process they are; BUSY: for too long.
 */
bool config_save(const char *data_dir, const json_t *patch, GError **error);

/*
 * Sets variables, an object of texts, in DATA_DIR/state/.env_overlay, whose other lines stay as
 * they are; what the environment itself sets goes before it all the same. Nothing is written if a
 * value cannot stand on a line (INVALID). Waits as config_save() does.
 */
bool config_save_variables(const char *data_dir, const json_t *values, GError **error);
