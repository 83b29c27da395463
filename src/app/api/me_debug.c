/*
 * /me/debug: how the caller is signed in and what Google would change, for whoever sets a sign-in
 * up. Only where AGNES_DEBUG_AUTH is set; nothing here writes, and no secret is in an answer.
 */
#include "app/app.h"
#include "app/auth/sign_in.h"
#include "app/auth/token_cache.h"
#include "app/group_list.h"
#include "app/group_origin.h"
#include "app/routes.h"
#include "app/wire.h"
#include "base/order.h"
#include "state/grants.h"

#include <string.h>

enum { FINGERPRINT_DIGITS = 12 };

/* What groups must begin with to count, in small letters; NULL: all of them count. */
static char *group_prefix(void)
{
	const char *given = g_getenv("AGNES_GOOGLE_GROUP_PREFIX");
	g_autofree char *trimmed = g_strstrip(g_strdup(given ? given : ""));
	return *trimmed ? g_utf8_strdown(trimmed, -1) : NULL;
}

/* --- how the caller is signed in --- */

/* Null where the browser has no session: a token in a header is not looked at. */
static json_t *describe_session(const struct http_request *request)
{
	g_autofree char *token = http_request_cookie(request, "access_token");
	g_autoptr(token_claims) claims = token ? sign_in_claims(app_of(request), token) : NULL;
	if (!claims)
		return json_null();
	const struct jwt_claims *jwt = &claims->jwt;
	json_t *expires = jwt->expires ? json_integer(jwt->expires) : json_null();
	return json_pack("{s{ss so so sI so so} so}", "claims", "sub", jwt->subject, "email",
			 wire_text(jwt->email), "typ", wire_text(jwt->type), "iat",
			 (json_int_t)(jwt->issued / G_USEC_PER_SEC), "exp", expires, "jti",
			 wire_text(jwt->id), "fingerprint",
			 json_stringn(claims->hash, FINGERPRINT_DIGITS));
}

static json_t *describe_user(const struct directory_user *user)
{
	const struct user *row = user->row;
	return json_pack("{ss ss so sb sb so}", "id", row->id, "email", row->email, "name",
			 wire_text(row->name), "active", row->active == RECORD_TRUE, "is_admin",
			 user->is_admin, "created_at", wire_time_spaced(row->created_at));
}

/* Each once, with the first group that it comes from; they are sorted by what they are for. */
static json_t *describe_grants(const GPtrArray *grants)
{
	json_t *list = json_array();
	const struct grant *last = NULL;
	for (guint i = 0; i < grants->len; i++) {
		const struct grant *grant = grants->pdata[i];
		if (last && strcmp(last->resource_type, grant->resource_type) == 0 &&
		    strcmp(last->resource_id, grant->resource_id) == 0)
			continue;
		last = grant;
		json_array_append_new(list,
				      json_pack("{ss ss so}", "resource_type", grant->resource_type,
						"resource_id", grant->resource_id, "group_name",
						wire_text(grant->group_name)));
	}
	return list;
}

static bool is_from_google(const struct membership *membership)
{
	return g_strcmp0(membership->source, member_source_name(MEMBER_GOOGLE)) == 0;
}

static json_t *describe_google(const GPtrArray *memberships)
{
	g_autofree char *prefix = group_prefix();
	json_int_t count = 0;
	int64_t latest = DUCK_NO_TIME;
	for (guint i = 0; i < memberships->len; i++) {
		const struct membership *membership = memberships->pdata[i];
		if (!is_from_google(membership))
			continue;
		count++;
		if (membership->added_at != DUCK_NO_TIME)
			latest = MAX(latest, membership->added_at);
	}
	return json_pack("{sI so so}", "memberships", count, "latest", wire_time_spaced(latest),
			 "prefix", wire_text(prefix));
}

static struct http_response *get_debug(struct http_request *request)
{
	GError *error = NULL;
	struct state *state = app_of(request)->state;
	const struct directory_user *user = caller_of(request)->user;
	g_autoptr(GPtrArray) memberships = group_members_of_user(state, user->row->id, &error);
	g_autoptr(GPtrArray)
		grants = memberships ? grants_list_of_user(state, user->row->id, &error) : NULL;
	if (!grants)
		return http_refuse_error(request, error);
	json_t *groups = json_array();
	for (guint i = 0; i < memberships->len; i++)
		json_array_append_new(groups, group_list_membership(memberships->pdata[i]));
	struct http_response *response = http_json(
		200,
		json_pack("{ss so so so so so}", "title", "Auth debug", "user", describe_user(user),
			  "session", describe_session(request), "memberships", groups, "grants",
			  describe_grants(grants), "google_sync", describe_google(memberships)));
	http_response_header(response, "Cache-Control", "no-store");
	return response;
}

/* --- what Google would change --- */

/*
 * The groups that Google is said to tell. There is no other way to ask yet: *failed where one is
 * set up all the same.
 */
static char **fetch_groups(bool *failed)
{
	const char *mocked = g_getenv("GOOGLE_ADMIN_SDK_MOCK_GROUPS");
	const char *subject = g_getenv("GOOGLE_ADMIN_SDK_SUBJECT");
	*failed = !mocked && subject && *subject;
	g_auto(GStrv) parts = g_strsplit(mocked ? mocked : "", ",", -1);
	g_autoptr(GStrvBuilder) groups = g_strv_builder_new();
	for (char **part = parts; *part; part++) {
		if (*g_strstrip(*part))
			g_strv_builder_add(groups, *part);
	}
	return g_strv_builder_end(groups);
}

/* Those that count, in small letters and sorted. */
static GPtrArray *relevant_of(char **fetched, const char *prefix)
{
	GPtrArray *relevant = g_ptr_array_new_with_free_func(g_free);
	for (; *fetched; fetched++) {
		g_autofree char *lower = g_utf8_strdown(*fetched, -1);
		if ((!prefix || g_str_has_prefix(lower, prefix)) &&
		    !g_ptr_array_find_with_equal_func(relevant, lower, g_str_equal, NULL))
			g_ptr_array_add(relevant, g_steal_pointer(&lower));
	}
	g_ptr_array_sort(relevant, order_texts);
	return relevant;
}

/* By their addresses: a system group goes by the one that is mapped to it. */
static GPtrArray *current_of(const GPtrArray *memberships)
{
	GPtrArray *current = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < memberships->len; i++) {
		const struct membership *membership = memberships->pdata[i];
		const struct group group = {.name = membership->group_name,
					    .is_system = membership->is_system};
		const char *mapped = group_mapped_email(&group);
		if (is_from_google(membership))
			g_ptr_array_add(current, g_utf8_strdown(mapped ? mapped : group.name, -1));
	}
	g_ptr_array_sort(current, order_texts);
	return current;
}

static json_t *names_of(const GPtrArray *memberships)
{
	json_t *names = json_array();
	for (guint i = 0; i < memberships->len; i++) {
		const struct membership *membership = memberships->pdata[i];
		if (is_from_google(membership))
			json_array_append_new(names, json_string(membership->group_name));
	}
	return names;
}

/* The texts of `all` that are not in `without` (NULL: all of them). */
static json_t *texts_without(const GPtrArray *all, const GPtrArray *without)
{
	json_t *list = json_array();
	for (guint i = 0; i < all->len; i++) {
		bool there = without &&
			     g_ptr_array_find_with_equal_func((GPtrArray *)without, all->pdata[i],
							      g_str_equal, NULL);
		if (!there)
			json_array_append_new(list, json_string(all->pdata[i]));
	}
	return list;
}

static struct http_response *refetch_groups(struct http_request *request)
{
	bool failed;
	GError *error = NULL;
	g_autoptr(GPtrArray) memberships = group_members_of_user(
		app_of(request)->state, caller_of(request)->user->row->id, &error);
	if (!memberships)
		return http_refuse_error(request, error);
	g_autofree char *prefix = group_prefix();
	g_auto(GStrv) fetched = fetch_groups(&failed);
	g_autoptr(GPtrArray) relevant = relevant_of(fetched, prefix);
	g_autoptr(GPtrArray) current = current_of(memberships);
	json_t *all = json_array();
	for (char **group = fetched; *group; group++)
		json_array_append_new(all, json_string(*group));
	/* No answer that counts changes nothing: it may as well be a failure. */
	json_t *leaving = relevant->len > 0 ? texts_without(current, relevant) : json_array();
	return http_json(200,
			 json_pack("{sb so so so so s[] so so sb}", "soft_failed", failed, "prefix",
				   wire_text(prefix), "fetched", all, "fetched_relevant",
				   texts_without(relevant, NULL), "current_names",
				   names_of(memberships), "current_external_ids", "would_add",
				   texts_without(relevant, current), "would_remove", leaving,
				   "applied", false));
}

const struct http_route me_debug_routes[] = {
	{HTTP_GET, "/me/debug", ACCESS_USER, HTTP_BLOCKING, .tag = "auth",
	 .summary = "How the caller is signed in", .handle = get_debug},
	{HTTP_POST, "/me/debug/refetch-groups", ACCESS_USER, HTTP_BLOCKING, .tag = "auth",
	 .summary = "What a sign-in by Google would change in the caller's groups",
	 .handle = refetch_groups},
	{0},
};
