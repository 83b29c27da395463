/* docs/CLI.md, made from the tables. */
#pragma once

/* The whole page in Markdown. g_free() it. */
char *manual_page(void);
