/* A folder with what a configuration is read from, and a clean environment. */
#pragma once

#include "config/config.h"
#include "config/problem.h"

/* cmocka's set-up and tear-down: a new working directory with config/ and data/state/. */
int config_fixture_set_up(void **state);
int config_fixture_tear_down(void **state);

/* Writes one of the files, relative to the working directory. */
void config_fixture_write(const char *path, const char *text);

/* Writes config/instance.yaml. */
void config_fixture_static(const char *text);

/* Writes data/state/instance.yaml. */
void config_fixture_overlay(const char *text);

/* All problems, one a line, as "error: text" or "warning: text". */
char *config_fixture_problems(const struct configuration *config);
