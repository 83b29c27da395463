/* The example files, made from the table of keys. */
#pragma once

/* config/instance.yaml.example: what must be set is, the rest is commented out with its default. */
char *config_example_yaml(void);

/* config/.env.template: every variable, commented out. */
char *config_example_env(void);
