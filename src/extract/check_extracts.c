/* The part of `agnesd check` for extracts/: databases, half files, and rows that were set aside. */
#include "extract/check.h"

#include "extract/inspection.h"
#include "extract/names.h"

#include <errno.h>
#include <unistd.h>

struct source_check {
	const char *name;
	json_t *files;
	GPtrArray *problems;
};

static void add_half_files(struct source_check *check, const char *folder)
{
	g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
	for (const char *name; listing && (name = g_dir_read_name(listing));) {
		if (g_str_has_suffix(name, ".tmp"))
			g_ptr_array_add(check->problems,
					g_strdup_printf("%s/%s is half a file; extract source '%s' "
							"again",
							folder, name, check->name));
	}
}

static void list_rejects(struct source_check *check, const char *folder)
{
	g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
	for (const char *name; listing && (name = g_dir_read_name(listing));) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (g_str_has_suffix(name, ".parquet"))
			json_array_append_new(check->files, json_string(path));
	}
}

static bool take_answer(json_t *answer, void *user, GError **error)
{
	struct source_check *check = user;
	const char *database = json_string_value(json_object_get(answer, "database"));
	const char *failure = json_string_value(json_object_get(answer, "error"));
	const json_t *number = json_object_get(answer, "file");
	/* Views are for those who open the extract where it was made; publishing judges them. */
	if (!database && (!failure || !number))
		return true;
	const char *file = number ? json_string_value(json_array_get(
					    check->files, (size_t)json_integer_value(number)))
				  : "extract.duckdb";
	g_ptr_array_add(check->problems,
			g_strdup_printf("source '%s', %s: %s", check->name, file ? file : "a file",
					database ? database : failure));
	return true;
}

static bool check_source(const char *folder, const char *name, bool deep,
			 const struct publish_limits *limits, GPtrArray *problems, GError **error)
{
	g_autoptr(json_t) files = json_array();
	g_autofree char *database = g_build_filename(folder, "extract.duckdb", NULL);
	g_autofree char *data = g_build_filename(folder, "data", NULL);
	g_autofree char *rejects = g_build_filename(data, ".rejects", NULL);
	struct source_check check = {.name = name, .files = files, .problems = problems};
	add_half_files(&check, folder);
	add_half_files(&check, data);
	list_rejects(&check, rejects);
	/* A folder with nothing but results of registered queries has none. */
	bool there = access(database, F_OK) == 0 || errno != ENOENT;
	const struct inspection inspection = {
		.readable = folder,
		.database = there ? database : NULL,
		.files = files,
		.deep = deep,
		.limits = limits,
	};
	return (!there && json_array_size(files) == 0) ||
	       inspection_run(&inspection, take_answer, &check, error);
}

bool extracts_check(const char *data_dir, bool deep, const struct publish_limits *limits,
		    GPtrArray *problems, char **summary, GError **error)
{
	g_autofree char *root = g_canonicalize_filename(data_dir, NULL);
	g_autofree char *extracts = g_build_filename(root, "extracts", NULL);
	unsigned int sources = 0;
	bool there = access(extracts, F_OK) == 0 || errno != ENOENT;
	g_autoptr(GDir) listing = there ? g_dir_open(extracts, 0, error) : NULL;
	if (there && !listing)
		return false;
	for (const char *name; listing && (name = g_dir_read_name(listing));) {
		g_autofree char *folder = g_build_filename(extracts, name, NULL);
		if (!name_is_strict(name) || !g_file_test(folder, G_FILE_TEST_IS_DIR))
			continue;
		sources++;
		if (!check_source(folder, name, deep, limits, problems, error))
			return false;
	}
	*summary = g_strdup_printf("%u sources", sources);
	return true;
}
