/*
 * Child processes: started by posix_spawn (never a bare fork of a threaded program), each in a
 * process group of its own, with the environment and the descriptors that are named and no others.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The program that runs now, also when its file was replaced meanwhile. */
#define PROCESS_SELF "/proc/self/exe"

/*
 * Opens /dev/null where whoever started this program has closed standard input, output or error:
 * no file that is opened later may take that number and be written to. Writing to standard output
 * fails then. To be called first of all.
 */
void process_fill_standard_descriptors(void);

/* In process_options.descriptors: /dev/null. */
enum { PROCESS_NO_DESCRIPTOR = -1 };

/* How a child exits that lost its parent, see process_end_with_parent(). */
enum { PROCESS_EXIT_ORPHAN = 125 };

struct process_options {
	const char *program;		/* a path; PATH is not searched */
	const char *const *argv;	/* from argv[0], NULL-terminated */
	const char *const *environment; /* NAME=VALUE, NULL-terminated; NULL: an empty one */
	/* The child's descriptor i is our descriptors[i]; it has no others. At least 0, 1 and 2. */
	const int *descriptors;
	size_t descriptor_count;
	int nice; /* added to our own niceness */
};

struct process;

struct process *process_start(const struct process_options *options, GError **error);

pid_t process_id(const struct process *child);

/* A descriptor that polls readable once the child has ended; the process keeps it. */
int process_end_descriptor(const struct process *child);

/*
 * Waits at most `milliseconds` (negative: for ever) for the end of the child. TIMEOUT: it still
 * runs. *status is what waitpid() says; call it again and it says the same.
 */
bool process_wait(struct process *child, int milliseconds, int *status, GError **error);

/* Whether a status of process_wait() is exit code 0; else says how it ended: "exited with code 3",
 * "was killed by signal 9 (Killed)". */
bool process_check_status(int status, GError **error);

/* Asks the child's whole group to end, kills it after `milliseconds`, and waits for the child. */
void process_stop(struct process *child, int milliseconds);

/* Sends the child alone a signal, unless it has ended. From any thread. */
void process_signal(struct process *child, int signal);

/* Kills the child's whole group at once; does not wait. From any thread. */
void process_kill(struct process *child);

/* Kills the child if it still runs. */
void process_free(struct process *child);
DEFINE_AUTOPTR(process)

/*
 * For the child: a thread that ends this process with PROCESS_EXIT_ORPHAN when the other end of the
 * socket or pipe `fd` is closed, which the death of the parent does. It only watches: data in `fd`
 * stays for others to read. (PDEATHSIG would fire when the thread that started us ends.) Call it
 * after sandbox_enter().
 */
bool process_end_with_parent(int fd, GError **error);
