/* Argon2 and the gate before it. */
#include "app/auth/password.h"

#include "base/error.h"

#include <argon2.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum {
	COST_TIME = 3,
	COST_MEMORY = 64 * 1024, /* KiB */
	COST_LANES = 4,
	SALT_BYTES = 16,
	HASH_BYTES = 32,
	ENCODED_BYTES = 128,
	STORED_LONGEST = 512,
	AT_ONCE = 2, /* computations */
	QUEUE_LONGEST = 32,
	WAIT_SECONDS = 5,
};

/* What a stored hash may ask for: more would let a row of the database stop the server. */
enum { MOST_MEMORY = 1024 * 1024, MOST_TIME = 64, MOST_LANES = 64 };

static GMutex gate_lock;
static GCond gate_free;
static int running, waiting;

static bool gate_enter(GError **error)
{
	gint64 until = g_get_monotonic_time() + WAIT_SECONDS * G_TIME_SPAN_SECOND;
	bool entered = false;
	g_mutex_lock(&gate_lock);
	if (waiting < QUEUE_LONGEST) {
		waiting++;
		while (running >= AT_ONCE && g_cond_wait_until(&gate_free, &gate_lock, until))
			;
		waiting--;
		entered = running < AT_ONCE;
		running += entered ? 1 : 0;
	}
	g_mutex_unlock(&gate_lock);
	if (!entered)
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_BUSY,
				    "too many passwords are being checked; try again in a moment");
	return entered;
}

static void gate_leave(void)
{
	g_mutex_lock(&gate_lock);
	running--;
	g_cond_signal(&gate_free);
	g_mutex_unlock(&gate_lock);
}

char *password_hash(const char *password, GError **error)
{
	guchar salt[SALT_BYTES];
	char encoded[ENCODED_BYTES];
	if (getrandom(salt, sizeof salt, 0) != (ssize_t)sizeof salt) {
		agnes_set_errno(error, errno, "cannot get random bytes");
		return NULL;
	}
	if (!gate_enter(error))
		return NULL;
	int problem = argon2id_hash_encoded(COST_TIME, COST_MEMORY, COST_LANES, password,
					    strlen(password), salt, sizeof salt, HASH_BYTES,
					    encoded, sizeof encoded);
	gate_leave();
	if (problem == ARGON2_OK)
		return g_strdup(encoded);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED, "cannot hash a password: %s",
		    argon2_error_message(problem));
	return NULL;
}

static bool variant_of(const char *stored, argon2_type *type)
{
	static const struct {
		const char *prefix;
		argon2_type type;
	} variants[] = {
		{"$argon2id$", Argon2_id}, {"$argon2i$", Argon2_i}, {"$argon2d$", Argon2_d}};
	for (size_t i = 0; i < G_N_ELEMENTS(variants); i++) {
		if (g_str_has_prefix(stored, variants[i].prefix)) {
			*type = variants[i].type;
			return strlen(stored) <= STORED_LONGEST;
		}
	}
	return false;
}

static bool cost_is(const char *stored, const char *name, guint64 most)
{
	const char *cost = strstr(stored, name);
	return cost && g_ascii_strtoull(cost + strlen(name), NULL, 10) <= most;
}

/* The costs stand in the text as "$m=65536,t=3,p=4$"; what follows is base64, without a comma. */
static bool affordable(const char *stored)
{
	return cost_is(stored, "$m=", MOST_MEMORY) && cost_is(stored, ",t=", MOST_TIME) &&
	       cost_is(stored, ",p=", MOST_LANES);
}

bool password_verify(const char *stored, const char *password, bool *matches, GError **error)
{
	argon2_type type;
	*matches = false;
	if (!variant_of(stored, &type) || !affordable(stored)) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_CORRUPT,
				    "a stored password hash is not a valid Argon2 hash");
		return false;
	}
	if (!gate_enter(error))
		return false;
	int problem = argon2_verify(stored, password, strlen(password), type);
	gate_leave();
	if (problem != ARGON2_OK && problem != ARGON2_VERIFY_MISMATCH) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CORRUPT,
			    "a stored password hash cannot be used: %s",
			    argon2_error_message(problem));
		return false;
	}
	*matches = problem == ARGON2_OK;
	return true;
}

bool password_verify_nothing(const char *password, GError **error)
{
	g_autofree char *hash = password_hash(password, error);
	return hash != NULL;
}

bool password_long_enough(const char *password)
{
	return g_utf8_strlen(password, -1) >= PASSWORD_SHORTEST;
}
