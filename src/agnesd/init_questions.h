/* What `agnesd init` asks, as a table: the questions, whom they concern, what an answer is like. */
#pragma once

#include <glib.h>
#include <stdbool.h>

enum init_answer {
	INIT_NAME,
	INIT_DOMAIN,
	INIT_SOURCE,
	INIT_FOLDER,
	INIT_KEBOOLA_URL,
	INIT_KEBOOLA_TOKEN,
	INIT_PROJECT,
	INIT_LOCATION,
	INIT_CREDENTIALS,
	INIT_ANSWERS,
};

struct init_answers {
	const char *data_dir;	   /* absolute */
	char *texts[INIT_ANSWERS]; /* NULL: not asked, or nothing answered */
};
void init_answers_clear(struct init_answers *answers);

struct init_question {
	const char *option; /* of the command line */
	const char *source; /* only for this type of source; NULL: always */
	const char *question, *explanation;
	const char *fallback;
	bool secret;
	bool optional; /* may stay empty */
	/* What is wrong with an answer that is not empty; NULL: nothing. g_free() it. */
	char *(*check)(const struct init_answers *answers, const char *answer);
};

/* By enum init_answer. */
extern const struct init_question init_questions[INIT_ANSWERS];

/*
 * Asks at the terminal until every answer that concerns the source is good. `verify` asks the
 * source itself, or is NULL: it returns what is wrong, and sets *again to the question to ask
 * anew.
 */
typedef char *(*init_verify)(const struct init_answers *answers, enum init_answer *again);
bool init_ask(struct init_answers *answers, init_verify verify, GError **error);

/* Looks at answers that were given as options, and fills in what has a default. */
bool init_accept(struct init_answers *answers, init_verify verify, GError **error);
