/* da admin break-glass grant-admin: makes somebody an administrator in the state itself. */
#include "base/error.h"
#include "base/prompt.h"
#include "cli/engine/jobs.h"
#include "cli/output.h"
#include "state/audit.h"
#include "state/group_members.h"
#include "state/groups.h"
#include "state/users.h"

#include <string.h>

enum { SHOWN_OF_ID = 8 };

static const char added_by[] = "cli:break-glass";

/* A state that is not there would be made anew, with nobody in it. */
static struct state *open_state(GError **error)
{
	const char *given = g_getenv("DATA_DIR");
	const char *data_dir = given && *given ? given : "./data";
	g_autofree char *file = g_build_filename(data_dir, "state", "system.duckdb", NULL);
	if (!g_file_test(file, G_FILE_TEST_IS_REGULAR)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND,
			    "there is no %s; set DATA_DIR to the server's folder", file);
		return NULL;
	}
	return state_open_configured(data_dir, error);
}

static struct user *find_or_create(struct state *state, const char *email, GError **error)
{
	g_autoptr(GError) problem = NULL;
	struct user *user = users_find_by_email(state, email, &problem);
	if (user)
		return user;
	if (!g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return NULL;
	}
	g_autofree char *name = g_strndup(email, strcspn(email, "@"));
	user = users_create(
		state, &(struct user){.email = email, .name = name, .active = RECORD_TRUE}, error);
	if (user)
		output_print("Created user %s (id=%.*s)\n", email, SHOWN_OF_ID, user->id);
	return user;
}

static bool note(struct state *state, const struct user *user, GError **error)
{
	const struct audit_entry entry = {.action = "break_glass.grant_admin",
					  .user_id = user->id,
					  .resource = user->id,
					  .params = "{\"source\":\"cli_break_glass\"}",
					  .result = "ok"};
	g_autoptr(GPtrArray) entries = g_ptr_array_new();
	g_ptr_array_add(entries, (struct audit_entry *)&entry);
	return audit_write(state, entries, error);
}

/* The steps are one after the other, and each may be repeated: a crash between them costs no more
 * than another call. */
static bool grant(struct state *state, const struct group *admins, const char *email,
		  GError **error)
{
	bool added;
	g_autoptr(user_record) user = find_or_create(state, email, error);
	if (!user)
		return false;
	if (user->active == RECORD_FALSE)
		output_warn("Warning: %s is deactivated and cannot sign in; afterwards: "
			    "da admin activate\n",
			    email);
	if (!group_members_add(state, user->id, admins->id, MEMBER_BREAK_GLASS, added_by, &added,
			       error))
		return false;
	if (!added) {
		output_print("%s is an administrator already.\n", email);
		return true;
	}
	if (!note(state, user, error))
		return false;
	output_print("Granted Admin to %s. Audit source='cli_break_glass'.\n", email);
	return true;
}

static bool confirm(const struct invocation *invocation, const char *email)
{
	g_autofree char *question = g_strdup_printf(
		"Grant Admin-group membership to '%s' (break-glass)? [y/N]: ", email);
	if (invocation_flag(invocation, "yes") || prompt_confirm(question, NULL))
		return true;
	output_warn("Aborted.\n");
	return false;
}

int engine_break_glass(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	const char *email = invocation_text(invocation, "EMAIL");
	if (!strchr(email, '@'))
		return command_misuse(invocation, "'%s' is no e-mail address.", email);
	if (!confirm(invocation, email))
		return EXIT_CODE_FAILED;
	g_autoptr(state_db) state = open_state(&error);
	if (!state) {
		if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_BUSY))
			g_prefix_error(&error, "stop the server first: ");
		return command_fail(error);
	}
	g_autoptr(group_record) admins = groups_find_by_name(state, GROUPS_ADMIN, &error);
	if (!admins) {
		output_warn("FATAL: 'Admin' group missing: start the server once, which makes "
			    "it\n");
		return EXIT_CODE_USAGE;
	}
	return grant(state, admins, email, &error) ? EXIT_CODE_OK : command_fail(error);
}
