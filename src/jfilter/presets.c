/*
 * presets.c - the shipped rule sets.  One row a rule; limits for `gopher` are those of the paper
 * (Rae et al. 2021, appendix A) with DCLM's definitions, for `web` those of FineWeb and C4, for
 * `code` those of StarCoder and Stack v2.  `docs` is ours: pages of technical documentation are
 * full of code, tables, lists, repeated phrases and short lines, none of which may count against
 * them; what must go is pages that hold next to no text of their own, and noise.
 */
#include "rules.h"

static const struct rule_row docs[] = {
	{ "encoding", "bad_chars", SIDE_MAX, 0.005, "decoded wrongly, or binary" },
	{ "redirect", "redirect", SIDE_MAX, 2.5, "a page that has moved or is missing" },
	{ "stub", "words", SIDE_MIN, 30, "too little text to learn from" },
	{ "no_content", "content_words", SIDE_MIN, 20, "no running text, code or table to speak of" },
	{ "navigation", "navigation", SIDE_MAX, 0.8, "an index, a menu or a list of links" },
	{ "boilerplate", "boilerplate", SIDE_MAX, 0.25, "mostly page furniture" },
	{ "language", "function_words", SIDE_MIN, 0.04, "not sentences of a language" },
	{ "gibberish", "odd_words", SIDE_MAX, 0.3, "words that cannot be spoken" },
	{ "lorem_ipsum", "lorem_ipsum", SIDE_MAX, 2, "filler text" },
	{ "data", "data_chars", SIDE_MAX, 0.5, "encoded binary data" },
	{ "letters", "letter_chars", SIDE_MIN, 0.3, "numbers or symbols instead of text" },
	{ "top_2gram", "top_2gram", SIDE_MAX, 0.5, "one phrase over and over" },
	{ "dup_lines", "dup_line_chars", SIDE_MAX, 0.6, "the same lines over and over" },
	{ "dup_5gram", "dup_5gram", SIDE_MAX, 0.95, "the same text over and over" },
	{ "dup_10gram", "dup_10gram", SIDE_MAX, 0.9, "the same text over and over" },
	{ .rule = NULL }
};

#define GOPHER_QUALITY \
	{ "min_words", "words", SIDE_MIN, 50, "too short" }, \
	{ "max_words", "words", SIDE_MAX, 100000, "too long" }, \
	{ "min_word_chars", "mean_word_chars", SIDE_MIN, 3, "words too short" }, \
	{ "max_word_chars", "mean_word_chars", SIDE_MAX, 10, "words too long" }, \
	{ "symbols", "symbols_per_word", SIDE_MAX, 0.1, "too many # and ellipses" }, \
	{ "bullets", "bullet_lines", SIDE_MAX, 0.9, "a list of bullets" }, \
	{ "ellipses", "ellipsis_lines", SIDE_MAX, 0.3, "a list of excerpts" }, \
	{ "alpha_words", "alpha_words", SIDE_MIN, 0.8, "too many tokens without a letter" }, \
	{ "stop_words", "stop_words", SIDE_MIN, 2, "no English sentences" }
#define GOPHER_REPETITION \
	{ "dup_lines", "dup_lines", SIDE_MAX, 0.3, "repeated lines" }, \
	{ "dup_paragraphs", "dup_paragraphs", SIDE_MAX, 0.3, "repeated paragraphs" }, \
	{ "dup_line_chars", "dup_line_chars", SIDE_MAX, 0.2, "repeated lines" }, \
	{ "dup_paragraph_chars", "dup_paragraph_chars", SIDE_MAX, 0.2, "repeated paragraphs" }, \
	{ "top_2gram", "top_2gram", SIDE_MAX, 0.2, "one phrase over and over" }, \
	{ "top_3gram", "top_3gram", SIDE_MAX, 0.18, "one phrase over and over" }, \
	{ "top_4gram", "top_4gram", SIDE_MAX, 0.16, "one phrase over and over" }, \
	{ "dup_5gram", "dup_5gram", SIDE_MAX, 0.15, "repeated text" }, \
	{ "dup_6gram", "dup_6gram", SIDE_MAX, 0.14, "repeated text" }, \
	{ "dup_7gram", "dup_7gram", SIDE_MAX, 0.13, "repeated text" }, \
	{ "dup_8gram", "dup_8gram", SIDE_MAX, 0.12, "repeated text" }, \
	{ "dup_9gram", "dup_9gram", SIDE_MAX, 0.11, "repeated text" }, \
	{ "dup_10gram", "dup_10gram", SIDE_MAX, 0.1, "repeated text" }

static const struct rule_row gopher[] = {
	GOPHER_QUALITY,
	GOPHER_REPETITION,
	{ .rule = NULL }
};

/* In FineWeb's order: language, Gopher repetition and quality, C4, FineWeb; then ours. */
static const struct rule_row web[] = {
	{ "encoding", "bad_chars", SIDE_MAX, 0.005, "decoded wrongly, or binary" },
	{ "language", "lang_score", SIDE_MIN, 0.65, "no language for sure" },
	GOPHER_REPETITION,
	GOPHER_QUALITY,
	{ "lorem_ipsum", "lorem_ipsum", SIDE_MAX, 0, "filler text" },
	{ "punctuated_lines", "punctuated_lines", SIDE_MIN, 0.12, "few lines end a sentence" },
	{ "short_lines", "short_lines", SIDE_MAX, 0.67, "mostly short lines" },
	{ "later_line_chars", "later_line_chars", SIDE_MAX, 0.01, "copies of lines" },
	{ "newlines", "newlines_per_word", SIDE_MAX, 0.3, "a list of words" },
	{ "redirect", "redirect", SIDE_MAX, 2.5, "a page that has moved or is missing" },
	{ "boilerplate", "boilerplate", SIDE_MAX, 0.25, "mostly page furniture" },
	{ .rule = NULL }
};

static const struct rule_row code[] = {
	{ "encoding", "bad_chars", SIDE_MAX, 0.005, "decoded wrongly, or binary" },
	{ "empty", "words", SIDE_MIN, 10, "next to nothing" },
	{ "max_lines", "lines_all", SIDE_MAX, 100000, "too long to be written by hand" },
	{ "max_line", "max_line", SIDE_MAX, 1000, "minified or data" },
	{ "mean_line", "mean_line", SIDE_MAX, 100, "minified or data" },
	{ "alnum", "alnum_chars", SIDE_MIN, 0.25, "symbols instead of code" },
	{ "letters", "letter_chars", SIDE_MIN, 0.25, "numbers instead of code" },
	{ "data", "data_chars", SIDE_MAX, 0.5, "encoded binary data" },
	{ "generated", "generated", SIDE_MAX, 0, "written by a program" },
	{ "dup_lines", "dup_line_chars", SIDE_MAX, 0.8, "the same lines over and over" },
	{ .rule = NULL }
};

/* Questions and answers, chats: short texts are right here; noise is not. */
static const struct rule_row pairs[] = {
	{ "encoding", "bad_chars", SIDE_MAX, 0.005, "decoded wrongly, or binary" },
	{ "empty", "words", SIDE_MIN, 5, "next to nothing" },
	{ "gibberish", "odd_words", SIDE_MAX, 0.3, "words that cannot be spoken" },
	{ "data", "data_chars", SIDE_MAX, 0.5, "encoded binary data" },
	{ "dup_5gram", "dup_5gram", SIDE_MAX, 0.6, "the same text over and over" },
	{ .rule = NULL }
};

/* The paper's limits on the measures of other programs (jcompat.h). */
#define COMPAT_QUALITY(program) \
	{ "min_words", program ".words", SIDE_MIN, 50, "too short" }, \
	{ "max_words", program ".words", SIDE_MAX, 100000, "too long" }, \
	{ "min_word_chars", program ".word_chars", SIDE_MIN, 3, "words too short" }, \
	{ "max_word_chars", program ".word_chars", SIDE_MAX, 10, "words too long" }, \
	{ "hashes", program ".hashes", SIDE_MAX, 0.1, "too many #" }, \
	{ "ellipses", program ".ellipses", SIDE_MAX, 0.1, "too many ellipses" }, \
	{ "bullets", program ".bullet_lines", SIDE_MAX, 0.9, "a list of bullets" }, \
	{ "ellipsis_lines", program ".ellipsis_lines", SIDE_MAX, 0.3, "a list of excerpts" }, \
	{ "alpha_words", program ".alpha_words", SIDE_MIN, 0.8, "too many words without a letter" }, \
	{ "stop_words", program ".stop_words", SIDE_MIN, 2, "no English sentences" }
#define COMPAT_REPETITION(program) \
	{ "dup_lines", program ".dup_lines", SIDE_MAX, 0.3, "repeated lines" }, \
	{ "dup_paragraphs", program ".dup_paragraphs", SIDE_MAX, 0.3, "repeated paragraphs" }, \
	{ "dup_line_chars", program ".dup_line_chars", SIDE_MAX, 0.2, "repeated lines" }, \
	{ "dup_paragraph_chars", program ".dup_paragraph_chars", SIDE_MAX, 0.2, "repeated paragraphs" }, \
	COMPAT_GRAMS(program)
#define COMPAT_GRAMS(program) \
	{ "top_2gram", program ".top_2gram", SIDE_MAX, 0.2, "one phrase over and over" }, \
	{ "top_3gram", program ".top_3gram", SIDE_MAX, 0.18, "one phrase over and over" }, \
	{ "top_4gram", program ".top_4gram", SIDE_MAX, 0.16, "one phrase over and over" }, \
	{ "dup_5gram", program ".dup_5gram", SIDE_MAX, 0.15, "repeated text" }, \
	{ "dup_6gram", program ".dup_6gram", SIDE_MAX, 0.14, "repeated text" }, \
	{ "dup_7gram", program ".dup_7gram", SIDE_MAX, 0.13, "repeated text" }, \
	{ "dup_8gram", program ".dup_8gram", SIDE_MAX, 0.12, "repeated text" }, \
	{ "dup_9gram", program ".dup_9gram", SIDE_MAX, 0.11, "repeated text" }, \
	{ "dup_10gram", program ".dup_10gram", SIDE_MAX, 0.1, "repeated text" }

static const struct rule_row datatrove[] = {
	COMPAT_REPETITION("datatrove"), COMPAT_QUALITY("datatrove"), { .rule = NULL }
};

static const struct rule_row dolma[] = {
	COMPAT_QUALITY("dolma"), COMPAT_REPETITION("dolma"), { .rule = NULL }
};

static const struct rule_row rpv2[] = {
	COMPAT_QUALITY("rpv2"), COMPAT_GRAMS("rpv2"), { .rule = NULL }
};

static const struct rule_row curator[] = {
	COMPAT_QUALITY("curator"), COMPAT_REPETITION("curator"), { .rule = NULL }
};

/* Chats and what a model wrote: short is right, refusals and loops are not. */
static const struct rule_row chat[] = {
	{ "encoding", "bad_chars", SIDE_MAX, 0.005, "decoded wrongly, or binary" },
	{ "empty", "words", SIDE_MIN, 5, "next to nothing" },
	{ "refusal", "refusal", SIDE_MAX, 0, "a model refuses or speaks of itself" },
	{ "gibberish", "odd_words", SIDE_MAX, 0.3, "words that cannot be spoken" },
	{ "data", "data_chars", SIDE_MAX, 0.5, "encoded binary data" },
	{ "periods", "periods", SIDE_MAX, 31, "the same words again and again" },
	{ "compression", "deflate_ratio", SIDE_MIN, 0.08, "says the same over and over" },
	{ "dup_5gram", "dup_5gram", SIDE_MAX, 0.6, "the same text over and over" },
	{ .rule = NULL }
};

/* Pages of a domain from anywhere: what docs asks, less what only manuals have, and no chatter. */
static const struct rule_row domain[] = {
	{ "encoding", "bad_chars", SIDE_MAX, 0.005, "decoded wrongly, or binary" },
	{ "redirect", "redirect", SIDE_MAX, 2.5, "a page that has moved or is missing" },
	{ "stub", "words", SIDE_MIN, 50, "too little text to learn from" },
	{ "no_content", "content_words", SIDE_MIN, 40, "no running text, code or table to speak of" },
	{ "navigation", "navigation", SIDE_MAX, 0.7, "an index, a menu or a list of links" },
	{ "boilerplate", "boilerplate", SIDE_MAX, 0.2, "mostly page furniture" },
	{ "language", "function_words", SIDE_MIN, 0.04, "not sentences of a language" },
	{ "refusal", "refusal", SIDE_MAX, 0, "a model refuses or speaks of itself" },
	{ "gibberish", "odd_words", SIDE_MAX, 0.3, "words that cannot be spoken" },
	{ "lorem_ipsum", "lorem_ipsum", SIDE_MAX, 2, "filler text" },
	{ "data", "data_chars", SIDE_MAX, 0.5, "encoded binary data" },
	{ "periods", "periods", SIDE_MAX, 31, "the same words again and again" },
	{ "top_2gram", "top_2gram", SIDE_MAX, 0.5, "one phrase over and over" },
	{ "dup_lines", "dup_line_chars", SIDE_MAX, 0.6, "the same lines over and over" },
	{ "dup_10gram", "dup_10gram", SIDE_MAX, 0.9, "the same text over and over" },
	{ .rule = NULL }
};

static const struct rule_row none[] = {
	{ .rule = NULL }
};

const struct preset presets[] = {
	{ "docs", "pages of technical documentation", docs },
	{ "gopher", "Gopher quality and repetition, DCLM definitions", gopher },
	{ "web", "web prose: Gopher, FineWeb, furniture", web },
	{ "code", "source files", code },
	{ "pairs", "questions with answers, chats", pairs },
	{ "chat", "chats and generated text", chat },
	{ "domain", "pages about a domain from anywhere", domain },
	{ "datatrove", "Gopher rules as datatrove measures them", datatrove },
	{ "dolma", "Gopher rules as dolma measures them", dolma },
	{ "rpv2", "Gopher rules on the signals of RedPajama v2", rpv2 },
	{ "curator", "Gopher rules as NeMo Curator measures them", curator },
	{ "none", "no rule", none },
	{ .name = NULL }
};
