/* The tables of schema 20, as data. */
#include "state/schema.h"

#define NOW "current_timestamp"

static const struct schema_column schema_version[] = {
	{"version", "INTEGER", SCHEMA_REQUIRED},
	{"applied_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{NULL},
};

static const struct schema_column users[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"email", "VARCHAR", SCHEMA_REQUIRED},
	{"name", "VARCHAR"},
	{"password_hash", "VARCHAR"},
	{"setup_token", "VARCHAR"},
	{"setup_token_created", "TIMESTAMP"},
	{"reset_token", "VARCHAR"},
	{"reset_token_created", "TIMESTAMP"},
	{"active", "BOOLEAN", SCHEMA_REQUIRED, "TRUE"},
	{"deactivated_at", "TIMESTAMP"},
	{"deactivated_by", "VARCHAR"},
	{"created_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{"updated_at", "TIMESTAMP"},
	{NULL},
};

static const struct schema_column sync_state[] = {
	{"table_id", "VARCHAR", SCHEMA_REQUIRED},
	{"last_sync", "TIMESTAMP"},
	{"rows", "BIGINT"},
	{"file_size_bytes", "BIGINT"},
	{"uncompressed_size_bytes", "BIGINT"},
	{"columns", "INTEGER"},
	{"hash", "VARCHAR"},
	{"status", "VARCHAR", SCHEMA_OPTIONAL, "'ok'"},
	{"error", "VARCHAR"},
	{NULL},
};

static const struct schema_column view_ownership[] = {
	{"view_name", "VARCHAR", SCHEMA_REQUIRED},
	{"source_name", "VARCHAR", SCHEMA_REQUIRED},
	{"registered_at", "TIMESTAMP", SCHEMA_REQUIRED, NOW},
	{NULL},
};

static const struct schema_column sync_history[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"table_id", "VARCHAR", SCHEMA_REQUIRED},
	{"synced_at", "TIMESTAMP", SCHEMA_REQUIRED},
	{"rows", "BIGINT"},
	{"duration_ms", "INTEGER"},
	{"status", "VARCHAR"},
	{"error", "VARCHAR"},
	{NULL},
};

static const struct schema_column user_sync_settings[] = {
	{"user_id", "VARCHAR", SCHEMA_REQUIRED},
	{"dataset", "VARCHAR", SCHEMA_REQUIRED},
	{"enabled", "BOOLEAN", SCHEMA_OPTIONAL, "FALSE"},
	{"table_mode", "VARCHAR", SCHEMA_OPTIONAL, "'all'"},
	{"tables", "JSON"},
	{"updated_at", "TIMESTAMP"},
	{NULL},
};

static const struct schema_column knowledge_items[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"title", "VARCHAR", SCHEMA_REQUIRED},
	{"content", "VARCHAR"},
	{"category", "VARCHAR"},
	{"tags", "JSON"},
	{"status", "VARCHAR", SCHEMA_OPTIONAL, "'pending'"},
	{"contributors", "JSON"},
	{"source_user", "VARCHAR"},
	{"audience", "VARCHAR"},
	{"confidence", "DOUBLE"},
	{"domain", "VARCHAR"},
	{"entities", "JSON"},
	{"source_type", "VARCHAR", SCHEMA_OPTIONAL, "'claude_local_md'"},
	{"source_ref", "VARCHAR"},
	{"valid_from", "TIMESTAMP"},
	{"valid_until", "TIMESTAMP"},
	{"supersedes", "VARCHAR"},
	{"sensitivity", "VARCHAR", SCHEMA_OPTIONAL, "'internal'"},
	{"is_personal", "BOOLEAN", SCHEMA_OPTIONAL, "FALSE"},
	{"created_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{"updated_at", "TIMESTAMP"},
	{NULL},
};

static const struct schema_column knowledge_contradictions[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"item_a_id", "VARCHAR", SCHEMA_REQUIRED},
	{"item_b_id", "VARCHAR", SCHEMA_REQUIRED},
	{"explanation", "VARCHAR"},
	{"severity", "VARCHAR"},
	{"suggested_resolution", "VARCHAR"},
	{"resolved", "BOOLEAN", SCHEMA_OPTIONAL, "FALSE"},
	{"resolved_by", "VARCHAR"},
	{"resolved_at", "TIMESTAMP"},
	{"resolution", "VARCHAR"},
	{"detected_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{NULL},
};

static const struct schema_column knowledge_item_relations[] = {
	{"item_a_id", "VARCHAR", SCHEMA_REQUIRED},
	{"item_b_id", "VARCHAR", SCHEMA_REQUIRED},
	{"relation_type", "VARCHAR", SCHEMA_REQUIRED},
	{"score", "DOUBLE"},
	{"resolved", "BOOLEAN", SCHEMA_OPTIONAL, "FALSE"},
	{"resolved_by", "VARCHAR"},
	{"resolved_at", "TIMESTAMP"},
	{"resolution", "VARCHAR"},
	{"created_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{NULL},
};

static const struct schema_column session_extraction_state[] = {
	{"session_file", "VARCHAR", SCHEMA_REQUIRED},
	{"username", "VARCHAR", SCHEMA_REQUIRED},
	{"processed_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{"items_extracted", "INTEGER", SCHEMA_OPTIONAL, "0"},
	{"file_hash", "VARCHAR"},
	{NULL},
};

static const struct schema_column verification_evidence[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"item_id", "VARCHAR", SCHEMA_REQUIRED},
	{"source_user", "VARCHAR"},
	{"source_ref", "VARCHAR"},
	{"detection_type", "VARCHAR"},
	{"user_quote", "VARCHAR"},
	{"created_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{NULL},
};

static const struct schema_column knowledge_votes[] = {
	{"item_id", "VARCHAR", SCHEMA_REQUIRED},
	{"user_id", "VARCHAR", SCHEMA_REQUIRED},
	{"vote", "INTEGER"},
	{"voted_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{NULL},
};

static const struct schema_column audit_log[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"timestamp", "TIMESTAMP", SCHEMA_REQUIRED, NOW},
	{"user_id", "VARCHAR"},
	{"action", "VARCHAR", SCHEMA_REQUIRED},
	{"resource", "VARCHAR"},
	{"params", "JSON"},
	{"result", "VARCHAR"},
	{"duration_ms", "INTEGER"},
	{NULL},
};

static const struct schema_column telegram_links[] = {
	{"user_id", "VARCHAR", SCHEMA_REQUIRED},
	{"chat_id", "BIGINT", SCHEMA_REQUIRED},
	{"linked_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{NULL},
};

static const struct schema_column pending_codes[] = {
	{"code", "VARCHAR", SCHEMA_REQUIRED},
	{"chat_id", "BIGINT", SCHEMA_REQUIRED},
	{"created_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{NULL},
};

static const struct schema_column script_registry[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"name", "VARCHAR", SCHEMA_REQUIRED},
	{"owner", "VARCHAR"},
	{"schedule", "VARCHAR"},
	{"source", "VARCHAR", SCHEMA_REQUIRED},
	{"deployed_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{"last_run", "TIMESTAMP"},
	{"last_status", "VARCHAR"},
	{NULL},
};

static const struct schema_column table_registry[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"name", "VARCHAR", SCHEMA_REQUIRED},
	{"source_type", "VARCHAR"},
	{"bucket", "VARCHAR"},
	{"source_table", "VARCHAR"},
	{"source_query", "VARCHAR"},
	{"sync_strategy", "VARCHAR", SCHEMA_OPTIONAL, "'full_refresh'"},
	{"query_mode", "VARCHAR", SCHEMA_OPTIONAL, "'local'"},
	{"sync_schedule", "VARCHAR"},
	{"profile_after_sync", "BOOLEAN", SCHEMA_OPTIONAL, "TRUE"},
	{"primary_key", "VARCHAR"},
	{"folder", "VARCHAR"},
	{"description", "VARCHAR"},
	{"registered_by", "VARCHAR"},
	{"registered_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{NULL},
};

static const struct schema_column table_profiles[] = {
	{"table_id", "VARCHAR", SCHEMA_REQUIRED},
	{"profile", "JSON", SCHEMA_REQUIRED},
	{"profiled_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{NULL},
};

static const struct schema_column metric_definitions[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"name", "VARCHAR", SCHEMA_REQUIRED},
	{"display_name", "VARCHAR", SCHEMA_REQUIRED},
	{"category", "VARCHAR", SCHEMA_REQUIRED},
	{"description", "VARCHAR"},
	{"type", "VARCHAR", SCHEMA_OPTIONAL, "'sum'"},
	{"unit", "VARCHAR"},
	{"grain", "VARCHAR", SCHEMA_OPTIONAL, "'monthly'"},
	{"table_name", "VARCHAR"},
	{"tables", "VARCHAR[]"},
	{"expression", "VARCHAR"},
	{"time_column", "VARCHAR"},
	{"dimensions", "VARCHAR[]"},
	{"filters", "VARCHAR[]"},
	{"synonyms", "VARCHAR[]"},
	{"notes", "VARCHAR[]"},
	{"sql", "VARCHAR", SCHEMA_REQUIRED},
	{"sql_variants", "JSON"},
	{"validation", "JSON"},
	{"source", "VARCHAR", SCHEMA_OPTIONAL, "'manual'"},
	{"created_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{"updated_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{NULL},
};

static const struct schema_column column_metadata[] = {
	{"table_id", "VARCHAR", SCHEMA_REQUIRED},
	{"column_name", "VARCHAR", SCHEMA_REQUIRED},
	{"basetype", "VARCHAR"},
	{"description", "VARCHAR"},
	{"confidence", "VARCHAR", SCHEMA_OPTIONAL, "'manual'"},
	{"source", "VARCHAR", SCHEMA_OPTIONAL, "'manual'"},
	{"updated_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{NULL},
};

static const struct schema_column personal_access_tokens[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"user_id", "VARCHAR", SCHEMA_REQUIRED},
	{"name", "VARCHAR", SCHEMA_REQUIRED},
	{"token_hash", "VARCHAR", SCHEMA_REQUIRED},
	{"prefix", "VARCHAR", SCHEMA_REQUIRED},
	{"scopes", "VARCHAR"},
	{"created_at", "TIMESTAMP", SCHEMA_REQUIRED, NOW},
	{"expires_at", "TIMESTAMP"},
	{"last_used_at", "TIMESTAMP"},
	{"last_used_ip", "VARCHAR"},
	{"revoked_at", "TIMESTAMP"},
	{NULL},
};

static const struct schema_column marketplace_registry[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"name", "VARCHAR", SCHEMA_REQUIRED},
	{"url", "VARCHAR", SCHEMA_REQUIRED},
	{"branch", "VARCHAR"},
	{"token_env", "VARCHAR"},
	{"description", "VARCHAR"},
	{"registered_by", "VARCHAR"},
	{"registered_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{"last_synced_at", "TIMESTAMP"},
	{"last_commit_sha", "VARCHAR"},
	{"last_error", "VARCHAR"},
	{NULL},
};

static const struct schema_column marketplace_plugins[] = {
	{"marketplace_id", "VARCHAR", SCHEMA_REQUIRED},
	{"name", "VARCHAR", SCHEMA_REQUIRED},
	{"description", "VARCHAR"},
	{"version", "VARCHAR"},
	{"author_name", "VARCHAR"},
	{"homepage", "VARCHAR"},
	{"category", "VARCHAR"},
	{"source_type", "VARCHAR"},
	{"source_spec", "JSON"},
	{"raw", "JSON"},
	{"updated_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{NULL},
};

static const struct schema_column user_groups[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"name", "VARCHAR", SCHEMA_REQUIRED},
	{"description", "VARCHAR"},
	{"is_system", "BOOLEAN", SCHEMA_OPTIONAL, "FALSE"},
	{"created_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{"created_by", "VARCHAR"},
	{NULL},
};

static const struct schema_column user_group_members[] = {
	{"user_id", "VARCHAR", SCHEMA_REQUIRED},
	{"group_id", "VARCHAR", SCHEMA_REQUIRED},
	{"source", "VARCHAR", SCHEMA_REQUIRED},
	{"added_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{"added_by", "VARCHAR"},
	{NULL},
};

static const struct schema_column resource_grants[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"group_id", "VARCHAR", SCHEMA_REQUIRED},
	{"resource_type", "VARCHAR", SCHEMA_REQUIRED},
	{"resource_id", "VARCHAR", SCHEMA_REQUIRED},
	{"assigned_at", "TIMESTAMP", SCHEMA_OPTIONAL, NOW},
	{"assigned_by", "VARCHAR"},
	{NULL},
};

/* Those that follow are ours alone; other programs that read the file pass them over. */

static const struct schema_column session_epochs[] = {
	{"user_id", "VARCHAR", SCHEMA_REQUIRED},
	{"not_before", "TIMESTAMP", SCHEMA_REQUIRED},
	{NULL},
};

static const struct schema_column table_requests[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"user_id", "VARCHAR", SCHEMA_REQUIRED},
	{"table_name", "VARCHAR", SCHEMA_REQUIRED},
	{"reason", "VARCHAR"},
	{"status", "VARCHAR", SCHEMA_REQUIRED},
	{"created_at", "TIMESTAMP", SCHEMA_REQUIRED},
	{"decided_at", "TIMESTAMP"},
	{"decided_by", "VARCHAR"},
	{"answer", "VARCHAR"},
	{NULL},
};

static const struct schema_column sync_runs[] = {
	{"id", "VARCHAR", SCHEMA_REQUIRED},
	{"started_at", "TIMESTAMP", SCHEMA_REQUIRED},
	{"finished_at", "TIMESTAMP"},
	{"status", "VARCHAR", SCHEMA_REQUIRED},
	{"started_by", "VARCHAR"},
	{"owed", "JSON"},
	{"report", "JSON"},
	{NULL},
};

static const struct schema_column scan_usage[] = {
	{"user_id", "VARCHAR", SCHEMA_REQUIRED},
	{"day", "VARCHAR", SCHEMA_REQUIRED},
	{"bytes", "BIGINT", SCHEMA_REQUIRED},
	{NULL},
};

const struct schema_table schema_tables[] = {
	{"schema_version", SCHEMA_KEPT, schema_version, {NULL}},
	{"users", SCHEMA_KEPT, users, {"PRIMARY KEY(id)", "UNIQUE(email)"}},
	{"sync_state", SCHEMA_KEPT, sync_state, {"PRIMARY KEY(table_id)"}},
	{"view_ownership", SCHEMA_CACHE, view_ownership, {"PRIMARY KEY(view_name)"}},
	{"sync_history", SCHEMA_KEPT, sync_history, {"PRIMARY KEY(id)"}},
	{"user_sync_settings", SCHEMA_KEPT, user_sync_settings, {"PRIMARY KEY(user_id, dataset)"}},
	{"knowledge_items", SCHEMA_KEPT, knowledge_items, {"PRIMARY KEY(id)"}},
	{"knowledge_contradictions", SCHEMA_KEPT, knowledge_contradictions, {"PRIMARY KEY(id)"}},
	{"knowledge_item_relations",
	 SCHEMA_KEPT,
	 knowledge_item_relations,
	 {"PRIMARY KEY(item_a_id, item_b_id, relation_type)"}},
	{"session_extraction_state",
	 SCHEMA_KEPT,
	 session_extraction_state,
	 {"PRIMARY KEY(session_file)"}},
	{"verification_evidence", SCHEMA_KEPT, verification_evidence, {"PRIMARY KEY(id)"}},
	{"knowledge_votes", SCHEMA_KEPT, knowledge_votes, {"PRIMARY KEY(item_id, user_id)"}},
	{"audit_log", SCHEMA_KEPT, audit_log, {"PRIMARY KEY(id)"}},
	{"telegram_links", SCHEMA_KEPT, telegram_links, {"PRIMARY KEY(user_id)"}},
	{"pending_codes", SCHEMA_KEPT, pending_codes, {"PRIMARY KEY(code)"}},
	{"script_registry", SCHEMA_KEPT, script_registry, {"PRIMARY KEY(id)"}},
	{"table_registry", SCHEMA_KEPT, table_registry, {"PRIMARY KEY(id)"}},
	{"table_profiles", SCHEMA_KEPT, table_profiles, {"PRIMARY KEY(table_id)"}},
	{"metric_definitions", SCHEMA_KEPT, metric_definitions, {"PRIMARY KEY(id)"}},
	{"column_metadata", SCHEMA_KEPT, column_metadata, {"PRIMARY KEY(table_id, column_name)"}},
	{"personal_access_tokens", SCHEMA_KEPT, personal_access_tokens, {"PRIMARY KEY(id)"}},
	{"marketplace_registry", SCHEMA_KEPT, marketplace_registry, {"PRIMARY KEY(id)"}},
	{"marketplace_plugins",
	 SCHEMA_CACHE,
	 marketplace_plugins,
	 {"PRIMARY KEY(marketplace_id, name)"}},
	{"user_groups", SCHEMA_KEPT, user_groups, {"PRIMARY KEY(id)", "UNIQUE(name)"}},
	{"user_group_members",
	 SCHEMA_KEPT,
	 user_group_members,
	 {"FOREIGN KEY (group_id) REFERENCES user_groups(id)", "PRIMARY KEY(user_id, group_id)"}},
	{"resource_grants",
	 SCHEMA_KEPT,
	 resource_grants,
	 {"PRIMARY KEY(id)", "FOREIGN KEY (group_id) REFERENCES user_groups(id)",
	  "UNIQUE(group_id, resource_type, resource_id)"}},
	{"session_epochs", SCHEMA_KEPT, session_epochs, {"PRIMARY KEY(user_id)"}},
	{"table_requests", SCHEMA_KEPT, table_requests, {"PRIMARY KEY(id)"}},
	{"sync_runs", SCHEMA_KEPT, sync_runs, {"PRIMARY KEY(id)"}},
	{"scan_usage", SCHEMA_KEPT, scan_usage, {"PRIMARY KEY(user_id)"}},
	{NULL},
};
