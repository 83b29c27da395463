/* The part of the sandbox that filters system calls; for sandbox.c alone. */
#pragma once

#include "base/sandbox.h"

bool syscalls_filter(enum sandbox_profile profile, GError **error);
