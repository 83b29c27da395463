/* What processes take of the machine, from /proc. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* The process itself, under the names that every Prometheus client library uses. */
void process_expose(GString *text);

/* Bytes of memory that a process has in use; 0 if it is gone. */
double process_resident_bytes(pid_t pid);
