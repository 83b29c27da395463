/*
 * Every configuration key and environment variable that the program reads: one table, from which
 * come the checks, `agnesd config --list`, config/instance.yaml.example and config/.env.template
 * (`agnesd config --example=yaml|env` prints those two anew after a change here).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum config_type {
	CONFIG_TEXT,
	CONFIG_INT,
	CONFIG_DOUBLE,
	CONFIG_BOOL,   /* true or false, also as yes/no, on/off, 1/0 */
	CONFIG_SIZE,   /* bytes: a number, or text such as 512MB or 2GiB */
	CONFIG_CHOICE, /* one of `choices`, in any case */
	CONFIG_LIST,   /* of texts: a sequence, or one text with commas */
	CONFIG_TREE,   /* a map with keys of the user's own */
};

struct config_key {
	const char *name; /* "section.key"; NULL for what the environment alone can set */
	enum config_type type;
	const char *fallback; /* the default as text; NULL: none (empty for text, list and tree) */
	const char *env;      /* the variable that overrides the files; NULL: none */
	const char *meaning;  /* one line */
	double least, most;   /* of a number or size, inclusive; most 0: no upper bound */
	const char *choices;  /* "one|two" */
	const char *example;  /* for the example file, where the default does not serve */
	bool required;	      /* missed if a static instance.yaml does not set it */
	bool secret;	      /* never shown */
};

/* In the order of the example files: the keys of a section stand together. */
extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* What the key goes by: its name, or else its variable. */
const char *config_key_label(const struct config_key *key);

const char *config_type_name(enum config_type type);

/* Keys of existing instance.yaml files that no code reads (yet): no typos, kept when saving.
 * Whatever stands below one is accepted with it. */
extern const char *const config_accepted[];
extern const size_t config_accepted_count;

enum config_class {
	CONFIG_KEY,	 /* declared in config_keys */
	CONFIG_ACCEPTED, /* in config_accepted */
	CONFIG_SECTION,	 /* keys stand below it */
	CONFIG_UNKNOWN,
};

/* What a dotted path is; `*key` is set for CONFIG_KEY. */
enum config_class config_classify(const char *path, const struct config_key **key);

/* The path that was probably meant, or NULL. */
const char *config_suggest(const char *path);

/* Whether a key or variable of this name holds a secret: "token" and the like stand in it. */
bool config_is_secret_name(const char *name);
