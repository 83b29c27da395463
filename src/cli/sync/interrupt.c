/* A signalfd; a signal that is only looked at stays there for everybody. */
#include "cli/sync/interrupt.h"

#include "base/cleanup.h"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <time.h>

static sigset_t signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	return set;
}

void interrupt_begin(struct interrupt *interrupt)
{
	sigset_t set = signals();
	pthread_sigmask(SIG_BLOCK, &set, &interrupt->before);
	interrupt->descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool interrupt_came(const struct interrupt *interrupt)
{
	struct pollfd descriptor = {.fd = interrupt->descriptor, .events = POLLIN};
	return poll(&descriptor, 1, 0) > 0;
}

void interrupt_clear(struct interrupt *interrupt)
{
	sigset_t set = signals();
	const struct timespec now = {0};
	while (sigtimedwait(&set, NULL, &now) > 0)
		;
	descriptor_close(&interrupt->descriptor);
	pthread_sigmask(SIG_SETMASK, &interrupt->before, NULL);
}
