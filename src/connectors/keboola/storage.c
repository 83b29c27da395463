/* Calls of Keboola's Storage API. */
#include "connectors/keboola/storage.h"

#include "base/error.h"
#include "base/http_client.h"
#include "base/json.h"
#include "base/prompt.h"

#include <string.h>

#define DISCOVERED "Auto-discovered from Keboola: "
/* Of who wrote the notes: what earlier versions wrote is replaced. */
#define PROVIDER "ai-metadata-enrichment"

enum {
	LONGEST_ANSWER = 1024 * 1024,
	LONGEST_QUOTE = 200, /* characters of an answer that are told */
};

struct keboola_storage {
	const struct keboola_project *project;
	struct http_client *client;
	char *base;   /* the address, without a slash at its end */
	char *header; /* with the token */
};

/* --- what can be asked --- */

char *keboola_check_url(const char *url)
{
	/* A token goes over this connection: in the open only within the machine. */
	static const char safe[] =
		"^https://([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?/?$";
	static const char own[] = "^http://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:[0-9]{1,5})?/?$";
	static const char open[] = "^http://[A-Za-z0-9.:-]+/?$";
	const GRegexCompileFlags flags = G_REGEX_DOLLAR_ENDONLY | G_REGEX_CASELESS;
	if (g_regex_match_simple(safe, url, flags, 0) || g_regex_match_simple(own, url, flags, 0))
		return NULL;
	return g_strdup(g_regex_match_simple(open, url, flags, 0)
				? "the address must begin with https://"
				: "an address such as https://connection.example.com");
}

char *keboola_check_token(const char *token)
{
	return g_regex_match_simple("^[A-Za-z0-9._~+/=:-]+$", token, G_REGEX_DOLLAR_ENDONLY, 0)
		       ? NULL
		       : g_strdup("a token has letters, digits and ._~+/=:- only");
}

static bool is_set(const char *text)
{
	return text && *text;
}

char *keboola_table_id(const char *bucket, const char *source_table, const char *description,
		       const char *id)
{
	if (!is_set(source_table))
		return g_strdup(id);
	if (!is_set(bucket))
		return g_strdup(source_table);
	g_autofree char *start = g_strconcat(bucket, ".", NULL);
	if (g_str_has_prefix(source_table, start))
		return g_strdup(source_table);
	g_autofree char *joined = g_strconcat(start, source_table, NULL);
	g_autofree char *tail = g_strconcat(".", joined, NULL);
	if (description && g_str_has_prefix(description, DISCOVERED) &&
	    g_str_has_suffix(description, tail))
		return g_strdup(description + strlen(DISCOVERED));
	return g_steal_pointer(&joined);
}

/* --- calls --- */

struct keboola_storage *keboola_storage_new(const struct keboola_project *project, GError **error)
{
	g_autofree char *bad_url = keboola_check_url(project->url);
	g_autofree char *bad_token = keboola_check_token(project->token);
	if (bad_url || bad_token) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "the %s of Keboola: %s",
			    bad_url ? "address" : "token", bad_url ? bad_url : bad_token);
		return NULL;
	}
	struct http_client *client = http_client_new("agnesd/" AGNES_VERSION, error);
	if (!client)
		return NULL;
	struct keboola_storage *storage = g_new0(struct keboola_storage, 1);
	storage->project = project;
	storage->client = client;
	storage->base = g_strdup(project->url);
	if (g_str_has_suffix(storage->base, "/"))
		storage->base[strlen(storage->base) - 1] = '\0';
	storage->header = g_strconcat("X-StorageApi-Token: ", project->token, NULL);
	return storage;
}

void keboola_storage_free(struct keboola_storage *storage)
{
	if (!storage)
		return;
	http_client_free(storage->client);
	g_free(storage->base);
	prompt_forget(storage->header);
	g_free(storage);
}

/* POST with a body, GET without; `path` begins behind the API's own. */
static struct http_reply *ask(struct keboola_storage *storage, const char *path, const char *body,
			      GError **error)
{
	const struct keboola_project *project = storage->project;
	g_autofree char *url = g_strconcat(storage->base, "/v2/storage/", path, NULL);
	const char *const headers[] = {storage->header,
				       body ? "Content-Type: application/json" : NULL, NULL};
	const struct http_call call = {
		.method = body ? "POST" : NULL,
		.url = url,
		.headers = headers,
		.body = body,
		.body_size = body ? strlen(body) : 0,
		.connect_seconds = project->seconds,
		.idle_seconds = project->seconds,
		.total_seconds = project->seconds,
		.longest_body = LONGEST_ANSWER,
		.cancel = project->cancel,
		.addresses = project->addresses,
	};
	return http_client_call(storage->client, &call, error);
}

char *keboola_storage_verify(struct keboola_storage *storage, bool *refused, GError **error)
{
	*refused = false;
	g_autoptr(http_reply) reply = ask(storage, "tokens/verify", NULL, error);
	if (!reply)
		return NULL;
	if (reply->status == 401 || reply->status == 403) {
		*refused = true;
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "%s does not accept the token (status %d)", storage->base,
			    reply->status);
		return NULL;
	}
	size_t size;
	const char *body = g_bytes_get_data(reply->body, &size);
	g_autoptr(json_t) token = body ? json_parse(body, size, "the answer", NULL) : NULL;
	const char *name = json_string_value(
		json_object_get(json_object_get(token, "owner"), "name"));
	if (http_reply_is_fine(reply) && name)
		return g_strdup(name);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "%s does not answer as a Keboola stack does (status %d)", storage->base,
		    reply->status);
	return NULL;
}

/* The start of an answer in one line, without the token that it may repeat. */
static char *quote(const struct keboola_storage *storage, GBytes *body)
{
	size_t size;
	const char *bytes = g_bytes_get_data(body, &size);
	g_autofree char *valid = g_utf8_make_valid(bytes ? bytes : "", (gssize)size);
	g_auto(GStrv) parts = g_strsplit(valid, storage->project->token, -1);
	g_autofree char *masked = g_strjoinv("***", parts);
	g_autoptr(GString) line = g_string_new(NULL);
	glong length = 0;
	for (const char *at = masked; *at && length < LONGEST_QUOTE; at = g_utf8_next_char(at)) {
		gunichar letter = g_utf8_get_char(at);
		g_string_append_unichar(line, g_unichar_iscntrl(letter) ? ' ' : letter);
		length++;
	}
	return g_strstrip(g_string_free(g_steal_pointer(&line), FALSE));
}

/* As one part of a path; NULL for one that would mean another folder, however it is written. */
static char *segment(const char *name)
{
	bool moves = !*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
	return moves || !g_utf8_validate(name, -1, NULL) ? NULL
							 : g_uri_escape_string(name, NULL, FALSE);
}

static void add_entry(json_t *entries, const char *key, const char *value)
{
	if (value)
		json_array_append_new(entries, json_pack("{ss ss}", "key", key, "value", value));
}

static char *note_body(const struct keboola_note *note)
{
	json_t *entries = json_array();
	add_entry(entries, "KBC.datatype.basetype", note->basetype);
	add_entry(entries, "KBC.description", note->description);
	g_autoptr(json_t) body = json_pack("{ss so}", "provider", PROVIDER, "metadata", entries);
	return json_to_text(body);
}

bool keboola_storage_write_note(struct keboola_storage *storage, const char *table_id,
				const struct keboola_note *note, GError **error)
{
	g_autofree char *table = segment(table_id);
	g_autofree char *column = segment(note->column);
	if (!table || !column) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "no %s has that name",
			    table ? "column" : "table");
		return false;
	}
	g_autofree char *path = g_strdup_printf("tables/%s/columns/%s/metadata", table, column);
	g_autofree char *body = note_body(note);
	g_autoptr(http_reply) reply = ask(storage, path, body, error);
	if (!reply)
		return false;
	if (reply->status == 200 || reply->status == 201)
		return true;
	g_autofree char *said = quote(storage, reply->body);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED, "%d %s", reply->status, said);
	return false;
}
