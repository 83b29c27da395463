/*
 * Scope-bound destruction for our own structs, on top of GLib's cleanup attributes:
 *
 *	struct thing;
 *	void thing_free(struct thing *thing);
 *	DEFINE_AUTOPTR(thing)
 *
 * lets a function write `g_autoptr(thing) thing = thing_new();`. The typedef exists for that macro
 * alone; everywhere else the type is spelled `struct thing`.
 */
#pragma once

#include <glib.h>
#include <unistd.h>

#define DEFINE_AUTOPTR(name)      \
	typedef struct name name; \
	G_DEFINE_AUTOPTR_CLEANUP_FUNC(name, name##_free)

/* The same for structs that live on the stack and have a thing_clear(). */
#define DEFINE_AUTO(name)         \
	typedef struct name name; \
	G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(name, name##_clear)

static inline void descriptor_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A descriptor that the scope owns: `AUTO_FD fd = open(...)`. Negative means none. */
#define AUTO_FD __attribute__((cleanup(descriptor_close))) int

/* Hands the descriptor of an AUTO_FD on to somebody else. */
static inline int descriptor_steal(int *fd)
{
	int stolen = *fd;
	*fd = -1;
	return stolen;
}
