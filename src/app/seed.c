/* Seeding accounts. */
#include "app/seed.h"

#include "app/auth/password.h"
#include "app/auth/sign_in.h"
#include "app/development.h"
#include "base/error.h"
#include "state/group_members.h"
#include "state/groups.h"
#include "state/users.h"

#include <string.h>

/* What an account of the start is made of. */
struct seed {
	const char *email, *name, *password;
	const char *added_by; /* existing files are read by programs that look for these words */
};

/* The user as it is, or a new one. */
static struct user *ensure_user(struct state *state, const struct seed *seed, GError **error)
{
	GError *problem = NULL;
	struct user *user = users_find_by_email(state, seed->email, &problem);
	if (user)
		return user;
	if (!g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_propagate_error(error, problem);
		return NULL;
	}
	g_clear_error(&problem);
	struct user values;
	record_init(&user_type, &values);
	values.email = seed->email;
	values.name = seed->name;
	return users_create(state, &values, error);
}

/* A password that somebody set is never overwritten. */
static bool ensure_password(struct state *state, const struct seed *seed, const struct user *user,
			    GError **error)
{
	if (!seed->password || !*seed->password || user->password_hash)
		return true;
	g_autofree char *hash = password_hash(seed->password, error);
	if (!hash)
		return false;
	struct user values;
	record_init(&user_type, &values);
	values.id = user->id;
	values.password_hash = hash;
	return users_update(state, &values, (const char *[]){"password_hash", NULL}, error);
}

static bool plant(struct state *state, const struct seed *seed, GError **error)
{
	g_autoptr(user_record) user = ensure_user(state, seed, error);
	g_autoptr(group_record) admin = user ? groups_find_by_name(state, GROUPS_ADMIN, error)
					     : NULL;
	return admin && ensure_password(state, seed, user, error) &&
	       group_members_add(state, user->id, admin->id, MEMBER_SEED, seed->added_by, NULL,
				 error);
}

static void plant_or_warn(struct state *state, const struct seed *seed)
{
	g_autoptr(GError) error = NULL;
	if (!plant(state, seed, &error))
		g_warning("cannot set up the account %s: %s", seed->email, error->message);
}

void seed_accounts(struct state *state)
{
	const char *email = g_getenv("SEED_ADMIN_EMAIL");
	g_autofree char *scheduler = sign_in_scheduler_secret();
	if (!email || !*email)
		email = development_user();
	if (email)
		plant_or_warn(state, &(struct seed){email, "Admin", g_getenv("SEED_ADMIN_PASSWORD"),
						    "app.main:seed_admin"});
	if (scheduler)
		plant_or_warn(state,
			      &(struct seed){USERS_SCHEDULER_EMAIL, "Scheduler", NULL,
					     "app.auth.scheduler_token:ensure_scheduler_user"});
}
