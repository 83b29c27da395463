/* The text format of Prometheus, version 0.0.4: families of samples with labels. */
#pragma once

#include <glib.h>

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Begins a family; its samples must follow. `type` is counter, gauge or histogram. */
void exposition_family(GString *text, const char *name, const char *type, const char *help);

/* A sample, with labels as names and values that end with NULL; a value may be any UTF-8 text. */
void exposition_sample(GString *text, const char *name, double value, ...) G_GNUC_NULL_TERMINATED;

/* A family of one sample without labels. */
void exposition_single(GString *text, const char *name, const char *type, const char *help,
		       double value);
