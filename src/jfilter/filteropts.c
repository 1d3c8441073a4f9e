/* filteropts.c - the options of the filter, signals, explain and audit. */
#include "filteropts.h"

#define MODEL_OPTS(o) \
	{ "lang", 0, JOPT_STR, &(o).lang, "CODES", "wanted languages, by commas" }, \
	{ "lang-model", 0, JOPT_STR, &(o).lang_model, "FILE", \
		"fastText model for languages instead of the built-in tables" }, \
	{ "classifier", 0, JOPT_STR, &(o).classifier, "FILE", "fastText model for the quality" }, \
	{ "class", 0, JOPT_STR, &(o).class, "LABEL", "its label that is wanted" }, \
	{ "lm", 0, JOPT_STR, &(o).lm, "FILE", "n-gram language model for the perplexity" }, \
	{ "tokenizer", 0, JOPT_STR, &(o).tokenizer, "TOK", "tokenizer for the characters of a token" }, \
	{ "words", 0, JOPT_LIST, &(o).words, "FILE", "list of flagged words" }, \
	{ "urls", 0, JOPT_LIST, &(o).urls, "FILE", "list of domains, addresses and words that are not wanted" }, \
	{ "licence", 0, JOPT_STR, &(o).licence, "NAMES", "licences that are wanted, by commas, or permissive" }

#define JUDGE_OPTS(o) \
	{ "rules", 0, JOPT_LIST, &(o).judge.rules, "[KIND=]NAME", \
		"rule set: docs, web, code, ... or a file; KIND= for one kind of source" }, \
	{ "compat", 0, JOPT_STR, &(o).judge.compat, "PROGRAM", "Gopher rules as this program measures them", \
		"datatrove|dolma|dclm|rpv2|curator|jupiter" }, \
	{ "set", 0, JOPT_LIST, &(o).judge.set, "RULE=LIMIT", "change a limit; RULE=off drops the rule" }, \
	{ "domain", 0, JOPT_STR, &(o).judge.domain, "FILE", "keywords and negative_keywords of a domain" }, \
	{ "keywords", 'k', JOPT_LIST, &(o).judge.keywords, "WORDS", "words of the domain, by commas" }, \
	{ "negative", 0, JOPT_LIST, &(o).judge.negative, "WORDS", "words of what it is not" }, \
	{ "min-relevance", 0, JOPT_LIST, &(o).judge.min_relevance, "[KIND=]X", \
		"least relevance, 0 to 1; 0.1 unless given" }, \
	{ "min", 0, JOPT_LIST, &(o).judge.min, "NAME=X", "least value of a signal, or of a number in the record or its scores" }, \
	{ "max", 0, JOPT_LIST, &(o).judge.max, "NAME=X", "greatest value of it" }, \
	{ "clean", 0, JOPT_STR, &(o).judge.clean, "RULES", "line rules that come first, for all sets", \
		"c4|c4-paper|fineweb|refinedweb|none" }, \
	MODEL_OPTS((o).judge.models), \
	{ "min-lang", 0, JOPT_DOUBLE, &(o).judge.models.min_lang, "X", \
		"least probability of the languages of --lang" }, \
	{ "min-quality", 0, JOPT_DOUBLE, &(o).judge.models.min_quality, "X", \
		"least quality by the classifier; 0 = no rule" }, \
	{ "max-perplexity", 0, JOPT_DOUBLE, &(o).judge.models.max_perplexity, "X", \
		"greatest perplexity by the language model; 0 = no rule" }

struct filter_opts filter_given = FILTER_OPTS_INIT(filter_table);
struct filter_opts signals_given = FILTER_OPTS_INIT(signals_table);
struct filter_opts explain_given = FILTER_OPTS_INIT(explain_table);
struct audit_opts audit_given = AUDIT_OPTS_INIT;

const struct jopt filter_table[] = {
	JUDGE_OPTS(filter_given),
	{ "pii", 0, JOPT_STR, &filter_given.judge.models.pii, "MODE", "personal data and secrets",
		"mask|hash|drop|count" },
	{ "pii-key", 0, JOPT_STR, &filter_given.judge.models.pii_key, "FILE", "secret of --pii hash" },
	{ "buckets", 0, JOPT_STR, &filter_given.judge.models.buckets, "X,Y",
		"note head, middle or tail by perplexity, or by its percentiles as 30%,60%" },
	RESUME_OPT(filter_given),
	{ "explain", 0, JOPT_BOOL, &filter_given.explain, NULL, "write what each rule says instead" },
	{ "json", 0, JOPT_BOOL, &filter_given.json, NULL, "explain as records" },
	{ "print-rules", 0, JOPT_BOOL, &filter_given.print_rules, NULL, "write the rule sets as YAML" },
	{ .type = JOPT_END }
};

const struct jopt signals_table[] = {
	{ "domain", 0, JOPT_STR, &signals_given.judge.domain, "FILE", "as for the filter" },
	{ "keywords", 'k', JOPT_LIST, &signals_given.judge.keywords, "WORDS", "as for the filter" },
	{ "negative", 0, JOPT_LIST, &signals_given.judge.negative, "WORDS", "as for the filter" },
	MODEL_OPTS(signals_given.judge.models),
	{ "only", 0, JOPT_STR, &signals_given.only, "NAMES", "measure these signals alone" },
	{ "list", 0, JOPT_BOOL, &signals_given.list, NULL, "name the signals" },
	RESUME_OPT(signals_given),
	{ .type = JOPT_END }
};

const struct jopt explain_table[] = {
	JUDGE_OPTS(explain_given),
	{ "json", 0, JOPT_BOOL, &explain_given.json, NULL, "as records instead of tables" },
	{ .type = JOPT_END }
};

const struct jopt audit_table[] = {
	JUDGE_OPTS(audit_given),
	{ "label", 0, JOPT_STR, &audit_given.label, "KEY", "member that says whether a record is good" },
	{ .type = JOPT_END }
};
