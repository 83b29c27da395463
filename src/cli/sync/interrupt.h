/* Ctrl-C and its kin as a descriptor, while something is under way that wants to end properly. */
#pragma once

#include <signal.h>
#include <stdbool.h>

struct interrupt {
	int descriptor; /* readable once one of the signals has come; -1 */
	sigset_t before;
};

/* Before any thread that is to be spared is started. */
void interrupt_begin(struct interrupt *interrupt);

bool interrupt_came(const struct interrupt *interrupt);

/* From here the signals end the process again; one that came is forgotten. */
void interrupt_clear(struct interrupt *interrupt);
