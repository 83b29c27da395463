/*
 * Preloaded into a program: kills it right after the KILL_AT_SYNC-th time that it has made a file
 * durable. What is on disk then is what a power cut may leave.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static int synced(const char *name, int fd)
{
	static atomic_int count;
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
	int result = real(fd);
	const char *limit = getenv("KILL_AT_SYNC");
	if (limit && atomic_fetch_add(&count, 1) + 1 == (int)strtol(limit, NULL, 10))
		kill(getpid(), SIGKILL);
	return result;
}

int fsync(int fd)
{
	return synced("fsync", fd);
}

int fdatasync(int fildes)
{
	return synced("fdatasync", fildes);
}
