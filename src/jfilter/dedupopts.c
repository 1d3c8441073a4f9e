/* dedupopts.c - the options of dedup and decontaminate. */
#include "dedupopts.h"

struct dedup_opts dedup_given = DEDUP_OPTS_INIT;
struct decon_opts decon_given = DECON_OPTS_INIT(decon_table);

const struct jopt dedup_table[] = {
	{ "threshold", 't', JOPT_DOUBLE, &dedup_given.threshold, "X",
		"least Jaccard similarity of two duplicates" },
	{ "keep", 0, JOPT_STR, &dedup_given.keep, "KEY",
		"which one stays: longest, first or score:NAME; ties by id" },
	{ "by", 0, JOPT_STR, &dedup_given.by, "KIND", "what is compared and removed",
		"document|paragraph|line|substring" },
	{ "clusters", 0, JOPT_STR, &dedup_given.clusters, "FILE", "write who goes for whom" },
	{ "cuts", 0, JOPT_STR, &dedup_given.cuts, "FILE", "write what was cut out of records" },
	{ "shingle", 0, JOPT_INT, &dedup_given.shingle, "N", "words in a shingle" },
	{ "min-words", 0, JOPT_INT, &dedup_given.min_words, "N", "least words of a line or paragraph to cut" },
	{ "min-bytes", 0, JOPT_INT, &dedup_given.min_bytes, "N", "least bytes of a substring to cut" },
	{ "index", 0, JOPT_STR, &dedup_given.index, "FILE", "what earlier runs kept; made if there is none" },
	{ "add", 0, JOPT_BOOL, &dedup_given.add, NULL, "add what is kept to the index" },
	{ "work", 0, JOPT_STR, &dedup_given.work, "FOLDER", "folder for the files between the steps" },
	{ "step", 0, JOPT_STR, &dedup_given.step, "STEP", "do one step alone", "sign|merge|apply" },
	{ "shard", 0, JOPT_STR, &dedup_given.shard, "I/N", "of the step sign or apply, the I-th of N parts" },
	{ .type = JOPT_END }
};

const struct jopt decon_table[] = {
	{ "against", 0, JOPT_LIST, &decon_given.against, "FILE ...", "evaluation sets: files, folders, archives",
		.many = true },
	{ "action", 0, JOPT_STR, &decon_given.action, "WHAT", "what becomes of a record that holds items",
		"drop|cut" },
	{ "ngram", 0, JOPT_INT, &decon_given.ngram, "N", "words in a row that are enough" },
	{ "share", 0, JOPT_DOUBLE, &decon_given.share, "X", "share of a question that is enough" },
	{ "common", 0, JOPT_STR, &decon_given.common, "SHARE",
		"words in more of a source's documents are boilerplate" },
	{ "cuts", 0, JOPT_STR, &decon_given.cuts, "FILE", "write what was cut out of records" },
	{ "inject", 0, JOPT_INT, &decon_given.inject, "N", "items to put in to measure what is found" },
	{ "report", 0, JOPT_STR, &decon_given.report, "FILE", "write what was found and measured" },
	RESUME_OPT(decon_given),
	{ .type = JOPT_END }
};
