/* jfilter - keeps the records that are worth learning from. */
#include "audit.h"
#include "dedupopts.h"
#include "filter.h"
#include "mix.h"
#include "split.h"
#include "train.h"

#define MODEL_OPTS(o) \
	{ "lang", 0, JOPT_STR, &(o).lang, "CODES", "wanted languages, by commas" }, \
	{ "lang-model", 0, JOPT_STR, &(o).lang_model, "FILE", \
		"fastText model for languages instead of the built-in tables" }, \
	{ "classifier", 0, JOPT_STR, &(o).classifier, "FILE", "fastText model for the quality" }, \
	{ "class", 0, JOPT_STR, &(o).class, "LABEL", "its label that is wanted" }, \
	{ "lm", 0, JOPT_STR, &(o).lm, "FILE", "n-gram language model for the perplexity" }, \
	{ "words", 0, JOPT_LIST, &(o).words, "FILE", "list of flagged words" }

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
	MODEL_OPTS((o).judge.models), \
	{ "min-lang", 0, JOPT_DOUBLE, &(o).judge.models.min_lang, "X", \
		"least probability of the languages of --lang" }, \
	{ "min-quality", 0, JOPT_DOUBLE, &(o).judge.models.min_quality, "X", \
		"least quality by the classifier; 0 = no rule" }, \
	{ "max-perplexity", 0, JOPT_DOUBLE, &(o).judge.models.max_perplexity, "X", \
		"greatest perplexity by the language model; 0 = no rule" }

static struct filter_opts f = FILTER_OPTS_INIT, s = FILTER_OPTS_INIT, x = FILTER_OPTS_INIT;
static struct train_opts t = TRAIN_OPTS_INIT;
static struct audit_opts a = AUDIT_OPTS_INIT;
static struct mix_opts m = MIX_OPTS_INIT;
static struct split_opts p = SPLIT_OPTS_INIT;

static const struct jopt filter_opts[] = {
	JUDGE_OPTS(f),
	{ "pii", 0, JOPT_STR, &f.judge.models.pii, "MODE", "personal data and secrets",
		"mask|hash|drop|count" },
	{ "pii-key", 0, JOPT_STR, &f.judge.models.pii_key, "FILE", "secret of --pii hash" },
	{ "buckets", 0, JOPT_STR, &f.judge.models.buckets, "X,Y",
		"note head, middle or tail by perplexity" },
	{ "explain", 0, JOPT_BOOL, &f.explain, NULL, "write what each rule says instead" },
	{ "json", 0, JOPT_BOOL, &f.json, NULL, "explain as records" },
	{ "print-rules", 0, JOPT_BOOL, &f.print_rules, NULL, "write the rule sets as YAML" },
	{ .type = JOPT_END }
};

static const struct jopt signal_opts[] = {
	{ "domain", 0, JOPT_STR, &s.judge.domain, "FILE", "as for the filter" },
	{ "keywords", 'k', JOPT_LIST, &s.judge.keywords, "WORDS", "as for the filter" },
	{ "negative", 0, JOPT_LIST, &s.judge.negative, "WORDS", "as for the filter" },
	MODEL_OPTS(s.judge.models),
	{ "only", 0, JOPT_STR, &s.only, "NAMES", "measure these signals alone" },
	{ "list", 0, JOPT_BOOL, &s.list, NULL, "name the signals" },
	{ .type = JOPT_END }
};

static const struct jopt explain_opts[] = {
	JUDGE_OPTS(x),
	{ "json", 0, JOPT_BOOL, &x.json, NULL, "as records instead of tables" },
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

static const struct jopt audit_opts[] = {
	JUDGE_OPTS(a),
	{ "label", 0, JOPT_STR, &a.label, "KEY", "member that says whether a record is good" },
	{ .type = JOPT_END }
};

static const struct jopt mix_opts[] = {
	{ "total", 0, JOPT_STR, &m.total, "N", "budget, instead of the file's: 300k, 10m" },
	{ "tag", 0, JOPT_BOOL, &m.tag, NULL, "note the source of each record as mix" },
	{ "valid", 0, JOPT_STR, &m.valid, "SHARE", "share of documents to validate with" },
	{ "valid-file", 0, JOPT_STR, &m.valid_file, "FILE", "where they go" },
	{ "test", 0, JOPT_STR, &m.test, "SHARE", "share of documents to test with" },
	{ "test-file", 0, JOPT_STR, &m.test_file, "FILE", "where they go" },
	{ .type = JOPT_END }
};

static const struct jopt train_opts[] = {
	{ "classifier", 0, JOPT_BOOL, &t.classifier, NULL, "a fastText classifier by label" },
	{ "lm", 0, JOPT_BOOL, &t.lm, NULL, "an n-gram language model" },
	{ "label", 0, JOPT_STR, &t.label, "KEY", "member that holds the label" },
	{ "held-out", 0, JOPT_STR, &t.held_out, "SHARE", "share to measure the classifier with" },
	{ "dim", 0, JOPT_INT, &t.dim, "N", "size of its vectors" },
	{ "epochs", 0, JOPT_INT, &t.epochs, "N", "passes over the examples" },
	{ "ngrams", 0, JOPT_INT, &t.ngrams, "N", "words in its longest n-gram" },
	{ "buckets", 0, JOPT_INT, &t.buckets, "N", "vectors that n-grams share" },
	{ "rate", 0, JOPT_DOUBLE, &t.rate, "X", "learning rate at the start" },
	{ "min-count", 0, JOPT_INT, &t.min_count, "N", "leave out words seen less often" },
	{ "order", 0, JOPT_INT, &t.order, "N", "words in the language model's longest n-gram" },
	{ "binary", 0, JOPT_BOOL, &t.binary, NULL, "write the compact form instead of ARPA" },
	{ .type = JOPT_END }
};

static const struct jverb verbs[] = {
	{ "signals", "[options] [FILE ...]", "add every signal as a score, drop nothing",
		signal_opts, signals_run, &s, NULL },
	{ "explain", "[options] [FILE ...]", "tell what every rule says about each record",
		explain_opts, explain_run, &x, NULL },
	{ "dedup", "[options] [FILE ...]", "remove documents that say the same",
		dedup_table, dedup_run, &dedup_given, NULL },
	{ "decontaminate", "--against FILE ... [options] [-- FILE ...]",
		"remove what evaluation sets hold", decon_table, decon_run, &decon_given, NULL },
	{ "audit", "[options] [FILE ...]", "tell what each rule costs", audit_opts, audit_run, &a, NULL },
	{ "mix", "[options] SPEC", "put sources together by weight, within a budget",
		mix_opts, mix_run, &m, NULL },
	{ "train", "--classifier | --lm [options] [FILE ...]", "make the models that filters ask",
		train_opts, train_run, &t, NULL },
	{ "split", "--valid-file FILE [options] [FILE ...]",
		"set documents aside for validation and test", split_opts, split_run, &p, NULL },
	{ .name = NULL }
};

static const struct jtool tool = { .name = "jfilter", .args = "[options] [FILE ...]",
	.summary = "keep the records that are worth learning from", .opts = filter_opts,
	.run = filter_run, .arg = &f, .verbs = verbs };

int
main(int argc, char **argv)
{
	return jcli_main(&tool, argc, argv);
}
