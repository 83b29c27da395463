/* The questions of `agnesd init` and the rules for their answers. */
#include "agnesd/init_questions.h"

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/prompt.h"
#include "connectors/keboola/storage.h"
#include "extract/names.h"

#include <string.h>
#include <unistd.h>

enum {
	LONGEST_NAME = 100, /* characters */
	LONGEST_ANSWER = 1000,
	LARGEST_KEY_FILE = 64 * 1024,
};

static char *check_name(const struct init_answers *answers, const char *answer)
{
	return g_utf8_strlen(answer, -1) <= LONGEST_NAME
		       ? NULL
		       : g_strdup_printf("at most %d characters, please", LONGEST_NAME);
}

static bool is_domain(const char *text)
{
	return g_regex_match_simple("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", text,
				    G_REGEX_CASELESS | G_REGEX_DOLLAR_ENDONLY, 0);
}

static char *check_domain(const struct init_answers *answers, const char *answer)
{
	g_auto(GStrv) domains = g_strsplit(answer, ",", -1);
	for (char **at = domains; *at; at++) {
		if (!is_domain(g_strstrip(*at)))
			return g_strdup_printf("'%s' is no mail domain: what stands behind the @, "
					       "such as example.com",
					       *at);
	}
	return NULL;
}

static char *check_source(const struct init_answers *answers, const char *answer)
{
	static const char *const types[] = {"local", "keboola", "bigquery", NULL};
	return g_strv_contains(types, answer) ? NULL : g_strdup("local, keboola or bigquery");
}

/* A folder in the data directory is made when it is missing, for nobody else can have meant it. */
static char *check_folder(const struct init_answers *answers, const char *answer)
{
	g_autofree char *path = g_canonicalize_filename(answer, answers->data_dir);
	bool exists = g_file_test(path, G_FILE_TEST_EXISTS);
	if (!exists && !g_path_is_absolute(answer))
		return NULL;
	if (!g_file_test(path, G_FILE_TEST_IS_DIR))
		return g_strdup_printf(exists ? "%s is no folder" : "there is no folder %s", path);
	return access(path, R_OK | X_OK) == 0
		       ? NULL
		       : g_strdup_printf("the folder %s cannot be read by this user", path);
}

static char *check_url(const struct init_answers *answers, const char *answer)
{
	return keboola_check_url(answer);
}

static char *check_token(const struct init_answers *answers, const char *answer)
{
	return keboola_check_token(answer);
}

static char *check_project(const struct init_answers *answers, const char *answer)
{
	return name_is_project(answer)
		       ? NULL
		       : g_strdup("the id of a project: 6 to 30 lower-case letters, digits and -, "
				  "not its display name");
}

static char *check_location(const struct init_answers *answers, const char *answer)
{
	return g_regex_match_simple("^[a-z0-9-]{2,40}$", answer,
				    G_REGEX_CASELESS | G_REGEX_DOLLAR_ENDONLY, 0)
		       ? NULL
		       : g_strdup("a location such as us, EU or europe-west1");
}

static bool has_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));
	return text && *text;
}

static char *check_credentials(const struct init_answers *answers, const char *answer)
{
	size_t size;
	g_autoptr(GError) error = NULL;
	if (!g_path_is_absolute(answer))
		return g_strdup(
			"the absolute path of a JSON file, because services start anywhere");
	g_autofree char *text = files_read(answer, LARGEST_KEY_FILE, &size, &error);
	g_autoptr(json_t) key = text ? json_parse(text, size, answer, &error) : NULL;
	if (!key)
		return g_strdup(error->message);
	const char *type = json_string_value(json_object_get(key, "type"));
	bool service = g_strcmp0(type, "service_account") == 0 && has_text(key, "client_email") &&
		       has_text(key, "private_key");
	bool user = g_strcmp0(type, "authorized_user") == 0 && has_text(key, "refresh_token");
	if (service || user || g_strcmp0(type, "external_account") == 0)
		return NULL;
	return g_strdup_printf("%s is no key of Google Cloud: its type is '%s'", answer,
			       type ? type : "");
}

/* clang-format off */
const struct init_question init_questions[INIT_ANSWERS] = {
	[INIT_NAME] = {
		"name", NULL, "Name of this installation",
		"It stands in titles and messages.", "Company Data", .check = check_name},
	[INIT_DOMAIN] = {
		"domain", NULL, "Mail domain of your company",
		"Google accounts of this domain may sign in. Leave it empty for passwords only.",
		NULL, .optional = true, .check = check_domain},
	[INIT_SOURCE] = {
		"source", NULL, "Where do the tables come from: local, keboola or bigquery",
		"local are files of this machine: CSV, JSON and parquet.", "local",
		.check = check_source},
	[INIT_FOLDER] = {
		"folder", "local", "Folder of the files",
		"A relative one stands in the data directory and is made if need be.", "inbox",
		.check = check_folder},
	[INIT_KEBOOLA_URL] = {
		"keboola-url", "keboola", "Address of your Keboola stack",
		"As in the browser, such as https://connection.example.com.",
		NULL, .check = check_url},
	[INIT_KEBOOLA_TOKEN] = {
		"keboola-token-file", "keboola", "Storage token",
		"From Settings, API Tokens of the project. It does not show while you type.",
		NULL, .secret = true, .check = check_token},
	[INIT_PROJECT] = {
		"bigquery-project", "bigquery", "Google Cloud project of the data", NULL,
		NULL, .check = check_project},
	[INIT_LOCATION] = {
		"bigquery-location", "bigquery", "Location of the datasets", NULL, "us",
		.check = check_location},
	[INIT_CREDENTIALS] = {
		"google-credentials", "bigquery", "Path of the service account's key",
		"A JSON file. Leave it empty where the machine has an account of its own.", NULL,
		.optional = true, .check = check_credentials},
};
/* clang-format on */

void init_answers_clear(struct init_answers *answers)
{
	for (size_t i = 0; i < INIT_ANSWERS; i++)
		prompt_forget(answers->texts[i]);
}

static bool concerns(const struct init_answers *answers, const struct init_question *question)
{
	return !question->source || g_strcmp0(question->source, answers->texts[INIT_SOURCE]) == 0;
}

/* What is wrong with it, NULL if nothing. */
static char *refuse(const struct init_answers *answers, const struct init_question *question,
		    const char *answer)
{
	if (!*answer)
		return question->optional ? NULL : g_strdup("there must be something");
	if (strlen(answer) > LONGEST_ANSWER || !g_utf8_validate(answer, -1, NULL))
		return g_strdup("this is too long, or no text");
	for (const char *at = answer; *at; at = g_utf8_next_char(at)) {
		if (g_unichar_iscntrl(g_utf8_get_char(at)))
			return g_strdup("control characters cannot be kept");
	}
	return question->check(answers, answer);
}

static void set_answer(struct init_answers *answers, size_t index, const char *text)
{
	prompt_forget(answers->texts[index]);
	answers->texts[index] = *text ? g_strdup(text) : NULL;
}

static bool ask_one(struct init_answers *answers, size_t index, GError **error)
{
	const struct init_question *question = &init_questions[index];
	const char *fallback = question->fallback;
	g_autofree char *text = g_strdup_printf("%s%s%s%s: ", question->question,
						fallback ? " [" : "", fallback ? fallback : "",
						fallback ? "]" : "");
	g_printerr("\n");
	if (question->explanation)
		g_printerr("%s\n", question->explanation);
	for (;;) {
		char *answer = prompt_line(text, question->secret, error);
		if (!answer)
			return false;
		const char *meant = g_strstrip(answer);
		if (!*meant && fallback)
			meant = fallback;
		g_autofree char *wrong = refuse(answers, question, meant);
		if (!wrong)
			set_answer(answers, index, meant);
		prompt_forget(answer);
		if (!wrong)
			return true;
		g_printerr("  %s\n", wrong);
	}
}

bool init_ask(struct init_answers *answers, init_verify verify, GError **error)
{
	size_t next = 0;
	while (next < INIT_ANSWERS) {
		if (concerns(answers, &init_questions[next]) && !ask_one(answers, next, error))
			return false;
		if (++next < INIT_ANSWERS || !verify)
			continue;
		enum init_answer again;
		g_autofree char *wrong = verify(answers, &again);
		if (!wrong)
			return true;
		g_printerr("  %s\n", wrong);
		next = again;
	}
	return true;
}

bool init_accept(struct init_answers *answers, init_verify verify, GError **error)
{
	for (size_t i = 0; i < INIT_ANSWERS; i++) {
		const struct init_question *question = &init_questions[i];
		if (!concerns(answers, question)) {
			set_answer(answers, i, "");
			continue;
		}
		if (!answers->texts[i] && question->fallback)
			set_answer(answers, i, question->fallback);
		const char *answer = answers->texts[i] ? answers->texts[i] : "";
		g_autofree char *wrong = refuse(answers, question, answer);
		if (wrong) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "--%s: %s",
				    question->option, wrong);
			return false;
		}
	}
	enum init_answer again;
	g_autofree char *wrong = verify ? verify(answers, &again) : NULL;
	if (wrong)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED, "--%s: %s",
			    init_questions[again].option, wrong);
	return !wrong;
}
