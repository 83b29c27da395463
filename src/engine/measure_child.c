/* The child's side of measuring. */
#include "engine/measure.h"

#include "base/child.h"
#include "base/error.h"
#include "duck/jail.h"
#include "duck/query.h"
#include "duck/sql.h"

#include <stdlib.h>
#include <unistd.h>

/* What is wanted; the strings belong to the message. */
struct order {
	json_t *message;
	const char *path, *work;
	char *folder;
	int memory_mb, threads, newest_landlock;
	json_t *profile; /* null: the columns are wanted */
};

static void order_clear(struct order *order)
{
	json_decref(order->message);
	g_free(order->folder);
}
DEFINE_AUTO(order)

static bool refuse(const json_error_t *problem, GError **error)
{
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "request: %s", problem->text);
	return false;
}

static bool read_order(struct order *order, GError **error)
{
	json_error_t problem;
	order->message = child_read_request(error);
	if (!order->message)
		return false;
	if (json_unpack_ex(order->message, &problem, JSON_STRICT, "{ss ss si si si so}", "path",
			   &order->path, "work", &order->work, "memory_mb", &order->memory_mb,
			   "threads", &order->threads, "newest_landlock", &order->newest_landlock,
			   "profile", &order->profile) < 0)
		return refuse(&problem, error);
	order->folder = g_path_get_dirname(order->path);
	return true;
}

static json_t *read_columns(struct duck_jail *jail, const char *path, GError **error)
{
	g_autofree char *sql = duck_sql(
		"SELECT column_name, column_type, \"null\" = 'YES' FROM (DESCRIBE SELECT * FROM "
		"read_parquet(%L, hive_partitioning = false))",
		path);
	g_autoptr(duck_rows) rows = duck_query(jail->connection, error, sql, NULL);
	if (!rows)
		return NULL;
	json_t *columns = json_array();
	while (duck_rows_next(rows))
		json_array_append_new(columns,
				      json_pack("{ss ss sb}", "name", duck_rows_text(rows, 0),
						"type", duck_rows_text(rows, 1), "nullable",
						duck_rows_bool(rows, 2)));
	return json_pack("{so}", "columns", columns);
}

static bool read_limits(json_t *list, struct profile_limits *limits, GError **error)
{
	json_error_t problem;
	json_int_t number[7];
	if (json_unpack_ex(list, &problem, JSON_STRICT, "[IIIIIIIFFF]", &number[0], &number[1],
			   &number[2], &number[3], &number[4], &number[5], &number[6],
			   &limits->high_missing_pct, &limits->missing_pct,
			   &limits->imbalance_pct) < 0)
		return refuse(&problem, error);
	limits->sample_size = number[0];
	limits->max_categorical_distinct = number[1];
	limits->top_values = number[2];
	limits->histogram_bins = number[3];
	limits->sample_rows = number[4];
	limits->sample_values = number[5];
	limits->high_cardinality = number[6];
	return true;
}

static bool read_request(json_t *wanted, struct profile_request *request,
			 struct profile_limits *limits, GError **error)
{
	json_error_t problem;
	json_t *list;
	int exact;
	if (json_unpack_ex(wanted, &problem, JSON_STRICT, "{ss s?s s?s s?s s?s s?s sb so}", "table",
			   &request->table, "description", &request->description, "sync_strategy",
			   &request->sync_strategy, "last_sync", &request->last_sync, "primary_key",
			   &request->primary_key, "used_by", &request->used_by, "exact", &exact,
			   "limits", &list) < 0)
		return refuse(&problem, error);
	request->exact = exact;
	return read_limits(list, limits, error);
}

static json_t *compute_profile(struct duck_jail *jail, const struct order *order, GError **error)
{
	struct profile_limits limits;
	struct profile_request request = {.path = order->path, .limits = &limits};
	g_autofree char *text = NULL;
	if (read_request(order->profile, &request, &limits, error))
		text = profile_compute_on(jail->connection, &request, error);
	return text ? json_pack("{ss}", "profile", text) : NULL;
}

static json_t *measure(GError **error)
{
	g_auto(order) order = {0};
	g_auto(duck_jail) jail = {0};
	if (!read_order(&order, error))
		return NULL;
	const struct duck_jail_options options = {
		.readable = order.folder,
		.writable = order.work,
		.memory_mb = order.memory_mb,
		.threads = order.threads,
		.profile = SANDBOX_OFFLINE,
		.newest_landlock = order.newest_landlock,
	};
	if (!duck_jail_open(&jail, &options, error) || !profile_prepare(jail.connection, error) ||
	    !duck_jail_enter(&jail, error) || !duck_jail_close(&jail, error))
		return NULL;
	return json_is_null(order.profile) ? read_columns(&jail, order.path, error)
					   : compute_profile(&jail, &order, error);
}

void measure_run(void)
{
	g_autoptr(GError) error = NULL;
	json_t *answer = measure(&error);
	if (!answer) {
		g_autofree char *message = error ? child_error_text(error)
						 : g_strdup("what it found is no valid UTF-8");
		answer = json_pack("{ss}", "error", message);
	}
	child_answer(answer);
	/* LeakSanitizer would want ptrace(), and there is nothing left to flush. */
	_exit(EXIT_SUCCESS);
}
