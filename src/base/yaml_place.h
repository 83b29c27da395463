/* How yaml.c builds the tree of places beside the tree of values. */
#pragma once

#include "base/yaml.h"

/* For a GTree of keys or anchors: balanced, so nobody can choose names that make it slow, as they
 * could with a hash table. */
int yaml_compare_names(const void *a, const void *b, void *unused);

struct yaml_place *yaml_place_new(int line, int column);
void yaml_place_free(struct yaml_place *place);
DEFINE_AUTOPTR(yaml_place)

/* Takes `member`. */
void yaml_place_add_member(struct yaml_place *place, const char *key, struct yaml_place *member);

/* Takes `item`. */
void yaml_place_add_item(struct yaml_place *place, struct yaml_place *item);

/* A place of its own at line and column whose parts are those of `source`. */
struct yaml_place *yaml_place_share(const struct yaml_place *source, int line, int column);

/* Adds the members of `source` whose keys `place` does not have. */
void yaml_place_merge(struct yaml_place *place, const struct yaml_place *source);
