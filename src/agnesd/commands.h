/* Every command of agnesd; each is defined in the file of its name. */
#pragma once

#include "agnesd/command.h"

extern const struct command command_build_analytics;
extern const struct command command_check;
extern const struct command command_config;
extern const struct command command_extract;
extern const struct command command_extract_write;
extern const struct command command_import_json;
extern const struct command command_init;
extern const struct command command_inspect_tables;
extern const struct command command_measure_table;
extern const struct command command_metrics;
extern const struct command command_migrate;
extern const struct command command_profile;
extern const struct command command_query_worker;
extern const struct command command_rebuild;
extern const struct command command_rebuild_source;
extern const struct command command_sample_data;
extern const struct command command_scheduler;
extern const struct command command_serve;
extern const struct command command_supervise;
extern const struct command command_up;
