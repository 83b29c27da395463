/* The table `script_registry`. */
#include "state/scripts.h"

#include "base/error.h"
#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct script, id, RECORD_KEY),
	RECORD_FIELD(struct script, name, RECORD_PLAIN),
	RECORD_FIELD(struct script, owner, RECORD_KEPT),
	RECORD_FIELD(struct script, schedule, RECORD_PLAIN),
	RECORD_FIELD(struct script, source, RECORD_PLAIN),
	RECORD_TIME(struct script, deployed_at, RECORD_PLAIN),
	RECORD_TIME(struct script, last_run, RECORD_KEPT),
	RECORD_FIELD(struct script, last_status, RECORD_KEPT),
};
const struct record_type script_type = RECORD_TYPE("script", "script_registry", struct script,
						   fields);

struct script *scripts_find(struct state *state, const char *id, GError **error)
{
	return store_find(state, error, &script_type, "WHERE id = ?", "s", id);
}

GPtrArray *scripts_list(struct state *state, GError **error)
{
	return store_query(state, error, &script_type, "ORDER BY name, id", NULL);
}

bool scripts_upsert(struct state *state, const struct script *values, GError **error)
{
	struct script row = *values;
	row.deployed_at = g_get_real_time();
	row.last_run = DUCK_NO_TIME;
	row.last_status = NULL;
	return store_upsert(state, &script_type, &row, error);
}

bool scripts_delete(struct state *state, const char *id, GError **error)
{
	return store_delete(state, error, &script_type, "WHERE id = ?", "s", id);
}

bool scripts_claim(struct state *state, const char *id, GError **error)
{
	int64_t claimed = store_change(
		state, error,
		"UPDATE script_registry SET last_status = 'running', last_run = ? "
		"WHERE id = ? AND last_status IS DISTINCT FROM 'running'",
		"ts", g_get_real_time(), id);
	if (claimed == 0)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_BUSY,
			    "the script '%s' is running already or gone", id);
	return claimed > 0;
}

bool scripts_finish(struct state *state, const char *id, bool success, GError **error)
{
	return store_change(state, error, "UPDATE script_registry SET last_status = ? WHERE id = ?",
			    "ss", success ? "success" : "failure", id) >= 0;
}

int64_t scripts_fail_stale(struct state *state, int64_t claimed_before, GError **error)
{
	return store_change(state, error,
			    "UPDATE script_registry SET last_status = 'failure' "
			    "WHERE last_status = 'running' AND (last_run IS NULL OR last_run < ?)",
			    "t", claimed_before);
}
