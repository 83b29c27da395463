/* One pass over a file's tree: variables are put in, keys and types checked. */
#pragma once

#include "base/json.h"
#include "base/yaml.h"
#include "config/variables.h"

struct config_check {
	const char *file; /* named in messages */
	const struct variables *environment;
	GPtrArray *problems;	  /* of struct config_problem; gets what is found */
	GHashTable *secret_paths; /* gets the paths of values that a secret variable was put into */
};

/*
 * `tree` is changed: every ${NAME} in a text becomes the variable's value, or nothing. `overlaid`
 * is the tree that goes over this one, or NULL: a variable that is not set does not matter where
 * that one has a value. `place` may be NULL.
 */
void config_check_tree(struct config_check *check, json_t *tree, const struct yaml_place *place,
		       const json_t *overlaid);
