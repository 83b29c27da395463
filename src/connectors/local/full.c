/* Everything anew: one file for the whole table. */
#include "base/hash.h"
#include "connectors/local/marks.h"
#include "connectors/local/rejects.h"
#include "connectors/local/session.h"

bool local_full_refresh(const struct local_job *job, struct connector_outcome *outcome,
			GError **error)
{
	struct local_session *session = job->session;
	g_autofree char *digest = local_marks_digest(job);
	outcome->unchanged = local_marks_hold(session->marks, job->table->name, digest);
	if (outcome->unchanged)
		return true;
	g_autofree char *path = extract_writer_stage_file(session->run->writer, job->table->name,
							  error);
	if (!path || !local_rejects_begin(session, error) ||
	    !local_job_prepare(job, job->files, error))
		return false;
	const struct local_target target = {.path = path, .mark = "full_refresh"};
	g_autoptr(hash_follower) follower = hash_follower_new(path);
	outcome->rows = local_load(job, job->files, &target, error);
	if (outcome->rows < 0 ||
	    !local_rejects_finish(job, NULL, outcome->rows, &outcome->rejected, error))
		return false;
	outcome->md5 = hash_follower_finish(follower, error);
	if (outcome->md5)
		local_marks_note(session->marks, job->table->name, digest, path);
	return outcome->md5 != NULL;
}
