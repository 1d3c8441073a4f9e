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

#define FINEWEB_PAGE \
	{ "punctuated_lines", "punctuated_lines", SIDE_MIN, 0.12, "few lines end a sentence" }, \
	{ "short_lines", "short_lines", SIDE_MAX, 0.67, "mostly short lines" }, \
	{ "later_line_chars", "later_line_chars", SIDE_MAX, 0.01, "copies of lines" }, \
	{ "newlines", "newlines_per_word", SIDE_MAX, 0.3, "a list of words" }

/* In FineWeb's order: language, Gopher repetition and quality, C4, FineWeb; then ours. */
static const struct rule_row web[] = {
	{ "encoding", "bad_chars", SIDE_MAX, 0.005, "decoded wrongly, or binary" },
	{ "language", "lang_score", SIDE_MIN, 0.65, "no language for sure" },
	GOPHER_REPETITION,
	GOPHER_QUALITY,
	{ "lorem_ipsum", "lorem_ipsum", SIDE_MAX, 0, "filler text" },
	FINEWEB_PAGE,
	{ "redirect", "redirect", SIDE_MAX, 2.5, "a page that has moved or is missing" },
	{ "boilerplate", "boilerplate", SIDE_MAX, 0.25, "mostly page furniture" },
	{ .rule = NULL }
};

/* Section 2 of Lozhkov et al. 2024, with its exceptions for markup and data. */
#define STACK_RULES \
	{ "max_lines", "lines_all", SIDE_MAX, 100000, "too long to be written by hand" }, \
	{ "max_line", "code_max_line", SIDE_MAX, 1000, "minified or data" }, \
	{ "mean_line", "code_mean_line", SIDE_MAX, 100, "minified or data" }, \
	{ "markup_line", "markup_max_line", SIDE_MAX, 100000, "one line of data" }, \
	{ "letters", "code_letters", SIDE_MIN, 0.25, "numbers instead of code" }, \
	{ "data", "data_chars", SIDE_MAX, 0.5, "encoded binary data" }, \
	{ "data_run", "data_run", SIDE_MAX, 1024, "a long run of encoded data" }, \
	{ "data_lines", "data_lines", SIDE_MAX, 512, "a file of data" }, \
	{ "text_name", "text_name", SIDE_MIN, 1, "plain text that is no readme, notes or requirements" }, \
	{ "generated", "generated", SIDE_MAX, 0, "written by a program" }

static const struct rule_row stack[] = {
	STACK_RULES,
	{ .rule = NULL }
};

/* The scripts of StarCoder (Li et al. 2023): every language alike, then by language. */
static const struct rule_row starcoder[] = {
	{ "max_line", "max_line", SIDE_MAX, 1000, "minified or data" },
	{ "mean_line", "mean_line", SIDE_MAX, 100, "minified or data" },
	{ "alnum", "alnum_chars", SIDE_MIN, 0.25, "symbols instead of code" },
	{ "min_comments", "comment_share", SIDE_MIN, 0.01, "no comments" },
	{ "max_comments", "comment_share", SIDE_MAX, 0.8, "comments instead of code" },
	{ "xml_header", "xml_header", SIDE_MAX, 0, "XML under another name" },
	{ "html_text", "html_text", SIDE_MIN, 100, "little visible text" },
	{ "html_text_share", "html_text_share", SIDE_MIN, 0.2, "little visible text" },
	{ "min_config", "config_chars", SIDE_MIN, 100, "next to nothing" },
	{ "max_config", "config_chars", SIDE_MAX, 5000, "a file of data" },
	{ "python_tokens", "python_chars_per_token", SIDE_MIN, 2.5, "data in the form of code" },
	{ "java_tokens", "java_chars_per_token", SIDE_MIN, 2.9, "data in the form of code" },
	{ "javascript_tokens", "javascript_chars_per_token", SIDE_MIN, 2.6, "data in the form of code" },
	{ .rule = NULL }
};

/* Section 3 of the same, for issues and pull requests. */
static const struct rule_row issues[] = {
	{ "min_chars", "chars", SIDE_MIN, 200, "next to nothing said" },
	{ "bots", "users", SIDE_MIN, 1, "only bots talk" },
	{ "lone_chars", "lone_chars", SIDE_MAX, 6999, "one user, who pastes" },
	{ "lone_events", "lone_events", SIDE_MAX, 10, "one user, who talks alone" },
	{ .rule = NULL }
};

static const struct rule_row pulls[] = {
	{ "accepted", "accepted", SIDE_MIN, 1, "neither merged nor approved" },
	{ "title", "title_chars", SIDE_MIN, 10, "a title that says nothing" },
	{ "description", "chars", SIDE_MIN, 20, "a description that says nothing" },
	{ "upkeep", "upkeep", SIDE_MAX, 0, "a dependency or a release" },
	{ .rule = NULL }
};

static const struct rule_row code[] = {
	{ "encoding", "bad_chars", SIDE_MAX, 0.005, "decoded wrongly, or binary" },
	{ "empty", "words", SIDE_MIN, 10, "next to nothing" },
	{ "alnum", "alnum_chars", SIDE_MIN, 0.25, "symbols instead of code" },
	STACK_RULES,
	{ "xml_header", "xml_header", SIDE_MAX, 0, "XML under another name" },
	{ "html_text", "html_text", SIDE_MIN, 100, "little visible text" },
	{ "dup_lines", "dup_line_chars", SIDE_MAX, 0.8, "the same lines over and over" },
	{ .rule = NULL }
};

/* What Raffel et al. 2020 ask of a page whose lines have been chosen: by their code and their paper. */
#define C4_PAGE \
	{ "lorem_ipsum", "lorem_ipsum", SIDE_MAX, 0, "filler text" }, \
	{ "braces", "braces", SIDE_MAX, 0, "code" }

static const struct rule_row c4[] = {
	C4_PAGE,
	{ "sentences", "sentences", SIDE_MIN, 3, "too few sentences" },
	{ .rule = NULL }
};

static const struct rule_row c4_paper[] = {
	C4_PAGE,
	{ "sentences", "sentences", SIDE_MIN, 5, "too few sentences" },
	{ .rule = NULL }
};

/* Penedo et al. 2024: what comes behind the language and the Gopher rules. */
static const struct rule_row fineweb[] = {
	C4_PAGE,
	{ "sentences", "sentences", SIDE_MIN, 5, "too few sentences" },
	FINEWEB_PAGE,
	{ .rule = NULL }
};

/* Xue et al. 2021: any language. */
static const struct rule_row mc4[] = {
	{ "language", "lang_score", SIDE_MIN, 0.7, "no language for sure" },
	{ "long_lines", "long_lines", SIDE_MIN, 3, "fewer than three lines of 200 characters" },
	{ .rule = NULL }
};

/* Wenzek et al. 2020, before the language model decides (--lm, --buckets). */
static const struct rule_row ccnet[] = {
	{ "min_chars", "chars", SIDE_MIN, 300, "too short" },
	{ "language", "lang_score", SIDE_MIN, 0.5, "no language for sure" },
	{ .rule = NULL }
};

/* Penedo et al. 2023 as DCLM repeats it. */
static const struct rule_row refinedweb[] = {
	{ "language", "lang_score", SIDE_MIN, 0.65, "no language for sure" },
	GOPHER_QUALITY,
	GOPHER_REPETITION,
	{ "removed_words", "removed_words", SIDE_MAX, 0.05, "too much of it is furniture" },
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

static const struct rule_row jupiter[] = {
	{ "min_chars", "chars", SIDE_MIN, 100, "too short" },
	{ "score", "jupiter.score", SIDE_MIN, 0.5, "little quality by five measures" },
	{ .rule = NULL }
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
	{ "stack", "source files by the rules of The Stack v2", stack },
	{ "starcoder", "source files by the scripts of StarCoder", starcoder },
	{ "issues", "issues by the rules of StarCoder", issues },
	{ "pulls", "pull requests by the rules of StarCoder", pulls },
	{ "c4", "C4 by its code: lines, then the page", c4, "c4" },
	{ "c4-paper", "C4 by its paper: lines, then the page", c4_paper, "c4-paper" },
	{ "fineweb", "FineWeb behind the Gopher rules: lines, then the page", fineweb, "fineweb" },
	{ "mc4", "pages of any language as mC4 chose them", mc4 },
	{ "refinedweb", "RefinedWeb: lines, Gopher, what is left", refinedweb, "refinedweb" },
	{ "ccnet", "what CCNet asks before its language model", ccnet },
	{ "pairs", "questions with answers, chats", pairs },
	{ "chat", "chats and generated text", chat },
	{ "domain", "pages about a domain from anywhere", domain },
	{ "datatrove", "Gopher rules as datatrove measures them", datatrove },
	{ "dolma", "Gopher rules as dolma measures them", dolma },
	{ "rpv2", "Gopher rules on the signals of RedPajama v2", rpv2 },
	{ "curator", "Gopher rules as NeMo Curator measures them", curator },
	{ "jupiter", "the quality score of the first Jupiter", jupiter },
	{ "none", "no rule", none },
	{ .name = NULL }
};
