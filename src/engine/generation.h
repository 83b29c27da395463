/*
 * What one set of grants may read, as a directory: a hard link `<table>.parquet` for each of its
 * tables, all of one edition. Whoever reads holds a reference; the directory stays until the last
 * one is dropped, however many editions follow, and a file in it never changes. This is what a
 * query worker is locked into.
 */
#pragma once

#include "base/cleanup.h"
#include "engine/edition.h"

#include <glib.h>
#include <stdbool.h>

struct generations;
struct generation;

/* The store under `<data_dir>/generations`, which it empties. BUSY: another process has it. */
struct generations *generations_new(const char *data_dir, GError **error);
/* Every generation must have been dropped. */
void generations_free(struct generations *store);
DEFINE_AUTOPTR(generations)

/*
 * The directory of these tables, made when it is first asked for. Names that the edition does not
 * have, and remote tables, are left out. CONFLICT: the edition is so old that its files are gone;
 * take the present one. From any thread.
 */
struct generation *generations_open(struct generations *store, struct edition *edition,
				    const char *const *tables, GError **error);

/* The absolute path of the directory. */
const char *generation_folder(const struct generation *generation);
struct edition *generation_edition(const struct generation *generation);

struct generation *generation_ref(struct generation *generation);
void generation_free(struct generation *generation); /* drops one reference */
DEFINE_AUTOPTR(generation)

/* Editions before `number` are outdated: their directories go as soon as nobody reads them. */
void generations_retire(struct generations *store, uint64_t number);
