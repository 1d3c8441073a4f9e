/*
 * jcompare.h - several ways to model the same held-out documents, side by side, with intervals.
 *
 * Arms (a model, a mixture, a choice among models) are compared by bits per byte,
 *
 *	sum(nll) / sum(bytes) / ln 2,
 *
 * over the documents of each group and over all.  The experiment is repeated with S seeds on the same
 * documents.  Intervals are percentiles of a bootstrap (Efron 1979) that draws documents, within
 * their group and the same ones for all arms, and seeds: differences between arms are paired.  With
 * one seed they tell nothing about other seeds.
 *
 * The draws are a function of the seed given, so the figures are the same on every run.
 */
#ifndef JCOMPARE_H
#define JCOMPARE_H

#include <stddef.h>
#include <stdint.h>

#include "base/jstr.h"

struct jcompare {
	size_t seeds, docs, arms, groups;
	const uint32_t *group;		/* [docs], below groups */
	const double *bytes;		/* [docs] */
	const double *nll;		/* [seeds, docs, arms], nats */
	size_t reference;		/* the arm that the others are compared with */
};

struct jcompare_figure {
	double bpb, low, high;		/* bits per byte, 95 % interval */
	double diff, diff_low, diff_high;	/* minus the reference */
};

/* out[groups + 1, arms]; the last row is all documents.  Documents without bytes are an empty group: NaN. */
void jcompare_run(const struct jcompare *c, size_t draws, uint64_t seed, struct jcompare_figure *out);

struct jcompare_names {
	const char *const *arm, *const *group;	/* [arms], [groups] */
};
/* "better", "WORSE" or "no difference shown" than the reference. */
const char *jcompare_verdict(const struct jcompare_figure *f);
/* A page that shows all of it, and says first which arms lose to the reference and which win. */
void jcompare_html(const struct jcompare *c, const struct jcompare_names *names,
	const struct jcompare_figure *f, struct jbuf *out);

#endif
