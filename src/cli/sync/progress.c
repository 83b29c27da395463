/* Drawing progress. */
#include "cli/sync/progress.h"

#include "cli/output.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	NAME_LEAST = 8, /* columns that a name gets on the narrowest terminal */
	NAME_MOST = 40,
	NUMBERS = 24, /* columns beside a name */
	DEFAULT_HEIGHT = 24,
	MINUTE = 60,
};
/* How much of the rate the last moment counts. */
static const double smoothing = 0.1;

struct progress {
	const struct download *downloads;
	size_t count;
	int lines;	/* on the screen now */
	int64_t before; /* bytes that were there the last time */
	double rate;	/* bytes a second; 0: not known yet */
	gint64 drawn;
};

struct sums {
	int64_t there, total;
	size_t ended;
};

static struct sums add_up(const struct progress *progress)
{
	struct sums sums = {0};
	for (size_t i = 0; i < progress->count; i++) {
		const struct download *download = &progress->downloads[i];
		int64_t there = __atomic_load_n(&download->received, __ATOMIC_RELAXED);
		sums.there += there;
		sums.total += MAX(download->size, there);
		sums.ended += __atomic_load_n(&download->state, __ATOMIC_ACQUIRE) >= DOWNLOAD_DONE;
	}
	return sums;
}

struct progress *progress_new(const struct download *downloads, size_t count)
{
	struct progress *progress = g_new(struct progress, 1);
	*progress = (struct progress){.downloads = downloads, .count = count};
	progress->before = add_up(progress).there;
	progress->drawn = g_get_monotonic_time();
	return progress;
}

/* Back to the first line, and everything from there is gone. */
static void wipe(struct progress *progress)
{
	if (progress->lines > 0)
		fprintf(stderr, "\x1b[%dA\r\x1b[J", progress->lines);
	progress->lines = 0;
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	wipe(progress);
	fflush(stderr);
	g_free(progress);
}

static int percent(int64_t there, int64_t total)
{
	return total > 0 ? (int)(100.0 * (double)there / (double)total) : 0;
}

static void append_table(GString *text, const struct download *download, int width)
{
	int64_t there = __atomic_load_n(&download->received, __ATOMIC_RELAXED);
	int columns = CLAMP(width - NUMBERS, NAME_LEAST, NAME_MOST);
	g_autofree char *size = output_size(there);
	g_autofree char *share = download->size > 0
					 ? g_strdup_printf("%d%%", percent(there, download->size))
					 : g_strdup("");
	g_string_append_printf(text, "  %-*.*s %10s %5s\n", columns, columns, download->label, size,
			       share);
}

static void append_total(GString *text, const struct progress *progress, const struct sums *sums)
{
	g_string_append_printf(text, "%zu/%zu  %d%%", sums->ended, progress->count,
			       percent(sums->there, sums->total));
	if (progress->rate >= 1) {
		g_autofree char *rate = output_size((gint64)progress->rate);
		int64_t left = (int64_t)((double)(sums->total - sums->there) / progress->rate);
		g_string_append_printf(text, "  %s/s  %d:%02d left", rate, (int)(left / MINUTE),
				       (int)(left % MINUTE));
	}
	g_string_append_c(text, '\n');
}

static void update_rate(struct progress *progress, int64_t there, gint64 elapsed)
{
	if (elapsed <= 0)
		return;
	double now = (double)MAX(there - progress->before, 0) * G_USEC_PER_SEC / (double)elapsed;
	progress->rate = progress->rate > 0 ? progress->rate * (1 - smoothing) + now * smoothing
					    : now;
	progress->before = there;
}

char *progress_render(struct progress *progress, int width, int height, gint64 elapsed)
{
	GString *text = g_string_new(NULL);
	struct sums sums = add_up(progress);
	int left = height - 2; /* the total, and the line of the cursor */
	update_rate(progress, sums.there, elapsed);
	for (size_t i = 0; i < progress->count && left > 0; i++) {
		const struct download *download = &progress->downloads[i];
		if (__atomic_load_n(&download->state, __ATOMIC_ACQUIRE) != DOWNLOAD_RUNNING)
			continue;
		append_table(text, download, width);
		left--;
	}
	append_total(text, progress, &sums);
	return g_string_free(text, FALSE);
}

static int terminal_height(void)
{
	struct winsize size;
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row
									       : DEFAULT_HEIGHT;
}

void progress_draw(struct progress *progress)
{
	gint64 now = g_get_monotonic_time();
	g_autofree char *text = progress_render(progress, output_width(), terminal_height(),
						now - progress->drawn);
	progress->drawn = now;
	wipe(progress);
	fputs(text, stderr);
	fflush(stderr);
	for (const char *at = text; *at; at++)
		progress->lines += *at == '\n';
}
