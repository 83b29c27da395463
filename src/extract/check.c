/* The parent's side of the check: indexes against files, and what the child says about them. */
#include "extract/check.h"

#include "base/error.h"
#include "base/hash.h"
#include "extract/inspection.h"
#include "extract/names.h"

#include <string.h>
#include <sys/stat.h>

struct check {
	const char *data_dir; /* absolute */
	bool deep;
	const struct publish_limits *limits;
	GPtrArray *problems;
	GPtrArray *sources; /* struct published_source */
	GPtrArray *tables;  /* const struct published_table with a file */
};

static void add_problem(struct check *check, const struct published_table *table,
			const char *message)
{
	g_ptr_array_add(check->problems,
			g_strdup_printf("table '%s' (%s): %s", table->name, table->file, message));
}

/* An index names its files; what of it could not be used makes the fingerprint empty. */
static void load_source(struct check *check, const char *name)
{
	g_autofree char *folder = publish_folder(check->data_dir, name);
	struct published_source *source = publication_load(folder, name);
	g_ptr_array_add(check->sources, source);
	if (*source->fingerprint == '\0')
		g_ptr_array_add(check->problems,
				g_strdup_printf("source '%s' is to be published again; run 'agnesd "
						"rebuild'",
						name));
	for (guint i = 0; i < source->failures->len; i++) {
		const struct published_failure *failure = g_ptr_array_index(source->failures, i);
		g_ptr_array_add(check->problems, g_strdup_printf("source '%s'%s%s: %s", name,
								 failure->name ? ", table " : "",
								 failure->name ? failure->name : "",
								 failure->message));
	}
	for (guint i = 0; i < source->tables->len; i++) {
		const struct published_table *table = g_ptr_array_index(source->tables, i);
		if (table->file)
			g_ptr_array_add(check->tables, (void *)table);
	}
}

static bool load_sources(struct check *check, const char *published, GError **error)
{
	g_autoptr(GDir) listing = g_dir_open(published, 0, error);
	if (!listing)
		return false;
	for (const char *name; (name = g_dir_read_name(listing));) {
		g_autofree char *index = g_build_filename(published, name, "index.json", NULL);
		if (name_is_strict(name) && g_file_test(index, G_FILE_TEST_EXISTS))
			load_source(check, name);
	}
	return true;
}

static void check_file(struct check *check, const struct published_table *table)
{
	struct stat status;
	g_autoptr(GError) error = NULL;
	if (lstat(table->file, &status) < 0 || !S_ISREG(status.st_mode)) {
		add_problem(check, table, "is not there");
		return;
	}
	if (status.st_size != table->size_bytes)
		add_problem(check, table, "has not the size that it was published with");
	if (!check->deep)
		return;
	g_autofree char *md5 = hash_file(table->file, &error);
	if (g_strcmp0(md5, table->md5) != 0)
		add_problem(check, table,
			    error ? error->message
				  : "has not the content that it was published with");
}

static bool take_answer(json_t *answer, void *user, GError **error)
{
	struct check *check = user;
	const char *failure = json_string_value(json_object_get(answer, "error"));
	json_int_t number, rows, columns;
	if (json_unpack(answer, "{sI}", "file", &number) < 0 || number < 0 ||
	    number >= check->tables->len) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED,
			    "cannot look into the tables: %s",
			    failure ? failure : "the reader makes no sense");
		return false;
	}
	const struct published_table *table = g_ptr_array_index(check->tables, (guint)number);
	if (failure)
		add_problem(check, table, failure);
	else if (json_unpack(answer, "{sI sI}", "rows", &rows, "columns", &columns) < 0 ||
		 rows != table->rows || columns != table->columns)
		add_problem(check, table,
			    "has not the rows and columns that it was published with");
	return true;
}

static bool check_tables(struct check *check, const char *published, GError **error)
{
	if (check->tables->len == 0)
		return true;
	g_autoptr(json_t) files = json_array();
	for (guint i = 0; i < check->tables->len; i++) {
		const struct published_table *table = g_ptr_array_index(check->tables, i);
		json_array_append_new(files, json_string(table->file));
	}
	const struct inspection inspection = {
		.readable = published,
		.files = files,
		.deep = check->deep,
		.limits = check->limits,
	};
	if (!inspection_run(&inspection, take_answer, check, error))
		return false;
	for (guint i = 0; i < check->tables->len; i++)
		check_file(check, g_ptr_array_index(check->tables, i));
	return true;
}

bool published_check(const char *data_dir, bool deep, const struct publish_limits *limits,
		     GPtrArray *problems, char **summary, GError **error)
{
	g_autofree char *root = g_canonicalize_filename(data_dir, NULL);
	g_autofree char *published = g_build_filename(root, "published", NULL);
	g_autoptr(GPtrArray)
		sources = g_ptr_array_new_with_free_func((GDestroyNotify)published_source_free);
	g_autoptr(GPtrArray) tables = g_ptr_array_new();
	struct check check = {.data_dir = root,
			      .deep = deep,
			      .limits = limits,
			      .problems = problems,
			      .sources = sources,
			      .tables = tables};
	if (g_file_test(published, G_FILE_TEST_EXISTS) &&
	    (!load_sources(&check, published, error) || !check_tables(&check, published, error)))
		return false;
	*summary = g_strdup_printf("%u sources, %u tables, %s", sources->len, tables->len,
				   deep ? "every value read" : "the footer of each read");
	return true;
}
