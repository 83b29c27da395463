/*
 * The keeper of a program that is not ours and may start others: a process between it and us, so
 * that nothing of it is left when it ends, is told to end, or when we die.
 */
#pragma once

/* The supervisor's descriptor whose other end the parent holds for as long as the program may run.
 */
enum { SUPERVISOR_PARENT = 3 };

/*
 * To be the whole work of a process without threads. Runs argv[0], a path, with the descriptors 0
 * to 2 and the environment of this process, in its process group. When the program ends, or when
 * the other end of SUPERVISOR_PARENT is closed, everything that it started ends, also what took
 * a session of its own; in the second case the group is first asked to (SIGTERM). Then this process
 * ends as the program did, or with PROCESS_EXIT_ORPHAN. Other descriptors stay open until then and
 * are not the program's: a lock among them is held until nothing runs any more.
 */
_Noreturn void supervise(char *const argv[]);
