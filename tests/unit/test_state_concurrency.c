/* src/state: many threads at once. What one of them may do only once happens once; what belongs
 * together is never seen apart. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/grants.h"
#include "state/group_members.h"
#include "state/groups.h"
#include "state/users.h"

enum { WRITERS = 4, READERS = 2, ROUNDS = 25 };

/* What a thread works on. cmocka's assertions belong to the main thread: threads count instead. */
struct job {
	struct state *state;
	int number;
	int won, lost, failed;
	const gint *stop; /* for readers */
};

static void tally(struct job *job, bool done, const GError *error, enum agnes_error expected)
{
	if (done)
		job->won++;
	else if (g_error_matches(error, AGNES_ERROR, expected))
		job->lost++;
	else
		job->failed++;
}

static void start(struct job *jobs, GThread **threads, size_t count, struct state *state,
		  GThreadFunc work)
{
	for (size_t i = 0; i < count; i++) {
		jobs[i].state = state;
		jobs[i].number = (int)i;
		threads[i] = g_thread_new("test", work, &jobs[i]);
	}
}

/* The sum of what the threads count, which must not have failed at anything. */
static struct job join(struct job *jobs, GThread **threads, size_t count)
{
	struct job sum = {0};
	for (size_t i = 0; i < count; i++) {
		g_thread_join(threads[i]);
		sum.won += jobs[i].won;
		sum.lost += jobs[i].lost;
		sum.failed += jobs[i].failed;
	}
	assert_int_equal(sum.failed, 0);
	return sum;
}

static struct job run(struct state *state, GThreadFunc work)
{
	struct job jobs[WRITERS] = {0};
	GThread *threads[WRITERS];
	start(jobs, threads, WRITERS, state, work);
	return join(jobs, threads, WRITERS);
}

/* Every thread wants the same addresses, and a grant of its own for each. */
static gpointer create_users_and_grants(gpointer data)
{
	struct job *job = data;
	for (int i = 0; i < ROUNDS; i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *email = g_strdup_printf("user%d@example.com", i);
		g_autofree char *resource = g_strdup_printf("table %d %d", job->number, i);
		struct user values;
		record_init(&user_type, &values);
		values.email = email;
		g_autoptr(user_record) user = users_create(job->state, &values, &error);
		tally(job, user != NULL, error, AGNES_ERROR_CONFLICT);
		g_autoptr(grant_record)
			grant = grants_create(job->state, "g", GRANTS_TABLE, resource, NULL, NULL);
		if (!grant)
			job->failed++;
	}
	return NULL;
}

static gpointer read_until_stopped(gpointer data)
{
	struct job *job = data;
	guint users_before = 0, grants_before = 0;
	while (!g_atomic_int_get(job->stop)) {
		g_autoptr(GPtrArray) users = users_list(job->state, NULL);
		g_autoptr(GPtrArray) grants = grants_list(job->state, NULL, NULL, NULL);
		if (!users || !grants || users->len < users_before || grants->len < grants_before) {
			job->failed++;
			break;
		}
		users_before = users->len;
		grants_before = grants->len;
		job->won++;
	}
	return NULL;
}

static void writers_and_readers_do_not_hinder_each_other(void **context)
{
	struct state *state = state_of(context);
	gint stop = 0;
	struct job readers[READERS] = {{.stop = &stop}, {.stop = &stop}};
	GThread *threads[READERS];
	state_run(state, "INSERT INTO user_groups (id, name) VALUES ('g', 'g')");
	start(readers, threads, READERS, state, read_until_stopped);
	struct job written = run(state, create_users_and_grants);
	g_atomic_int_set(&stop, 1);
	join(readers, threads, READERS);
	assert_int_equal(written.won, ROUNDS);
	assert_int_equal(written.lost, (WRITERS - 1) * ROUNDS);
	assert_int_equal(state_number(state, "SELECT count(*) FROM users"), ROUNDS);
	assert_int_equal(state_number(state, "SELECT count(*) FROM resource_grants"),
			 WRITERS * ROUNDS);
}

static gpointer delete_one_admin(gpointer data)
{
	struct job *job = data;
	g_autoptr(GError) error = NULL;
	g_autofree char *id = g_strdup_printf("admin%d", job->number);
	bool done = users_delete(job->state, id, &error);
	tally(job, done, error, AGNES_ERROR_CONFLICT);
	return NULL;
}

static void administrators_cannot_all_delete_each_other(void **context)
{
	struct state *state = state_of(context);
	for (int round = 0; round < ROUNDS; round++) {
		state_run(state, "DELETE FROM user_group_members; DELETE FROM users");
		state_run(state, "INSERT INTO users (id, email) SELECT 'admin' || i, "
				 "i || '@example.com' FROM range(4) t(i); "
				 "INSERT INTO user_group_members (user_id, group_id, source) "
				 "SELECT u.id, g.id, 'admin' FROM users u, user_groups g "
				 "WHERE g.name = 'Admin'");
		struct job deleted = run(state, delete_one_admin);
		assert_int_equal(deleted.won, WRITERS - 1);
		assert_int_equal(deleted.lost, 1);
	}
}

static gpointer redeem(gpointer data)
{
	struct job *job = data;
	g_autoptr(GError) error = NULL;
	bool done = users_redeem_token(job->state, USER_RESET_TOKEN, "a@example.com", "secret", 0,
				       NULL, &error);
	tally(job, done, error, AGNES_ERROR_NOT_FOUND);
	return NULL;
}

static void a_one_time_token_has_one_winner(void **context)
{
	struct state *state = state_of(context);
	state_run(state, "INSERT INTO users (id, email) VALUES ('u', 'a@example.com')");
	for (int round = 0; round < ROUNDS; round++) {
		state_run(state, "UPDATE users SET reset_token = 'secret', "
				 "reset_token_created = now()");
		assert_int_equal(run(state, redeem).won, 1);
	}
}

/* The user is always in exactly one of two groups, each of which is renamed all the time. */
static gpointer move_and_rename(gpointer data)
{
	struct job *job = data;
	for (int i = 0; i < ROUNDS; i++) {
		char *here[] = {(char *)(i % 2 ? "a" : "b"), NULL};
		g_autofree char *name = g_strdup_printf("name %d %d", job->number, i);
		if (!group_members_set_google(job->state, "u", here, NULL) ||
		    !groups_update(job->state, i % 3 ? "a" : "b", name, NULL, NULL))
			job->failed++;
	}
	return NULL;
}

static gpointer watch_memberships(gpointer data)
{
	struct job *job = data;
	while (!g_atomic_int_get(job->stop)) {
		g_autoptr(GPtrArray) groups = group_members_of_user(job->state, "u", NULL);
		if (!groups || groups->len != 1)
			job->failed++;
		job->won++;
	}
	return NULL;
}

static void a_membership_is_never_seen_missing(void **context)
{
	struct state *state = state_of(context);
	gint stop = 0;
	struct job readers[READERS] = {{.stop = &stop}, {.stop = &stop}};
	GThread *threads[READERS];
	state_run(state, "INSERT INTO users (id, email) VALUES ('u', 'a@example.com'); "
			 "INSERT INTO user_groups (id, name) VALUES ('a', 'a'), ('b', 'b'); "
			 "INSERT INTO user_group_members (user_id, group_id, source) VALUES "
			 "('u', 'a', 'google_sync')");
	start(readers, threads, READERS, state, watch_memberships);
	run(state, move_and_rename);
	g_atomic_int_set(&stop, 1);
	assert_true(join(readers, threads, READERS).won > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(writers_and_readers_do_not_hinder_each_other),
		STATE_TEST(administrators_cannot_all_delete_each_other),
		STATE_TEST(a_one_time_token_has_one_winner),
		STATE_TEST(a_membership_is_never_seen_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
