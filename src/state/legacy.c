/* Each kind of file is a row of a table: where it lies, what its entries are, who stores one. */
#include "state/legacy.h"

#include "base/error.h"
#include "base/files.h"
#include "state/knowledge_items.h"
#include "state/profiles.h"
#include "state/registry.h"
#include "state/sync_state.h"
#include "state/telegram.h"
#include "state/users.h"

#include <string.h>

enum { FILE_MAX = 256 * 1024 * 1024 };

static const char *text_of(const json_t *entry, const char *key)
{
	return json_string_value(json_object_get(entry, key));
}

static const char *text_or(const json_t *entry, const char *key, const char *otherwise)
{
	const char *text = text_of(entry, key);
	return text && *text ? text : otherwise;
}

static int64_t int_of(const json_t *entry, const char *key)
{
	const json_t *value = json_object_get(entry, key);
	return json_is_integer(value) ? json_integer_value(value) : RECORD_NO_INT;
}

/* The texts of an array; an empty list for whatever else. */
static char **texts_of(const json_t *entry, const char *key)
{
	g_autoptr(GStrvBuilder) texts = g_strv_builder_new();
	const json_t *array = json_object_get(entry, key);
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));
		if (text && *text)
			g_strv_builder_add(texts, text);
	}
	return g_strv_builder_end(texts);
}

static char *labels_of(const json_t *entry, const char *key)
{
	g_auto(GStrv) labels = texts_of(entry, key);
	return knowledge_labels_text(labels);
}

static bool refuse(GError **error, const char *reason)
{
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID, reason);
	return false;
}

static int64_t time_of(const json_t *entry, const char *key)
{
	const char *text = text_of(entry, key);
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = text ? g_date_time_new_from_iso8601(text, utc) : NULL;
	if (!time)
		return DUCK_NO_TIME;
	return g_date_time_to_unix(time) * G_USEC_PER_SEC + g_date_time_get_microsecond(time);
}

static bool import_sync_state(struct state *state, const char *name, const json_t *entry,
			      GError **error)
{
	g_autoptr(GArray) results = g_array_new(FALSE, FALSE, sizeof(struct sync_result));
	struct sync_result result;
	sync_result_init(&result, name);
	result.state.rows = int_of(entry, "rows");
	result.state.file_size_bytes = int_of(entry, "file_size_bytes");
	result.state.uncompressed_size_bytes = int_of(entry, "uncompressed_size_bytes");
	result.state.columns = int_of(entry, "columns");
	result.state.hash = text_of(entry, "hash");
	result.state.last_sync = time_of(entry, "last_sync");
	g_autoptr(sync_state_record) known = sync_state_find(state, name, NULL);
	if (known && known->last_sync >= result.state.last_sync) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
				    "the table was synced since");
		return false;
	}
	g_array_append_val(results, result);
	return sync_state_save(state, results, error);
}

static bool import_knowledge(struct state *state, const char *name, const json_t *entry,
			     GError **error)
{
	g_autofree char *tags = labels_of(entry, "tags");
	g_autofree char *entities = labels_of(entry, "entities");
	g_auto(GStrv) contributors = texts_of(entry, "source_users");
	const json_t *confidence = json_object_get(entry, "confidence");
	struct knowledge_item item;
	record_init(&knowledge_item_type, &item);
	item.id = text_or(entry, "id", NULL);
	item.title = text_of(entry, "title");
	if (!item.id || !item.title)
		return refuse(error, "it has no id or no title");
	item.content = text_of(entry, "content");
	item.category = text_of(entry, "category");
	item.tags = tags;
	item.entities = entities;
	item.status = text_or(entry, "status", NULL);
	item.source_user = text_or(entry, "source_user", *contributors);
	item.audience = text_or(entry, "audience", NULL);
	if (json_is_number(confidence))
		item.confidence = json_number_value(confidence);
	item.domain = text_of(entry, "domain");
	item.source_type = text_or(entry, "source_type", NULL);
	item.source_ref = text_of(entry, "source_ref");
	item.sensitivity = text_or(entry, "sensitivity", NULL);
	if (json_is_true(json_object_get(entry, "is_personal")))
		item.is_personal = RECORD_TRUE;
	g_autoptr(knowledge_item_record) made = knowledge_items_create(state, &item, error);
	return made != NULL;
}

static bool import_telegram(struct state *state, const char *name, const json_t *entry,
			    GError **error)
{
	int64_t chat_id = int_of(entry, "chat_id");
	if (chat_id == RECORD_NO_INT)
		return refuse(error, "it has no chat_id");
	return telegram_link(state, name, chat_id, error);
}

static bool import_user(struct state *state, const char *email, const json_t *entry, GError **error)
{
	g_autofree char *local_part = g_strndup(email, strcspn(email, "@"));
	struct user user;
	if (!*email)
		return refuse(error, "it has no address");
	record_init(&user_type, &user);
	user.email = email;
	user.name = text_or(entry, "name", local_part);
	user.password_hash = text_or(entry, "password_hash", NULL);
	g_autoptr(user_record) made = users_create(state, &user, error);
	return made != NULL;
}

/* Texts of several columns have commas between them. */
static char *primary_key_of(const json_t *entry)
{
	const char *text = text_of(entry, "primary_key");
	g_auto(GStrv) columns = text ? registry_decode_key(text) : texts_of(entry, "primary_key");
	return registry_encode_key(columns);
}

static bool import_table(struct state *state, const char *name, const json_t *entry, GError **error)
{
	g_autofree char *primary_key = primary_key_of(entry);
	struct registered_table table;
	record_init(&registered_table_type, &table);
	table.name = text_or(entry, "name", NULL);
	table.id = text_or(entry, "id", NULL);
	if (!table.id || !table.name)
		return refuse(error, "it has no id or no name");
	table.folder = text_of(entry, "folder");
	table.sync_strategy = text_or(entry, "sync_strategy", "full_refresh");
	table.query_mode = "local";
	table.primary_key = primary_key;
	table.description = text_of(entry, "description");
	table.registered_by = text_of(entry, "registered_by");
	return registry_register(state, &table, error);
}

static bool import_profile(struct state *state, const char *name, const json_t *entry,
			   GError **error)
{
	g_autofree char *text = json_to_text(entry);
	return profiles_save(state, name, text, error);
}

/* Entries are objects, by name in an object or one after the other in an array. */
struct section {
	const char *name, *path;
	const char *wrapper; /* the entries may lie in this member of the document */
	bool named;	     /* they come by name alone */
	bool (*import)(struct state *state, const char *name, const json_t *entry, GError **error);
};

static const struct section sections[] = {
	{"sync_state", "src_data/metadata/sync_state.json", "tables", true, import_sync_state},
	{"knowledge", "corporate-memory/knowledge.json", "items", false, import_knowledge},
	{"telegram", "notifications/telegram_users.json", NULL, true, import_telegram},
	{"users", "auth/password_users.json", NULL, true, import_user},
	{"table_registry", "src_data/metadata/table_registry.json", "tables", false, import_table},
	{"profiles", "src_data/metadata/profiles.json", "tables", true, import_profile},
};

/* The entries of a file; NULL, with a warning, when it is missing or something else. */
static json_t *read_entries(const struct section *section, const char *path)
{
	size_t size;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = files_read(path, FILE_MAX, &size, &error);
	g_autoptr(json_t) document = text ? json_parse(text, size, path, &error) : NULL;
	if (!document) {
		g_warning("left out: %s", error->message);
		return NULL;
	}
	json_t *inner = section->wrapper ? json_object_get(document, section->wrapper) : NULL;
	json_t *entries = json_is_object(inner) || json_is_array(inner) ? inner : document;
	if (json_is_object(entries) || (json_is_array(entries) && !section->named))
		return json_incref(entries);
	g_warning("left out: %s does not hold what it should", path);
	return NULL;
}

/* That one entry is wrong, or there already, must not keep the others out. */
static bool is_about_entry(const GError *error)
{
	return g_error_matches(error, AGNES_ERROR, AGNES_ERROR_INVALID) ||
	       g_error_matches(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE) ||
	       g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT);
}

/* Counts the entry when it was taken over; false: no other can be, either. */
static bool import_entry(struct state *state, const struct section *section, const char *name,
			 const json_t *entry, size_t *count, GError **error)
{
	g_autoptr(GError) problem = NULL;
	if (!json_is_object(entry))
		refuse(&problem, "it is no object");
	else if (section->import(state, name, entry, &problem))
		++*count;
	if (problem && !is_about_entry(problem)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	if (problem)
		g_warning("left out: '%s' of %s: %s", name, section->path, problem->message);
	return true;
}

static bool import_entries(struct state *state, const struct section *section, json_t *entries,
			   size_t *count, GError **error)
{
	const char *name;
	json_t *entry;
	json_object_foreach(entries, name, entry)
	{
		if (!import_entry(state, section, name, entry, count, error))
			return false;
	}
	for (size_t i = 0; i < json_array_size(entries); i++) {
		g_autofree char *place = g_strdup_printf("%zu", i);
		if (!import_entry(state, section, place, json_array_get(entries, i), count, error))
			return false;
	}
	return true;
}

json_t *legacy_import(struct state *state, const char *data_dir, GError **error)
{
	g_autoptr(json_t) counts = json_object();
	for (size_t i = 0; i < G_N_ELEMENTS(sections); i++) {
		size_t count = 0;
		g_autofree char *path = g_build_filename(data_dir, sections[i].path, NULL);
		g_autoptr(json_t) entries = read_entries(&sections[i], path);
		if (entries && !import_entries(state, &sections[i], entries, &count, error))
			return NULL;
		json_object_set_new(counts, sections[i].name, json_integer((json_int_t)count));
	}
	return g_steal_pointer(&counts);
}
