/* The parent's side of the child that looks into files. */
#include "extract/inspection.h"

#include "base/child.h"
#include "base/error.h"
#include "base/files.h"

enum {
	LONGEST_LINE = 64 * 1024,
	LONGEST_ANSWER = 64 * 1024 * 1024,
	/* Reading every value of every table takes as long as it takes. */
	DEEP_SECONDS = 24 * 3600,
};

static bool take_all(struct child *child, bool (*take)(json_t *answer, void *user, GError **error),
		     void *user, GError **error)
{
	bool done = false;
	g_autoptr(GError) cause = NULL;
	for (json_t *next; (next = child_next(child, &cause));) {
		g_autoptr(json_t) answer = next;
		done = json_is_true(json_object_get(answer, "done"));
		if (!done && !take(answer, user, error))
			return false;
	}
	if (done)
		return true;
	g_autofree char *end = cause ? g_strdup(cause->message) : child_end_text(child);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED,
		    "cannot look into the files: the reader %s", end);
	return false;
}

static bool run(const struct inspection *inspection, const char *work,
		bool (*take)(json_t *answer, void *user, GError **error), void *user,
		GError **error)
{
	const struct publish_limits *limits = inspection->limits;
	const struct child_options options = {
		.command = "inspect-tables",
		.what = "the reader",
		.seconds = inspection->deep ? DEEP_SECONDS : limits->seconds,
		.longest_line = LONGEST_LINE,
		.longest_answer = LONGEST_ANSWER,
	};
	g_autofree char *copy = g_build_filename(work, "copy.duckdb", NULL);
	const char *database = inspection->copied ? copy : inspection->database;
	if (inspection->copied && !files_copy(inspection->database, copy, error))
		return false;
	g_autoptr(json_t) request = json_pack(
		"{ss ss si si si sb ss sO}", "published", inspection->readable, "work", work,
		"memory_mb", limits->memory_mb, "threads", limits->threads, "newest_landlock",
		limits->newest_landlock, "deep", inspection->deep, "database",
		database ? database : "", "files", inspection->files);
	g_autoptr(child) child = child_start(&options, request, error);
	return child && take_all(child, take, user, error);
}

bool inspection_run(const struct inspection *inspection,
		    bool (*take)(json_t *answer, void *user, GError **error), void *user,
		    GError **error)
{
	g_autofree char *work = g_dir_make_tmp("agnes-check-XXXXXX", error);
	if (!work)
		return false;
	bool done = run(inspection, work, take, user, error);
	files_remove_tree(work, NULL);
	return done;
}
