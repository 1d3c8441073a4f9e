/* jfilter - keeps the records that are worth learning from. */
#include "dedup.h"
#include "filter.h"
#include "split.h"

#define JUDGE_OPTS(o) \
	{ "rules", 0, JOPT_LIST, &(o).judge.rules, "[KIND=]NAME", \
		"rule set: docs, gopher, web, code, pairs, none or a file; KIND= for one kind of source" }, \
	{ "set", 0, JOPT_LIST, &(o).judge.set, "RULE=LIMIT", "change a limit; RULE=off drops the rule" }, \
	{ "domain", 0, JOPT_STR, &(o).judge.domain, "FILE", "keywords and negative_keywords of a domain" }, \
	{ "keywords", 'k', JOPT_LIST, &(o).judge.keywords, "WORDS", "words of the domain, by commas" }, \
	{ "negative", 0, JOPT_LIST, &(o).judge.negative, "WORDS", "words of what it is not" }, \
	{ "min-relevance", 0, JOPT_LIST, &(o).judge.min_relevance, "[KIND=]X", \
		"least relevance, 0 to 1; 0.1 unless given" }

int
main(int argc, char **argv)
{
	static struct filter_opts f, s, x;
	static struct dedup_opts d = DEDUP_OPTS_INIT;
	static struct split_opts p = SPLIT_OPTS_INIT;
	static const struct jopt filter_opts[] = {
		JUDGE_OPTS(f),
		{ "explain", 0, JOPT_BOOL, &f.explain, NULL, "write what each rule says instead" },
		{ "json", 0, JOPT_BOOL, &f.json, NULL, "explain as records" },
		{ "print-rules", 0, JOPT_BOOL, &f.print_rules, NULL, "write the rule sets as YAML" },
		{ .type = JOPT_END }
	};
	static const struct jopt signal_opts[] = {
		{ "domain", 0, JOPT_STR, &s.judge.domain, "FILE", "as for the filter" },
		{ "keywords", 'k', JOPT_LIST, &s.judge.keywords, "WORDS", "as for the filter" },
		{ "negative", 0, JOPT_LIST, &s.judge.negative, "WORDS", "as for the filter" },
		{ "list", 0, JOPT_BOOL, &s.list, NULL, "name the signals" },
		{ .type = JOPT_END }
	};
	static const struct jopt explain_opts[] = {
		JUDGE_OPTS(x),
		{ "json", 0, JOPT_BOOL, &x.json, NULL, "as records instead of tables" },
		{ .type = JOPT_END }
	};
	static const struct jopt dedup_opts[] = {
		{ "threshold", 't', JOPT_DOUBLE, &d.threshold, "X",
			"least Jaccard similarity of two duplicates" },
		{ "keep", 0, JOPT_STR, &d.keep, "KEY",
			"which one stays: longest, first or score:NAME; ties by id" },
		{ "clusters", 0, JOPT_STR, &d.clusters, "FILE", "write who goes for whom" },
		{ "shingle", 0, JOPT_INT, &d.shingle, "N", "words in a shingle" },
		{ .type = JOPT_END }
	};
	static const struct jopt split_opts[] = {
		{ "valid", 0, JOPT_STR, &p.valid, "SHARE", "share of documents to validate with" },
		{ "valid-file", 0, JOPT_STR, &p.valid_file, "FILE", "where they go" },
		{ "test", 0, JOPT_STR, &p.test, "SHARE", "share of documents to test with" },
		{ "test-file", 0, JOPT_STR, &p.test_file, "FILE", "where they go" },
		{ "by", 0, JOPT_STR, &p.by, "KEY", "member whose hash decides" },
		{ .type = JOPT_END }
	};
	static const struct jverb verbs[] = {
		{ "signals", "[options] [FILE ...]", "add every signal as a score, drop nothing",
			signal_opts, signals_run, &s, NULL },
		{ "explain", "[options] [FILE ...]", "tell what every rule says about each record",
			explain_opts, explain_run, &x, NULL },
		{ "dedup", "[options] [FILE ...]", "remove documents that say the same",
			dedup_opts, dedup_run, &d, NULL },
		{ "split", "--valid-file FILE [options] [FILE ...]",
			"set documents aside for validation and test", split_opts, split_run, &p, NULL },
		{ .name = NULL }
	};
	static const struct jtool tool = { .name = "jfilter", .args = "[options] [FILE ...]",
		.summary = "keep the records that are worth learning from", .opts = filter_opts,
		.run = filter_run, .arg = &f, .verbs = verbs };

	return jcli_main(&tool, argc, argv);
}
