/* The parent's side of measuring: says what to look at, takes the one answer. */
#include "engine/measure.h"

#include "base/child.h"
#include "base/error.h"
#include "base/files.h"
#include "base/sandbox.h"

enum {
	COLUMNS_SECONDS = 15,
	COLUMNS_MEMORY_MB = 512,
	PROFILE_SECONDS = 300,
	LONGEST_ANSWER = 64 * 1024 * 1024,
};

void measurement_init(struct measurement *measurement)
{
	*measurement = (struct measurement){0};
	g_mutex_init(&measurement->lock);
}

void measurement_clear(struct measurement *measurement)
{
	g_mutex_clear(&measurement->lock);
}

void measurement_stop(struct measurement *measurement)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&measurement->lock);
	measurement->stopped = true;
	if (measurement->child)
		child_kill(measurement->child);
}

/* From now on, or from NULL on no longer, stopping kills this child. */
static void watch(struct measurement *measurement, struct child *child)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&measurement->lock);
	measurement->child = child;
	if (child && measurement->stopped)
		child_kill(child);
}

static bool is_stopped(struct measurement *measurement)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&measurement->lock);
	return measurement->stopped;
}

/* Returns the answer, or the failure that the child tells. */
static json_t *take_answer(struct child *child, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autoptr(json_t) answer = child_next(child, &cause);
	const char *failure = json_string_value(json_object_get(answer, "error"));
	if (answer && !failure)
		return g_steal_pointer(&answer);
	g_autofree char *end = failure ? g_strdup(failure)
			       : cause ? g_strdup(cause->message)
				       : child_end_text(child);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED, failure ? "%s" : "its reader %s", end);
	return NULL;
}

/* Runs the child on a request, to which it adds where to put what does not fit into memory. */
static json_t *ask(struct measurement *measurement, json_t *request, int seconds, GError **error)
{
	const struct child_options options = {
		.command = "measure-table",
		.what = "its reader",
		.seconds = seconds,
		.longest_line = LONGEST_ANSWER,
		.longest_answer = LONGEST_ANSWER,
		.nice = measurement->nice,
	};
	g_autofree char *work = g_dir_make_tmp("agnesd-measure-XXXXXX", error);
	if (!work)
		return NULL;
	json_object_set_new(request, "work", json_string(work));
	g_autoptr(child) child = child_start(&options, request, error);
	json_t *answer = NULL;
	if (child) {
		watch(measurement, child);
		answer = take_answer(child, error);
		watch(measurement, NULL);
	}
	if (!answer && is_stopped(measurement)) {
		g_clear_error(error);
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CANCELLED,
			    "nobody waits for the measurement any more");
	}
	files_remove_tree(work, NULL);
	return answer;
}

json_t *measure_columns(struct measurement *measurement, const char *path, GError **error)
{
	g_autoptr(json_t) request = json_pack("{ss si si si sn}", "path", path, "memory_mb",
					      COLUMNS_MEMORY_MB, "threads", 1, "newest_landlock",
					      SANDBOX_ANY_LANDLOCK, "profile");
	g_autoptr(json_t) answer = ask(measurement, request, COLUMNS_SECONDS, error);
	json_t *columns = json_object_get(answer, "columns");
	if (answer && !json_is_array(columns))
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "its reader answered without columns");
	return json_is_array(columns) ? json_incref(columns) : NULL;
}

static json_t *pack_limits(const struct profile_limits *limits)
{
	return json_pack("[IIIIIIIfff]", (json_int_t)limits->sample_size,
			 (json_int_t)limits->max_categorical_distinct,
			 (json_int_t)limits->top_values, (json_int_t)limits->histogram_bins,
			 (json_int_t)limits->sample_rows, (json_int_t)limits->sample_values,
			 (json_int_t)limits->high_cardinality, limits->high_missing_pct,
			 limits->missing_pct, limits->imbalance_pct);
}

char *measure_profile(struct measurement *measurement, const struct profile_request *request,
		      GError **error)
{
	json_t *wanted = json_pack("{ss ss* ss* ss* ss* ss* sb so}", "table", request->table,
				   "description", request->description, "sync_strategy",
				   request->sync_strategy, "last_sync", request->last_sync,
				   "primary_key", request->primary_key, "used_by", request->used_by,
				   "exact", request->exact, "limits", pack_limits(request->limits));
	g_autoptr(json_t)
		message = json_pack("{ss si si si so}", "path", request->path, "memory_mb",
				    PROFILE_MEMORY_MB, "threads", PROFILE_THREADS,
				    "newest_landlock", SANDBOX_ANY_LANDLOCK, "profile", wanted);
	g_autoptr(json_t) answer = message ? ask(measurement, message, PROFILE_SECONDS, error)
					   : NULL;
	const char *text = json_string_value(json_object_get(answer, "profile"));
	if (!text && error && !*error)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    message ? "its reader answered without a profile"
				    : "what is known of the table is not valid UTF-8");
	return g_strdup(text);
}
