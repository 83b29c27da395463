/* agnesd sample-data: an invented shop to try everything on. */
#include "agnesd/commands.h"
#include "base/error.h"
#include "connectors/sample/sample.h"

#include <string.h>

static char *size_name;
static gint64 seed = 42;
static char *format_name;
static gboolean list_sizes;

static const GOptionEntry options[] = {
	{"size", 0, 0, G_OPTION_ARG_STRING, &size_name,
	 "xs, small, medium, l or large; --list-sizes says what they hold (default: small)",
	 "SIZE"},
	{"seed", 0, 0, G_OPTION_ARG_INT64, &seed,
	 "Another number gives other data, the same number the same (default: 42)", "NUMBER"},
	{"format", 0, 0, G_OPTION_ARG_STRING, &format_name,
	 "csv, parquet, or both with the parquet files in a folder of that name (default: csv)",
	 "FORMAT"},
	{"list-sizes", 0, 0, G_OPTION_ARG_NONE, &list_sizes, "Show the sizes and write nothing",
	 NULL},
	G_OPTION_ENTRY_NULL,
};

static bool parse_format(const char *name, enum sample_format *format, GError **error)
{
	static const char *const names[] = {
		[SAMPLE_CSV] = "csv", [SAMPLE_PARQUET] = "parquet", [SAMPLE_BOTH] = "both"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*format = (enum sample_format)i;
			return true;
		}
	}
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "no format '%s'; there are csv, parquet and both", name);
	return false;
}

static void print_sizes(void)
{
	g_print("%-12s %10s %10s %10s %10s %10s %10s %10s %7s\n", "size", "customers", "products",
		"campaigns", "sessions", "leads", "orders", "tickets", "months");
	for (const struct sample_size *size = sample_sizes; size->name; size++) {
		g_autofree char *name = size->alias
						? g_strdup_printf("%s, %s", size->name, size->alias)
						: g_strdup(size->name);
		g_print("%-12s %10d %10d %10d %10d %10d %10d %10d %7d\n", name, size->customers,
			size->products, size->campaigns, size->sessions, size->leads, size->orders,
			size->tickets, size->months);
	}
	g_print("\nEach order has about 2.7 order_items and a payment, sometimes after a failed "
		"one.\n");
}

static int run(const struct command_context *context, int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	enum sample_format format;
	const char *folder = argc > 0 ? argv[0] : "data/sample";
	if (list_sizes) {
		print_sizes();
		return EXIT_CODE_OK;
	}
	const struct sample_size *size = sample_size_find(size_name ? size_name : "small", &error);
	if (!size || !parse_format(format_name ? format_name : "csv", &format, &error)) {
		command_fail(&command_sample_data, g_steal_pointer(&error));
		return EXIT_CODE_USAGE;
	}
	int64_t rows = sample_write(folder, size, seed, format, &error);
	if (rows < 0)
		return command_fail(&command_sample_data, g_steal_pointer(&error));
	g_print("%" G_GINT64_FORMAT " rows in %s\n", (gint64)rows, folder);
	return EXIT_CODE_OK;
}

const struct command command_sample_data = {
	.name = "sample-data",
	.arguments = "[DIR]",
	.summary = "Write the tables of an invented shop into DIR (default: data/sample)",
	.options = options,
	.least = 0,
	.most = 1,
	.run = run,
};
