/* src/app/auth: tokens that are refused for any flaw, passwords, secrets of the instance, limits.
 */
#include "app/auth/jwt.h"
#include "app/auth/limiter.h"
#include "app/auth/password.h"
#include "app/auth/secret.h"
#include "base/error.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char secret[] = "a secret of the tests, long enough for HS256";
#define NOW INT64_C(1800000000)

static struct jwt_claims sample_claims(void)
{
	return (struct jwt_claims){.subject = g_strdup("u-1"),
				   .email = g_strdup("ann@example.com"),
				   .type = g_strdup("session"),
				   .id = g_strdup("0123456789abcdef0123456789abcdef"),
				   .issued = (NOW - 10) * G_USEC_PER_SEC + 123,
				   .expires = NOW + 100};
}

static char *sample_token(void)
{
	g_auto(jwt_claims) claims = sample_claims();
	return jwt_sign(secret, &claims);
}

/* Made outside the program's own code: HMAC by GLib, parts as they are given. */
static char *base64url(const void *data, size_t size)
{
	char *text = g_base64_encode(data, size);
	g_strdelimit(text, "+", '-');
	g_strdelimit(text, "/", '_');
	text[strcspn(text, "=")] = '\0';
	return text;
}

static char *forge(const char *key, const char *header, const char *body)
{
	guint8 digest[32];
	gsize size = sizeof digest;
	g_autofree char *head = base64url(header, strlen(header));
	g_autofree char *middle = base64url(body, strlen(body));
	g_autofree char *signed_text = g_strconcat(head, ".", middle, NULL);
	g_autoptr(GHmac) hmac = g_hmac_new(G_CHECKSUM_SHA256, (const guchar *)key, strlen(key));
	g_hmac_update(hmac, (const guchar *)signed_text, (gssize)strlen(signed_text));
	g_hmac_get_digest(hmac, digest, &size);
	g_autofree char *tail = base64url(digest, size);
	return g_strconcat(signed_text, ".", tail, NULL);
}

static bool accepts(const char *token)
{
	g_auto(jwt_claims) claims = {0};
	return jwt_verify(secret, token, NOW, &claims);
}

static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

static void a_token_comes_back_with_its_claims(void **state)
{
	g_auto(jwt_claims) claims = {0};
	g_autofree char *token = sample_token();
	assert_true(jwt_verify(secret, token, NOW, &claims));
	assert_string_equal(claims.subject, "u-1");
	assert_string_equal(claims.email, "ann@example.com");
	assert_string_equal(claims.type, "session");
	assert_string_equal(claims.id, "0123456789abcdef0123456789abcdef");
	assert_int_equal(claims.issued, (NOW - 10) * G_USEC_PER_SEC + 123);
	assert_int_equal(claims.expires, NOW + 100);
}

static void tokens_of_other_programs_with_our_key_are_fine(void **state)
{
	g_autofree char *full = forge(
		secret, header,
		"{\"sub\":\"u\",\"email\":\"e\",\"typ\":\"session\",\"iat\":1,"
		"\"jti\":\"x\",\"exp\":1900000000,\"role\":\"admin\"}");
	g_autofree char *endless = forge(secret, header, "{\"sub\":\"u\"}");
	assert_true(accepts(full));
	assert_true(accepts(endless));
}

static void assert_refused(const char *key, const char *head, const char *body)
{
	g_autofree char *token = forge(key, head, body);
	if (accepts(token))
		fail_msg("accepted: %s %s", head, body);
}

static void flawed_tokens_are_refused(void **state)
{
	assert_refused("another secret, just as long as ours is", header, "{\"sub\":\"u\"}");
	assert_refused(secret, "{\"alg\":\"none\"}", "{\"sub\":\"u\"}");
	assert_refused(secret, "{\"alg\":\"HS512\"}", "{\"sub\":\"u\"}");
	assert_refused(secret, "{\"alg\":\"RS256\"}", "{\"sub\":\"u\"}");
	assert_refused(secret, "{\"alg\":\"HS256\",\"crit\":[\"x\"]}", "{\"sub\":\"u\"}");
	assert_refused(secret, "{}", "{\"sub\":\"u\"}");
	assert_refused(secret, "[]", "{\"sub\":\"u\"}");
	assert_refused(secret, header, "[]");
	assert_refused(secret, header, "{}");
	assert_refused(secret, header, "{\"sub\":1}");
	assert_refused(secret, header, "{\"sub\":\"u\",\"jti\":1}");
	assert_refused(secret, header, "{\"sub\":\"u\",\"exp\":1800000000}");
	assert_refused(secret, header, "{\"sub\":\"u\",\"exp\":\"soon\"}");
	assert_refused(secret, header, "{\"sub\":\"u\",\"nbf\":1800000001}");
	assert_refused(secret, header, "{\"sub\":\"u\",\"iat\":1800000001}");
	assert_refused(secret, header, "{\"sub\":\"u\",\"aud\":\"other\"}");
	assert_refused(secret, header, "{\"sub\":\"u\",\"aud\":[\"other\"]}");
}

static void unsigned_and_malformed_tokens_are_refused(void **state)
{
	static const char *const texts[] = {"",
					    ".",
					    "..",
					    "...",
					    "a.b.c",
					    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0.",
					    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0",
					    "\xff\xfe.x.y"};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		assert_false(accepts(texts[i]));
	g_autofree char *token = sample_token();
	g_autofree char *padded = g_strconcat(token, "=", NULL);
	g_autofree char *spaced = g_strconcat(" ", token, NULL);
	g_autofree char *longer = g_strconcat(token, ".x", NULL);
	assert_false(accepts(padded));
	assert_false(accepts(spaced));
	assert_false(accepts(longer));
	g_autofree char *huge = g_strnfill(JWT_LONGEST + 1, 'a');
	assert_false(accepts(huge));
}

static void every_changed_character_breaks_a_token(void **state)
{
	g_autofree char *token = sample_token();
	/* The last character carries bits that base64url leaves unused: it may vary harmlessly. */
	for (size_t i = 0; i + 1 < strlen(token); i++) {
		g_autofree char *changed = g_strdup(token);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		if (accepts(changed))
			fail_msg("accepted with character %zu changed", i);
	}
}

static void a_password_belongs_to_its_hash_only(void **state)
{
	bool matches = false;
	g_autofree char *hash = password_hash("correct horse", NULL);
	assert_true(g_str_has_prefix(hash, "$argon2id$v=19$m=65536,t=3,p=4$"));
	assert_true(password_verify(hash, "correct horse", &matches, NULL));
	assert_true(matches);
	assert_true(password_verify(hash, "correct hors", &matches, NULL));
	assert_false(matches);
}

static void hashes_of_other_costs_and_variants_verify(void **state)
{
	/* Made by the argon2 program of Debian: echo -n password | argon2 somesalt -t 2 -m 12 … */
	static const char *const hashes[] = {
		"$argon2i$v=19$m=4096,t=2,p=1$c29tZXNhbHQ$QuwEJiXx4wjwzsNqZTfeDSW7nqhXbjXKyrVnp8/gBxw",
		"$argon2d$v=19$m=4096,t=2,p=2$c29tZXNhbHQ$YJIjERbnMCO/JKyOJWUa+KbHs/a+XyW/M1o67TWqg00",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(hashes); i++) {
		bool matches = false;
		assert_true(password_verify(hashes[i], "password", &matches, NULL));
		assert_true(matches);
		assert_true(password_verify(hashes[i], "Password", &matches, NULL));
		assert_false(matches);
	}
}

static void broken_and_greedy_hashes_are_errors(void **state)
{
	static const char *const hashes[] = {
		"",
		"plain",
		"$2b$12$abcdefghijklmnopqrstuv",
		"$argon2id$",
		"$argon2id$v=19$m=1$x$y",
		"$argon2id$v=19$m=99999999,t=3,p=4$c29tZXNhbHQ$c29tZWhhc2g"};
	for (size_t i = 0; i < G_N_ELEMENTS(hashes); i++) {
		bool matches;
		g_autoptr(GError) error = NULL;
		assert_false(password_verify(hashes[i], "x", &matches, &error));
		assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CORRUPT));
	}
}

static void length_is_counted_in_characters(void **state)
{
	assert_false(password_long_enough("1234567"));
	assert_true(password_long_enough("12345678"));
	assert_false(password_long_enough("žžžž"));
	assert_true(password_long_enough("žžžžžžžž"));
}

static void a_secret_is_made_once_and_kept(void **state)
{
	g_autofree char *folder = g_dir_make_tmp("agnes-secret-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "state", ".jwt_secret", NULL);
	g_autofree char *first = secret_load(folder, "AGNES_TEST_SECRET", ".jwt_secret", NULL);
	g_autofree char *second = secret_load(folder, "AGNES_TEST_SECRET", ".jwt_secret", NULL);
	struct stat status;
	assert_int_equal(strlen(first), 64);
	assert_string_equal(first, second);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_true(g_file_set_contents(path, "", 0, NULL));
	g_autofree char *third = secret_load(folder, "AGNES_TEST_SECRET", ".jwt_secret", NULL);
	assert_int_equal(strlen(third), 64);
	assert_string_not_equal(first, third);
	g_setenv("AGNES_TEST_SECRET", "from the environment, and long enough", TRUE);
	g_autofree char *fourth = secret_load(folder, "AGNES_TEST_SECRET", ".jwt_secret", NULL);
	assert_string_equal(fourth, "from the environment, and long enough");
	g_unsetenv("AGNES_TEST_SECRET");
	g_autofree char *inner = g_path_get_dirname(path);
	g_remove(path);
	g_rmdir(inner);
	g_rmdir(folder);
}

static void comparison_and_randomness(void **state)
{
	assert_true(secret_equal("same", "same"));
	assert_false(secret_equal("same", "samf"));
	assert_false(secret_equal("same", "same "));
	g_autofree char *first = secret_random_text(32), *second = secret_random_text(32);
	assert_int_equal(strlen(first), 43);
	assert_string_not_equal(first, second);
}

static void a_limiter_lets_a_burst_through_and_then_waits(void **state)
{
	g_autoptr(limiter) limiter = limiter_new(3, 60);
	for (int i = 0; i < 3; i++)
		assert_int_equal(limiter_try(limiter, "a"), 0);
	int wait = limiter_try(limiter, "a");
	assert_in_range(wait, 1, 60);
	assert_int_equal(limiter_try(limiter, "b"), 0);
	limiter_forget(limiter, "a");
	assert_int_equal(limiter_try(limiter, "a"), 0);
}

static void a_limiter_stays_bounded(void **state)
{
	g_autoptr(limiter) limiter = limiter_new(1, 3600);
	for (int i = 0; i < 120000; i++) {
		char key[32];
		g_snprintf(key, sizeof key, "key %d", i);
		assert_int_equal(limiter_try(limiter, key), 0);
	}
	/* The latest is remembered all the same. */
	assert_int_not_equal(limiter_try(limiter, "key 119999"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_comes_back_with_its_claims),
		cmocka_unit_test(tokens_of_other_programs_with_our_key_are_fine),
		cmocka_unit_test(flawed_tokens_are_refused),
		cmocka_unit_test(unsigned_and_malformed_tokens_are_refused),
		cmocka_unit_test(every_changed_character_breaks_a_token),
		cmocka_unit_test(a_password_belongs_to_its_hash_only),
		cmocka_unit_test(hashes_of_other_costs_and_variants_verify),
		cmocka_unit_test(broken_and_greedy_hashes_are_errors),
		cmocka_unit_test(length_is_counted_in_characters),
		cmocka_unit_test(a_secret_is_made_once_and_kept),
		cmocka_unit_test(comparison_and_randomness),
		cmocka_unit_test(a_limiter_lets_a_burst_through_and_then_waits),
		cmocka_unit_test(a_limiter_stays_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
