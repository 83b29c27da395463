/* agnesd init: from a handful of answers to config/instance.yaml and .env. */
#include "agnesd/commands.h"
#include "agnesd/init_questions.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/prompt.h"
#include "base/yaml.h"
#include "config/config.h"
#include "config/problem.h"
#include "connectors/keboola/storage.h"
#include "connectors/registry.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	LARGEST_TOKEN_FILE = 1024,
	VERIFY_SECONDS = 15,
	SECRET_BYTES = 32,
};

#define TOKEN_VARIABLE	 "KEBOOLA_STORAGE_TOKEN"
#define ENVIRONMENT_FILE ".env"

static char *given[INIT_ANSWERS];
static gboolean defaults, force, unchecked;

DEFINE_AUTO(init_answers)

static bool token_from_file(struct init_answers *answers, GError **error)
{
	const char *path = given[INIT_KEBOOLA_TOKEN];
	char *text = path ? files_read(path, LARGEST_TOKEN_FILE, NULL, error)
			  : g_strdup(g_getenv(TOKEN_VARIABLE));
	answers->texts[INIT_KEBOOLA_TOKEN] = text ? g_strstrip(text) : NULL;
	return text || !path;
}

static bool take_given(struct init_answers *answers, GError **error)
{
	for (size_t i = 0; i < INIT_ANSWERS; i++) {
		if (i != INIT_KEBOOLA_TOKEN)
			answers->texts[i] = g_strdup(given[i]);
	}
	return token_from_file(answers, error);
}

static bool any_given(void)
{
	for (size_t i = 0; i < INIT_ANSWERS; i++) {
		if (given[i])
			return true;
	}
	return defaults;
}

/* Asks Keboola whose token it is. */
static char *verify_keboola(const struct init_answers *answers, enum init_answer *again)
{
	bool refused = false;
	g_autoptr(GError) error = NULL;
	const struct keboola_project project = {
		.url = answers->texts[INIT_KEBOOLA_URL],
		.token = answers->texts[INIT_KEBOOLA_TOKEN],
		.seconds = VERIFY_SECONDS,
	};
	g_autoptr(keboola_storage) storage = keboola_storage_new(&project, &error);
	g_autofree char *name = storage ? keboola_storage_verify(storage, &refused, &error) : NULL;
	*again = refused ? INIT_KEBOOLA_TOKEN : INIT_KEBOOLA_URL;
	if (name)
		g_printerr("  The token opens the project '%s'.\n", name);
	return name ? NULL
		    : g_strdup_printf("%s (--no-check takes the answers as they are)",
				      error->message);
}

static char *verify(const struct init_answers *answers, enum init_answer *again)
{
	return strcmp(answers->texts[INIT_SOURCE], "keboola") == 0 ? verify_keboola(answers, again)
								   : NULL;
}

/* --- what is written --- */

/* One as a text, several or none as a list. */
static json_t *domains_of(const char *text)
{
	if (text && !strchr(text, ','))
		return json_string(text);
	json_t *list = json_array();
	g_auto(GStrv) domains = g_strsplit(text ? text : "", ",", -1);
	for (char **at = domains; *at; at++)
		json_array_append_new(list, json_string(g_strstrip(*at)));
	return list;
}

static char *make_yaml(const struct init_answers *answers)
{
	char *const *texts = answers->texts;
	g_autoptr(json_t) tree = json_pack("{si s{ss}}", "config_version", 1, "instance", "name",
					   texts[INIT_NAME]);
	json_t *source = json_pack("{ss}", "type", texts[INIT_SOURCE]);
	json_object_set_new(tree, "auth",
			    json_pack("{so}", "allowed_domain", domains_of(texts[INIT_DOMAIN])));
	if (texts[INIT_KEBOOLA_URL])
		json_object_set_new(source, "keboola",
				    json_pack("{ss ss}", "stack_url", texts[INIT_KEBOOLA_URL],
					      "token_env", TOKEN_VARIABLE));
	if (texts[INIT_PROJECT])
		json_object_set_new(source, "bigquery",
				    json_pack("{ss ss}", "project", texts[INIT_PROJECT], "location",
					      texts[INIT_LOCATION]));
	json_object_set_new(tree, "data_source", source);
	if (texts[INIT_FOLDER])
		json_object_set_new(tree, "local",
				    json_pack("{s[s]}", "roots", texts[INIT_FOLDER]));
	g_autofree char *body = yaml_write(tree);
	return g_strconcat("# Written by 'agnesd init'. Every key there is: 'agnesd config "
			   "--example=yaml'.\n",
			   body, NULL);
}

/* What services sign in with. */
static char *make_secret(GError **error)
{
	unsigned char bytes[SECRET_BYTES];
	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
		agnes_set_errno(error, errno, "cannot make a secret");
		return NULL;
	}
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < sizeof bytes; i++)
		g_string_append_printf(text, "%02x", bytes[i]);
	return g_string_free(text, FALSE);
}

static void append_quoted(GString *out, const char *name, const char *value)
{
	g_autofree char *quoted = g_shell_quote(value);
	g_string_append_printf(out, "%s=%s\n", name, quoted);
}

static char *make_environment(const struct init_answers *answers, GError **error)
{
	char *const *texts = answers->texts;
	g_autofree char *secret = make_secret(error);
	if (!secret)
		return NULL;
	GString *out = g_string_new("# Written by 'agnesd init', read by agnesd in this folder. "
				    "Every variable there is:\n# 'agnesd config --example=env'.\n");
	g_autofree char *standard = g_canonicalize_filename("data", NULL);
	if (strcmp(answers->data_dir, standard) != 0)
		append_quoted(out, "DATA_DIR", answers->data_dir);
	g_string_append_printf(out, "SCHEDULER_API_TOKEN=%s\n", secret);
	if (texts[INIT_KEBOOLA_TOKEN]) {
		append_quoted(out, "KEBOOLA_STACK_URL", texts[INIT_KEBOOLA_URL]);
		append_quoted(out, TOKEN_VARIABLE, texts[INIT_KEBOOLA_TOKEN]);
	}
	if (texts[INIT_CREDENTIALS])
		append_quoted(out, "GOOGLE_APPLICATION_CREDENTIALS", texts[INIT_CREDENTIALS]);
	return g_string_free(out, FALSE);
}

static char *config_path(void)
{
	const char *folder = g_getenv("CONFIG_DIR");
	return g_build_filename(folder && *folder ? folder : "config", "instance.yaml", NULL);
}

static bool refuse_existing(const char *path, GError **error)
{
	if (force || !g_file_test(path, G_FILE_TEST_EXISTS))
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
		    "%s is there already; --force replaces it and keeps the old one as %s.old",
		    path, path);
	return false;
}

static bool replace(const char *path, const char *text, mode_t mode, GError **error)
{
	g_autofree char *old = g_strconcat(path, ".old", NULL);
	if (rename(path, old) < 0 && errno != ENOENT) {
		agnes_set_errno(error, errno, "cannot keep %s as %s", path, old);
		return false;
	}
	return files_replace(path, text, strlen(text), mode, error);
}

static bool write_files(const struct init_answers *answers, const char *yaml_path, GError **error)
{
	g_autofree char *yaml = make_yaml(answers);
	g_autofree char *environment = make_environment(answers, error);
	g_autofree char *folder = g_path_get_dirname(yaml_path);
	const char *local = answers->texts[INIT_FOLDER];
	g_autofree char *inbox = local ? g_canonicalize_filename(local, answers->data_dir) : NULL;
	return environment && files_make_folder(folder, error) &&
	       (!inbox || files_make_folder(inbox, error)) &&
	       replace(yaml_path, yaml, 0644, error) &&
	       replace(ENVIRONMENT_FILE, environment, 0600, error);
}

/* A path below the current folder without that. */
static const char *from_here(const char *path)
{
	g_autofree char *here = g_get_current_dir();
	size_t length = strlen(here);
	return g_str_has_prefix(path, here) && path[length] == '/' ? path + length + 1 : path;
}

/* How to call this program from here. */
static char *own_name(void)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *found = g_find_program_in_path("agnesd");
	g_autofree char *resolved = found ? files_resolve(found, NULL) : NULL;
	return !self || g_strcmp0(resolved, self) == 0 ? g_strdup("agnesd")
						       : g_strdup(from_here(self));
}

static void say_next(const struct init_answers *answers, const char *yaml_path)
{
	g_autofree char *self = own_name();
	const char *folder = answers->texts[INIT_FOLDER];
	g_print("Written: %s, and " ENVIRONMENT_FILE " (secrets, for your eyes only).\n\nNext:\n",
		yaml_path);
	if (folder) {
		g_autofree char *inbox = g_canonicalize_filename(folder, answers->data_dir);
		g_print("  put files into %s\n"
			"      or invent some: %s sample-data '%s' --size small\n",
			from_here(inbox), self, from_here(inbox));
	}
	g_print("  %s up\n"
		"      starts the server, here, and says how to make the first administrator\n"
		"Then follow docs/QUICKSTART.md.\n",
		self);
	if (!connector_find(answers->texts[INIT_SOURCE]))
		g_print("\nThis version cannot fetch tables from %s by itself: another program has to "
			"write\nextracts/%s in the data directory (docs/CONNECTORS.md).\n",
			answers->texts[INIT_SOURCE], answers->texts[INIT_SOURCE]);
}

/* Whatever was answered, the server must start with it. */
static bool check_result(const char *data_dir, GError **error)
{
	g_autoptr(configuration) config = config_inspect(data_dir);
	const struct config_problem *problem = config_problems_error(config_problems(config));
	if (problem)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "%s", problem->text);
	return !problem;
}

static bool answer_all(struct init_answers *answers, GError **error)
{
	init_verify how = unchecked ? NULL : verify;
	if (any_given())
		return take_given(answers, error) && init_accept(answers, how, error);
	if (isatty(STDIN_FILENO))
		return init_ask(answers, how, error);
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "there is no terminal to ask at: answer by options ('agnesd init "
			    "--help'), or take every default by --defaults");
	return false;
}

/* A secret may be half typed: the terminal is to show again what is typed. */
static void interrupted(int signal)
{
	prompt_restore_terminal();
	_exit(128 + signal);
}

static int run(const struct command_context *context, int argc, char **argv)
{
	GError *error = NULL;
	g_autofree char *data_dir = g_canonicalize_filename(context->data_dir, NULL);
	g_auto(init_answers) answers = {.data_dir = data_dir};
	g_autofree char *yaml_path = config_path();
	const struct sigaction action = {.sa_handler = interrupted};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (!refuse_existing(yaml_path, &error) || !refuse_existing(ENVIRONMENT_FILE, &error) ||
	    !answer_all(&answers, &error) || !write_files(&answers, yaml_path, &error) ||
	    !check_result(context->data_dir, &error))
		return command_fail(&command_init, error);
	say_next(&answers, yaml_path);
	return EXIT_CODE_OK;
}

/* clang-format off */
static const GOptionEntry options[] = {
	{"name", 0, 0, G_OPTION_ARG_STRING, &given[INIT_NAME],
	 "Name of this installation", "NAME"},
	{"domain", 0, 0, G_OPTION_ARG_STRING, &given[INIT_DOMAIN],
	 "Mail domain whose Google accounts may sign in", "DOMAIN"},
	{"source", 0, 0, G_OPTION_ARG_STRING, &given[INIT_SOURCE],
	 "Where the tables come from: local (the default), keboola or bigquery", "TYPE"},
	{"folder", 0, 0, G_OPTION_ARG_FILENAME, &given[INIT_FOLDER],
	 "Folder of local files (default: inbox, in the data directory)", "DIR"},
	{"keboola-url", 0, 0, G_OPTION_ARG_STRING, &given[INIT_KEBOOLA_URL],
	 "Address of the Keboola stack", "URL"},
	{"keboola-token-file", 0, 0, G_OPTION_ARG_FILENAME, &given[INIT_KEBOOLA_TOKEN],
	 "File with the storage token (default: the variable " TOKEN_VARIABLE ")", "FILE"},
	{"bigquery-project", 0, 0, G_OPTION_ARG_STRING, &given[INIT_PROJECT],
	 "Google Cloud project of the data", "ID"},
	{"bigquery-location", 0, 0, G_OPTION_ARG_STRING, &given[INIT_LOCATION],
	 "Location of the datasets (default: us)", "PLACE"},
	{"google-credentials", 0, 0, G_OPTION_ARG_FILENAME, &given[INIT_CREDENTIALS],
	 "Key file of the service account", "FILE"},
	{"defaults", 0, 0, G_OPTION_ARG_NONE, &defaults,
	 "Ask nothing, take the default where no option says more", NULL},
	{"no-check", 0, 0, G_OPTION_ARG_NONE, &unchecked,
	 "Do not ask the source whether it lets us in", NULL},
	{"force", 0, 0, G_OPTION_ARG_NONE, &force,
	 "Replace files that are there, and keep each as FILE.old", NULL},
	G_OPTION_ENTRY_NULL,
};
/* clang-format on */

const struct command command_init = {
	.name = "init",
	.arguments = "",
	.summary = "Ask what a new installation needs, and write config/instance.yaml and .env",
	.details =
		"Works in the current folder, where the server is to be started. With any of the "
		"options\nthat answer a question nothing is asked.",
	.options = options,
	.least = 0,
	.most = 0,
	.run = run,
};
