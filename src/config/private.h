/* What config.c and load.c share: the inside of a snapshot. */
#pragma once

#include "config/config.h"
#include "config/variables.h"

struct configuration {
	gatomicrefcount references;
	GPtrArray *problems; /* of struct config_problem */
	struct variables *environment;
	GHashTable *secret_paths; /* of values that a secret variable was put into */
	json_t *sections;	  /* the files over each other, as they were written */
	struct {
		json_t *value; /* of the key's type, never NULL */
		enum config_origin origin;
	} * keys; /* as many as config_keys, in its order */
};

/* The file that the admin pages write. */
char *config_overlay_path(const char *data_dir);
