/* Reading /proc. */
#include "app/monitor/process.h"

#include "app/monitor/exposition.h"
#include "base/files.h"

#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	LONGEST_FILE = 64 * 1024,
	/* Fields of /proc/PID/stat, counted from behind the name; proc(5) counts from 1, with it
	 * and the pid. */
	FIELD_THREADS = 17,
	FIELD_START = 19,
	FIELD_VIRTUAL = 20,
	FIELD_RESIDENT = 21,
	FIELDS = 22,
};

/* Numbers of a process's stat, by the constants above. */
static bool read_stat(const char *path, double *fields)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = files_read(path, LONGEST_FILE, NULL, &error);
	const char *at = text ? strrchr(text, ')') : NULL;
	if (!at)
		return false;
	g_auto(GStrv) parts = g_strsplit(at + 2, " ", -1);
	if (g_strv_length(parts) < FIELDS)
		return false;
	for (int i = 0; i < FIELDS; i++)
		fields[i] = g_ascii_strtod(parts[i], NULL);
	return true;
}

double process_resident_bytes(pid_t pid)
{
	double fields[FIELDS];
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
	return read_stat(path, fields) ? fields[FIELD_RESIDENT] * (double)sysconf(_SC_PAGESIZE) : 0;
}

static double seconds(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / G_USEC_PER_SEC;
}

static double count_descriptors(void)
{
	int count = 0;
	g_autoptr(GDir) folder = g_dir_open("/proc/self/fd", 0, NULL);
	while (folder && g_dir_read_name(folder))
		count++;
	return MAX(count - 1, 0); /* but for the folder's own */
}

void process_expose(GString *text)
{
	double fields[FIELDS];
	struct rusage usage;
	struct rlimit files;
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		exposition_single(text, "process_cpu_seconds_total", "counter",
				  "Time that the server computed",
				  seconds(&usage.ru_utime) + seconds(&usage.ru_stime));
	exposition_single(text, "process_open_fds", "gauge", "Open descriptors",
			  count_descriptors());
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		exposition_single(text, "process_max_fds", "gauge", "Most of them",
				  (double)files.rlim_cur);
	if (!read_stat("/proc/self/stat", fields))
		return;
	exposition_single(text, "process_threads", "gauge", "Threads", fields[FIELD_THREADS]);
	exposition_single(text, "process_virtual_memory_bytes", "gauge", "Address space",
			  fields[FIELD_VIRTUAL]);
	exposition_single(text, "process_resident_memory_bytes", "gauge", "Memory in use",
			  fields[FIELD_RESIDENT] * (double)sysconf(_SC_PAGESIZE));
}
