/* The table of configuration keys. A new key is a new row. */
#include "config/keys.h"

#include "base/nearest.h"

#include <glib.h>
#include <string.h>

const struct config_key config_keys[] = {
	{"config_version", CONFIG_INT, "1", NULL, "Format of this file"},

	{"instance.name", CONFIG_TEXT, "AI Data Analyst", NULL,
	 "Name of this installation, in titles and messages", .example = "Example Corp Data",
	 .required = true},

	{"auth.allowed_domain", CONFIG_LIST, NULL, NULL,
	 "Mail domains whose Google accounts may sign in; none while it is not set",
	 .example = "example.com", .required = true},

	{"data_source.type", CONFIG_CHOICE, "local", "DATA_SOURCE", "Where the tables come from",
	 .choices = "keboola|bigquery|local"},
	{"data_source.keboola.stack_url", CONFIG_TEXT, NULL, NULL, "Address of the Keboola stack",
	 .example = "https://connection.example.com"},
	{"data_source.keboola.token_env", CONFIG_TEXT, "KEBOOLA_STORAGE_TOKEN", NULL,
	 "Variable with the storage token, of those in AGNES_REMOTE_ATTACH_TOKEN_ENVS"},
	{"data_source.bigquery.project", CONFIG_TEXT, NULL, NULL,
	 "Google Cloud project of the data", .example = "example-project"},

	{"local.roots", CONFIG_LIST, "inbox", NULL,
	 "Folders that local tables may be read from; relative ones stand in the data directory"},
	{"local.auto_register", CONFIG_BOOL, "true", NULL,
	 "Register a file that is new in one of these folders as a table, with the next sync"},
	{"local.reject_threshold", CONFIG_DOUBLE, "0.01", NULL,
	 "Share of unreadable rows above which a table fails, from 0 to 1", .most = 1},
	{"local.tables", CONFIG_TREE, NULL, NULL,
	 "How the files of a table are to be read, by its name: docs/CONNECTORS.md lists what there is",
	 .example = "orders: {delimiter: ;, decimal_comma: true}"},
	{"local.max_files", CONFIG_INT, "10000", NULL, "Files that one table may have", .least = 1,
	 .most = 1000000},
	{"local.max_line_size", CONFIG_SIZE, "2MB", NULL,
	 "Length of a line above which a table fails", .least = 1000, .most = 1e9},
	{"local.compression", CONFIG_CHOICE, "zstd", NULL, "Compression of the parquet files",
	 .choices = "zstd|snappy|gzip|uncompressed"},

	{"connectors", CONFIG_TREE, NULL, NULL,
	 "Settings of connectors in other languages, by name: docs/CONNECTORS.md",
	 .example = "weather: {timeout_seconds: 600, environment: [WEATHER_TOKEN]}"},

	{"extract.memory_limit", CONFIG_SIZE, "2GB", NULL,
	 "Memory for one run of an extractor; larger data goes through temporary files",
	 .least = 64e6},
	{"extract.threads", CONFIG_INT, "0", NULL,
	 "Threads of one run of an extractor; 0 means one for each processor", .most = 1024},

	{"sync.parallel", CONFIG_INT, "2", NULL, "Sources that are extracted at a time", .least = 1,
	 .most = 64},
	{"sync.timeout_seconds", CONFIG_INT, "1800", NULL,
	 "How long the extraction of one source may take, with all its attempts", .least = 1,
	 .most = 86400},
	{"sync.attempts", CONFIG_INT, "3", NULL,
	 "Attempts of a run at what may go better the next time", .least = 1, .most = 10},
	{"sync.retry_seconds", CONFIG_INT, "10", NULL,
	 "Time before the second attempt; each further one waits twice as long", .most = 3600},

	{"retention.history_days", CONFIG_INT, "365", NULL,
	 "Days that the history of a table is kept, beside its newest entry; 0 means for ever",
	 .most = 36500},
	{"retention.runs_days", CONFIG_INT, "30", NULL,
	 "Days that what a sync run came to is kept; 0 means for ever", .most = 36500},
	{"retention.audit_days", CONFIG_INT, "365", NULL,
	 "Days that the audit log is kept; 0 means for ever", .most = 36500},

	{"query.memory_limit", CONFIG_SIZE, "512MB", NULL, "Memory for one query", .least = 64e6},
	{"query.temporary_limit", CONFIG_SIZE, "4GB", NULL,
	 "Disk for what does not fit into the memory of one query"},
	{"query.threads", CONFIG_INT, "2", NULL, "Threads of one query", .least = 1, .most = 256},
	{"query.workers", CONFIG_INT, "8", NULL, "Processes that run queries", .least = 1,
	 .most = 1000},
	{"query.max_concurrent_per_user", CONFIG_INT, "4", NULL,
	 "Queries of one user that run at a time; more wait", .least = 1, .most = 1000},
	{"query.timeout_seconds", CONFIG_INT, "120", NULL, "How long a query may take", .least = 1,
	 .most = 86400},
	{"query.reader_seconds", CONFIG_INT, "60", NULL,
	 "How long a client may keep its query waiting to send; 16 KiB that it reads earn a second",
	 .least = 1, .most = 86400},
	{"query.max_rows", CONFIG_INT, "100000000", NULL, "Rows of a result, whatever is asked for",
	 .least = 1},
	{"query.max_result_bytes", CONFIG_SIZE, "16GB", NULL, "Bytes of a result", .least = 1e6},
	{"query.slow_milliseconds", CONFIG_INT, "10000", NULL,
	 "Queries that take longer are logged"},

	{"api.scan.max_limit", CONFIG_INT, "10000000", NULL, "Rows that a scan may ask for"},
	{"api.scan.max_result_bytes", CONFIG_SIZE, "2147483648", NULL,
	 "Bytes of a scan's result; what is beyond is left out"},
	{"api.scan.max_concurrent_per_user", CONFIG_INT, "5", NULL,
	 "Scans of one user that run at a time"},
	{"api.scan.max_daily_bytes_per_user", CONFIG_SIZE, "53687091200", NULL,
	 "Bytes that a user may scan a day (UTC)"},

	{"rebuild.memory_limit", CONFIG_SIZE, "1GB", NULL,
	 "Memory for reading the extracts and rebuilding the views", .least = 64e6},
	{"rebuild.timeout_seconds", CONFIG_INT, "600", NULL,
	 "How long reading one source's extract may take", .least = 1, .most = 86400},

	{"state.backup_count", CONFIG_INT, "7", NULL,
	 "Verified copies of system.duckdb that are kept", .least = 1, .most = 1000},
	{"state.backup_interval_hours", CONFIG_INT, "24", NULL, "Time between two copies",
	 .least = 1, .most = 8760},

	{"monitoring.access", CONFIG_CHOICE, "admin", NULL,
	 "Who may read /metrics, beside who has METRICS_TOKEN: administrators, also programs of "
	 "this machine, or anybody",
	 .choices = "admin|loopback|anybody"},
	{"monitoring.tables", CONFIG_BOOL, "false", NULL,
	 "Whether /metrics has figures of each table, with its name"},

	{"profiler.sample_size", CONFIG_INT, "500000", NULL, "Rows that a profile looks at",
	 .least = 1},
	{"profiler.max_categorical_distinct", CONFIG_INT, "50", NULL,
	 "Distinct values up to which a column counts as categorical"},
	{"profiler.top_values_limit", CONFIG_INT, "10", NULL, "Most frequent values shown"},
	{"profiler.histogram_bins", CONFIG_INT, "15", NULL, "Bars of a histogram", .least = 1,
	 .most = 1000},
	{"profiler.sample_rows_limit", CONFIG_INT, "5", NULL, "Example rows shown of a table"},
	{"profiler.sample_values_limit", CONFIG_INT, "5", NULL, "Example values shown of a column"},
	{"profiler.alert_high_missing_pct", CONFIG_DOUBLE, "30", NULL,
	 "Percentage of missing values that is an alert", .most = 100},
	{"profiler.alert_missing_pct", CONFIG_DOUBLE, "5", NULL,
	 "Percentage of missing values that is worth a note", .most = 100},
	{"profiler.alert_imbalance_pct", CONFIG_DOUBLE, "60", NULL,
	 "Percentage of one value that makes a column unbalanced", .most = 100},
	{"profiler.alert_high_cardinality", CONFIG_INT, "50", NULL,
	 "Distinct values that are many for a column of text"},

	{NULL, CONFIG_TEXT, "./data", "DATA_DIR", "Folder of everything that the server keeps"},
	{NULL, CONFIG_TEXT, "./config", "CONFIG_DIR", "Folder of the static instance.yaml"},
	{NULL, CONFIG_TEXT, "./connectors/custom", "CONNECTORS_DIR",
	 "Folder of the connectors in other languages, a folder each"},
	{NULL, CONFIG_TEXT, NULL, "AGNES_CLI_DIST_DIR",
	 "Folder of the client programs to hand out, da-VERSION-linux-ARCH.tar.gz"},
	{NULL, CONFIG_TEXT, NULL, "AGNES_WEB_DIR",
	 "Folder of the web pages, if not those of the installation"},
	{NULL, CONFIG_TEXT, NULL, "AGNES_GROUP_EVERYONE_EMAIL",
	 "Google group whose members are the group Everyone"},
	{NULL, CONFIG_TEXT, NULL, "AGNES_GROUP_ADMIN_EMAIL",
	 "Google group whose members are the group Admin"},
	{NULL, CONFIG_TEXT, NULL, "AGNES_GOOGLE_GROUP_PREFIX",
	 "Only Google groups whose address begins so count"},
	{NULL, CONFIG_LIST, NULL, "GOOGLE_ADMIN_SDK_MOCK_GROUPS",
	 "Groups to take for what Google tells, for trying the mapping"},
	{NULL, CONFIG_BOOL, "false", "AGNES_DEBUG_AUTH",
	 "Serve /me/debug, where users see how they are signed in"},
	{NULL, CONFIG_TEXT, NULL, "DOMAIN",
	 "Name of the server in mails; browsers then send its cookies over HTTPS alone"},
	{NULL, CONFIG_TEXT, NULL, "SERVER_URL",
	 "Address of the server in mails, if DOMAIN is not enough",
	 .example = "https://data.example.com"},
	{NULL, CONFIG_LIST, "http://localhost:3000,http://localhost:8000", "CORS_ORIGINS",
	 "Sites whose scripts may call the server with a session"},
	{NULL, CONFIG_LIST, "127.0.0.1,::1", "FORWARDED_ALLOW_IPS",
	 "Proxies (addresses or networks) whose X-Forwarded-For, -Proto and -Host count; * for all"},
	{NULL, CONFIG_TEXT, NULL, "JWT_SECRET_KEY",
	 "Key that signs sessions; made and kept in state/.jwt_secret while it is not set",
	 .secret = true},
	{NULL, CONFIG_TEXT, NULL, "SCHEDULER_API_TOKEN",
	 "Secret by which the scheduler signs in, 32 characters at least", .secret = true},
	{NULL, CONFIG_TEXT, "http://localhost:8000", "API_URL",
	 "Where the scheduler finds the server"},
	{NULL, CONFIG_INT, "900", "SCHEDULER_DATA_REFRESH_INTERVAL",
	 "Seconds between two syncs of what is due", .least = 1},
	{NULL, CONFIG_INT, "300", "SCHEDULER_HEALTH_CHECK_INTERVAL",
	 "Seconds between two health checks", .least = 1},
	{NULL, CONFIG_INT, "60", "SCHEDULER_SCRIPT_RUN_INTERVAL",
	 "Seconds between two looks at the schedules of scripts", .least = 1},
	{NULL, CONFIG_INT, "30", "SCHEDULER_TICK_SECONDS",
	 "Seconds between two looks at the clock, at most the shortest interval", .least = 1},
	{NULL, CONFIG_TEXT, NULL, "METRICS_TOKEN",
	 "Secret by which a collector reads /metrics, 16 characters at least", .secret = true},
	{NULL, CONFIG_TEXT, NULL, "SEED_ADMIN_EMAIL",
	 "An administrator who is there from the start"},
	{NULL, CONFIG_TEXT, NULL, "SEED_ADMIN_PASSWORD",
	 "The password, unless there is one already", .secret = true},
	{NULL, CONFIG_BOOL, "false", "LOCAL_DEV_MODE",
	 "Nobody signs in, everybody is the developer; never on a network"},
	{NULL, CONFIG_TEXT, "dev@localhost", "LOCAL_DEV_USER_EMAIL", "Who the developer is"},
	{NULL, CONFIG_TEXT, NULL, "LOCAL_DEV_GROUPS",
	 "Groups of the developer as a JSON list of id and name, which is only checked and logged"},
	{NULL, CONFIG_TEXT, NULL, "KEBOOLA_STACK_URL",
	 "Address of the Keboola stack, where data_source.keboola.stack_url does not say it",
	 .example = "https://connection.example.com"},
	{NULL, CONFIG_TEXT, NULL, "KEBOOLA_STORAGE_TOKEN", "Storage token of the Keboola project",
	 .secret = true},
	{NULL, CONFIG_TEXT, NULL, "KBC_STACK_URL",
	 "With KBC_STORAGE_TOKEN, the project that notes about columns are pushed to; else the "
	 "one above"},
	{NULL, CONFIG_TEXT, NULL, "KBC_STORAGE_TOKEN", "Its storage token", .secret = true},
	{NULL, CONFIG_LIST, NULL, "AGNES_PRIVATE_HOSTS",
	 "Hosts of the server's own network that administrators may name as the address of a source",
	 .example = "keboola.example.com"},
	{NULL, CONFIG_LIST, NULL, "AGNES_REMOTE_ATTACH_EXTENSIONS",
	 "DuckDB extensions that an extract may attach; not set: keboola, bigquery"},
	{NULL, CONFIG_LIST, NULL, "AGNES_REMOTE_ATTACH_TOKEN_ENVS",
	 "Variables whose token an extract may name; not set: those of Keboola and Google"},
	{NULL, CONFIG_CHOICE, "INFO", "LOG_LEVEL", "Messages below this level are dropped",
	 .choices = "DEBUG|INFO|WARNING|ERROR|CRITICAL"},
	{NULL, CONFIG_BOOL, "false", "DEBUG", "Log everything, for a person to read"},
};
const size_t config_key_count = G_N_ELEMENTS(config_keys);

const char *config_key_label(const struct config_key *key)
{
	return key->name ? key->name : key->env;
}

const char *config_type_name(enum config_type type)
{
	static const char *const names[] = {
		[CONFIG_TEXT] = "text", [CONFIG_INT] = "int",	[CONFIG_DOUBLE] = "number",
		[CONFIG_BOOL] = "bool", [CONFIG_SIZE] = "size", [CONFIG_CHOICE] = "choice",
		[CONFIG_LIST] = "list", [CONFIG_TREE] = "map",
	};
	return names[type];
}

/* Whether `path` is `name` or stands below it. */
static bool is_at_or_below(const char *path, const char *name)
{
	size_t length = strlen(name);
	return strncmp(path, name, length) == 0 && (path[length] == '\0' || path[length] == '.');
}

static bool is_section_of(const char *path, const char *name)
{
	return name && is_at_or_below(name, path);
}

enum config_class config_classify(const char *path, const struct config_key **key)
{
	bool section = false;
	for (size_t i = 0; i < config_key_count; i++) {
		if (g_strcmp0(config_keys[i].name, path) == 0) {
			*key = &config_keys[i];
			return CONFIG_KEY;
		}
		section |= is_section_of(path, config_keys[i].name);
	}
	for (size_t i = 0; i < config_accepted_count; i++) {
		if (is_at_or_below(path, config_accepted[i]))
			return CONFIG_ACCEPTED;
		section |= is_section_of(path, config_accepted[i]);
	}
	return section ? CONFIG_SECTION : CONFIG_UNKNOWN;
}

static const char *last_part(const char *path)
{
	const char *dot = strrchr(path, '.');
	return dot ? dot + 1 : path;
}

/* Every path that may stand in a file: keys, accepted ones, and the sections above both. */
static GPtrArray *all_paths(void)
{
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < config_key_count + config_accepted_count; i++) {
		const char *name = i < config_key_count ? config_keys[i].name
							: config_accepted[i - config_key_count];
		for (const char *dot = name; dot; dot = strchr(dot + 1, '.')) {
			const char *end = strchr(dot + 1, '.');
			g_ptr_array_add(paths, end ? g_strndup(name, (gsize)(end - name))
						   : g_strdup(name));
		}
	}
	return paths;
}

const char *config_suggest(const char *path)
{
	static GPtrArray *paths;
	if (g_once_init_enter(&paths)) {
		GPtrArray *made = all_paths();
		g_once_init_leave(&paths, made);
	}
	const char *const *candidates = (const char *const *)paths->pdata;
	const char *nearest = nearest_word(path, candidates, paths->len);
	if (nearest)
		return nearest;
	/* The right key in the wrong section. */
	for (guint i = 0; i < paths->len; i++) {
		if (strcmp(last_part(candidates[i]), last_part(path)) == 0)
			return candidates[i];
	}
	return NULL;
}

bool config_is_secret_name(const char *name)
{
	static const char *const patterns[] = {"secret", "token", "password", "api_key"};
	g_autofree char *lower = g_ascii_strdown(name, -1);
	for (size_t i = 0; i < G_N_ELEMENTS(patterns); i++) {
		if (strstr(lower, patterns[i]))
			return true;
	}
	return false;
}
