/* Three steps into the sandbox. */
#include "duck/jail.h"

#include "base/process.h"
#include "duck/query.h"
#include "duck/sql.h"

#include <signal.h>
#include <unistd.h>

enum {
	MEGABYTE = 1024 * 1024,
	/* DuckDB's own limit is no wall, and below some multiple of it DuckDB itself crashes. */
	ADDRESS_SPACE_FACTOR = 4,
	ADDRESS_SPACE_BASE_MB = 2048,
	MOST_OPEN_FILES = 4096,
};

/* AddressSanitizer maps terabytes that it never uses. */
#if defined(__has_feature)
#define ADDRESS_SANITIZER __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#else
#define ADDRESS_SANITIZER 0
#endif

static uint64_t address_space(const struct duck_jail_options *options)
{
#if ADDRESS_SANITIZER
	return 0;
#else
	int multiple = options->memory_mb * ADDRESS_SPACE_FACTOR + ADDRESS_SPACE_BASE_MB;
	return (uint64_t)(options->address_space_mb ? options->address_space_mb : multiple) *
	       MEGABYTE;
#endif
}

static bool limit_process(const struct duck_jail_options *options, GError **error)
{
	const struct sandbox_limits limits = {
		.address_space = address_space(options),
		.file_size = (uint64_t)options->file_mb * MEGABYTE,
		.open_files = MOST_OPEN_FILES,
	};
	/* A file that gets too large is then an error of the statement and not the end. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	return sandbox_limit(&limits, error);
}

bool duck_jail_open(struct duck_jail *jail, const struct duck_jail_options *options, GError **error)
{
	g_autofree char *memory = g_strdup_printf("%dMB", options->memory_mb);
	const struct duck_options duck = {
		.threads = 1,
		.memory_limit = memory,
		.temp_directory = options->writable,
	};
	jail->options = *options;
	if (!limit_process(options, error))
		return false;
	jail->database = duck_database_open(NULL, &duck, error);
	jail->connection = jail->database ? duck_connect(jail->database, error) : NULL;
	return jail->connection != NULL;
}

bool duck_jail_enter(struct duck_jail *jail, GError **error)
{
	const struct duck_jail_options *options = &jail->options;
	const struct sandbox_path folders[] = {
		{options->readable, SANDBOX_READ},
		{options->writable, SANDBOX_READ_WRITE},
	};
	g_autoptr(GArray) paths = g_array_new(FALSE, FALSE, sizeof(struct sandbox_path));
	g_array_append_vals(paths, folders, G_N_ELEMENTS(folders));
	if (options->more_count > 0)
		g_array_append_vals(paths, options->more, (guint)options->more_count);
	const struct sandbox_plan plan = {
		.profile = options->profile,
		.paths = (const struct sandbox_path *)paths->data,
		.path_count = paths->len,
		.newest_landlock = options->newest_landlock,
	};
	return sandbox_enter(&plan, error) && process_end_with_parent(options->parent, error);
}

bool duck_jail_close(struct duck_jail *jail, GError **error)
{
	g_autofree char *sql = duck_sql(
		"SET threads = %d; SET external_threads = %d; SET allowed_directories = [%L, %L]; "
		"SET enable_external_access = false; SET lock_configuration = true",
		jail->options.threads, jail->options.late_threads ? jail->options.threads : 1,
		jail->options.readable, jail->options.writable);
	return duck_exec(jail->connection, error, sql, NULL);
}

void duck_jail_clear(struct duck_jail *jail)
{
	duck_connection_free(g_steal_pointer(&jail->connection));
	duck_database_free(g_steal_pointer(&jail->database));
}
