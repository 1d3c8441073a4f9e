/* jfilter - keeps the records that are worth learning from. */
#include "dedupopts.h"
#include "filteropts.h"
#include "partopts.h"
#include "train.h"

static struct train_opts t = TRAIN_OPTS_INIT;

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
		signals_table, signals_run, &signals_given, NULL },
	{ "explain", "[options] [FILE ...]", "tell what every rule says about each record",
		explain_table, explain_run, &explain_given, NULL },
	{ "dedup", "[options] [FILE ...]", "remove documents that say the same",
		dedup_table, dedup_run, &dedup_given, NULL },
	{ "decontaminate", "--against FILE ... [options] [-- FILE ...]",
		"remove what evaluation sets hold", decon_table, decon_run, &decon_given, NULL },
	{ "audit", "[options] [FILE ...]", "tell what each rule costs", audit_table, audit_run, &audit_given, NULL },
	{ "mix", "[options] SPEC", "put sources together by weight, within a budget",
		mix_table, mix_run, &mix_given, NULL },
	{ "select", "--like FILE ... -n N [-- FILE ...]", "choose the records that are most like others",
		select_table, select_run, &select_given, NULL },
	{ "train", "--classifier | --lm [options] [FILE ...]", "make the models that filters ask",
		train_opts, train_run, &t, NULL },
	{ "split", "--valid-file FILE [options] [FILE ...]",
		"set documents aside for validation and test", split_table, split_run, &split_given, NULL },
	{ .name = NULL }
};

static const struct jtool tool = { .name = "jfilter", .args = "[options] [FILE ...]",
	.summary = "keep the records that are worth learning from", .opts = filter_table,
	.run = filter_run, .arg = &filter_given, .verbs = verbs };

int
main(int argc, char **argv)
{
	return jcli_main(&tool, argc, argv);
}
