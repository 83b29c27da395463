/* A timer that nobody waits for with a lock: setting it costs a system call and wakes no thread. */
#include "duck/helpers.h"

#include "base/error.h"
#include "duck/private.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/timerfd.h>

enum { DELAY_NANOSECONDS = 2 * 1000 * 1000 };

/* One statement's call for help; the last thread that leaves it frees it. */
struct call {
	duckdb_task_state state;
	unsigned users;
};

struct duck_helpers {
	struct duck_database *database;
	int timer;
	GMutex lock; /* over what follows */
	GCond called;
	struct call *call; /* NULL: nobody needs help */
	bool running;	   /* a statement, whether it needs help or not */
	bool ending;
	unsigned count;
	GThread **threads; /* the watcher of the timer, then the helpers */
};

/* With the lock held. */
static void leave(struct call *call)
{
	if (--call->users > 0)
		return;
	duckdb_destroy_task_state(call->state);
	g_free(call);
}

static void end_call(struct duck_helpers *helpers)
{
	struct call *call = g_steal_pointer(&helpers->call);
	if (!call)
		return;
	duckdb_finish_execution(call->state);
	leave(call);
}

static void begin_call(struct duck_helpers *helpers)
{
	helpers->call = g_new0(struct call, 1);
	helpers->call->state = duckdb_create_task_state(helpers->database->handle);
	helpers->call->users = 1;
	g_cond_broadcast(&helpers->called);
}

/* Sets the timer; 0: it does not go off. */
static void set_timer(const struct duck_helpers *helpers, long nanoseconds)
{
	const struct itimerspec when = {.it_value = {.tv_nsec = nanoseconds}};
	if (timerfd_settime(helpers->timer, 0, &when, NULL) < 0)
		g_warning("cannot set a timer: %s", g_strerror(errno));
}

static gpointer watch_timer(gpointer data)
{
	struct duck_helpers *helpers = data;
	uint64_t times;
	while (read(helpers->timer, &times, sizeof times) == sizeof times) {
		g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&helpers->lock);
		if (helpers->ending)
			break;
		/* One that goes off late may meet the next statement, which it does not harm. */
		if (helpers->running && !helpers->call)
			begin_call(helpers);
	}
	return NULL;
}

static gpointer help(gpointer data)
{
	struct duck_helpers *helpers = data;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&helpers->lock);
	for (;;) {
		while (!helpers->ending && !helpers->call)
			g_cond_wait(&helpers->called, &helpers->lock);
		if (helpers->ending)
			return NULL;
		struct call *call = helpers->call;
		call->users++;
		g_mutex_unlock(&helpers->lock);
		duckdb_execute_tasks_state(call->state);
		g_mutex_lock(&helpers->lock);
		/* It only returns when the call has ended. */
		leave(call);
	}
}

struct duck_helpers *duck_helpers_new(struct duck_database *database, unsigned count,
				      GError **error)
{
	g_autoptr(duck_helpers) helpers = g_new0(struct duck_helpers, 1);
	helpers->database = database;
	g_mutex_init(&helpers->lock);
	g_cond_init(&helpers->called);
	helpers->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (helpers->timer < 0) {
		agnes_set_errno(error, errno, "cannot make a timer");
		return NULL;
	}
	helpers->count = count;
	if (count == 0)
		return g_steal_pointer(&helpers);
	helpers->threads = g_new(GThread *, count + 1);
	helpers->threads[0] = g_thread_new("timer", watch_timer, helpers);
	for (unsigned i = 1; i <= count; i++)
		helpers->threads[i] = g_thread_new("helper", help, helpers);
	return g_steal_pointer(&helpers);
}

void duck_helpers_free(struct duck_helpers *helpers)
{
	if (!helpers)
		return;
	g_mutex_lock(&helpers->lock);
	helpers->ending = true;
	end_call(helpers);
	g_cond_broadcast(&helpers->called);
	g_mutex_unlock(&helpers->lock);
	if (helpers->threads) {
		set_timer(helpers, 1);
		for (unsigned i = 0; i <= helpers->count; i++)
			g_thread_join(helpers->threads[i]);
	}
	descriptor_close(&helpers->timer);
	g_free(helpers->threads);
	g_cond_clear(&helpers->called);
	g_mutex_clear(&helpers->lock);
	g_free(helpers);
}

void duck_helpers_stand_by(struct duck_helpers *helpers)
{
	if (helpers->count == 0)
		return;
	g_mutex_lock(&helpers->lock);
	helpers->running = true;
	g_mutex_unlock(&helpers->lock);
	set_timer(helpers, DELAY_NANOSECONDS);
}

void duck_helpers_dismiss(struct duck_helpers *helpers)
{
	if (helpers->count == 0)
		return;
	set_timer(helpers, 0);
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&helpers->lock);
	helpers->running = false;
	end_call(helpers);
}
