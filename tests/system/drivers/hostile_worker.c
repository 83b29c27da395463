/*
 * A query worker that an attacker has taken over: it starts as it should and then does what the
 * "sql" of each query names, a row of the table below. What it cannot do to the server, no query
 * can do that has broken out of DuckDB.
 */
#include "base/json.h"
#include "query/engine.h"
#include "query/wire.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MEGABYTE = 1024 * 1024, DRIP_MICROSECONDS = 50 * 1000 };

static void say(const char *text)
{
	g_autoptr(json_t) message = json_loads(text, JSON_DECODE_ANY, NULL);
	wire_send(QUERY_WORKER_SOCKET, message, "body", 4, WIRE_FOREVER, NULL);
}

static void send_raw(const void *bytes, size_t size)
{
	if (send(QUERY_WORKER_SOCKET, bytes, size, MSG_NOSIGNAL) < 0)
		_exit(0);
}

static void answer_well(void)
{
	say("{\"done\": {\"rows\": 1, \"truncated\": false, \"columns\": []}}");
}

static void send_garbage(void)
{
	static const char garbage[] = "\x19\0\0\0\0\0\0\0{\"done\": {\"rows\": \xFF\xFE, 1}}";
	send_raw(garbage, sizeof garbage - 1);
}

static void announce_gigabytes(void)
{
	send_raw("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10);
}

static void announce_and_wait(void)
{
	send_raw("\x10\0\0\0\0\0\0\0{}", 10);
	pause();
}

/* A message of a megabyte that is never late for its next byte. */
static void drip(void)
{
	send_raw("\0\0\x10\0\0\0\0\0", 8);
	for (;;) {
		send_raw(" ", 1);
		g_usleep(DRIP_MICROSECONDS);
	}
}

static void leave_in_the_middle(void)
{
	send_raw("\x10\0\0\0\0\0\0\0{", 9);
	_exit(0);
}

static void nest(void)
{
	g_autofree char *text = g_strnfill(100000, '[');
	send_raw("\xA0\x86\x01\0\0\0\0\0", 8);
	send_raw(text, 100000);
}

static void answer_twice(void)
{
	answer_well();
	answer_well();
}

static void flood(void)
{
	g_autofree char *bytes = g_malloc0(MEGABYTE);
	while (write(QUERY_RESULT_DESCRIPTOR, bytes, MEGABYTE) > 0)
		;
	_exit(0);
}

static void answer_and_flood(void)
{
	answer_well();
	flood();
}

static void close_the_pipe(void)
{
	close(QUERY_RESULT_DESCRIPTOR);
	pause();
}

static void hang_up(void)
{
	shutdown(QUERY_WORKER_SOCKET, SHUT_RDWR);
	pause();
}

static void answer_and_stop_reading(void)
{
	answer_well();
	pause();
}

static void mute(void)
{
	pause();
}

static void answer_with_wrong_types(void)
{
	say("{\"done\": {\"rows\": \"many\", \"truncated\": [], \"cut\": {}, \"columns\": 5}}");
}

static void answer_with_a_number(void)
{
	say("{\"done\": 5}");
}

static void answer_with_a_list(void)
{
	say("[1, 2]");
}

static void answer_with_nothing(void)
{
	say("{}");
}

static void fail_wrongly(void)
{
	say("{\"error\": {\"code\": 5, \"message\": {}, \"rejection\": \"none\"}}");
}

static void fail_with_a_list(void)
{
	say("{\"error\": []}");
}

static const struct {
	const char *name;
	void (*run)(void);
} deeds[] = {
	{"answer well", answer_well},
	{"send garbage", send_garbage},
	{"announce gigabytes", announce_gigabytes},
	{"announce and wait", announce_and_wait},
	{"drip", drip},
	{"leave in the middle", leave_in_the_middle},
	{"nest", nest},
	{"answer twice", answer_twice},
	{"flood", flood},
	{"answer and flood", answer_and_flood},
	{"close the pipe", close_the_pipe},
	{"hang up", hang_up},
	{"answer and stop reading", answer_and_stop_reading},
	{"mute", mute},
	{"answer with wrong types", answer_with_wrong_types},
	{"answer with a number", answer_with_a_number},
	{"answer with a list", answer_with_a_list},
	{"answer with nothing", answer_with_nothing},
	{"fail wrongly", fail_wrongly},
	{"fail with a list", fail_with_a_list},
};

static void serve(const char *sql)
{
	g_autofree char *name = g_strstrip(g_strdup(sql));
	for (size_t i = 0; i < G_N_ELEMENTS(deeds); i++) {
		if (g_strcmp0(name, deeds[i].name) == 0) {
			deeds[i].run();
			return;
		}
	}
	g_error("no such deed: %s", sql);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		g_autoptr(json_t) message = wire_receive(QUERY_WORKER_SOCKET, WIRE_TO_WORKER,
							 WIRE_FOREVER, NULL, NULL);
		const json_t *query = json_object_get(message, "query");
		if (!message)
			return 0;
		if (query)
			serve(json_string_value(json_object_get(query, "sql")));
		else
			wire_send(QUERY_WORKER_SOCKET, message, NULL, 0, WIRE_FOREVER, NULL);
	}
}
