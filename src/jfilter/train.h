/*
 * train.h - jfilter train: the small models that filters ask, made from records.
 */
#ifndef TRAIN_H
#define TRAIN_H

#include "cli/jcli.h"

struct train_opts {
	bool classifier, lm;
	const char *label, *held_out;	/* member; share for the report */
	int64_t dim, epochs, ngrams, min_count, buckets, order;
	double rate;
	bool binary;
};

#define TRAIN_OPTS_INIT { .label = "label", .held_out = "20%", .dim = 32, .epochs = 5, .ngrams = 2, \
	.min_count = 1, .buckets = 1 << 18, .rate = 0.5, .order = 5 }

int train_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e);

#endif
