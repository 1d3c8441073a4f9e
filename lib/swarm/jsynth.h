/*
 * jsynth.h - several answers in, one answer out; and mixing distributions.
 *
 * An answer has a text and a score, the router's or a judge's.  What is made of them says how much of
 * it came from whom: the weights of all answers sum to 1.  Nothing here runs a model (jswarm.h does).
 *
 * Texts are cut between blocks: paragraphs, or whole fenced code (``` or ~~~ to its end).  Code is
 * never cut; a paragraph too long is cut behind a sentence, and where not even a sentence fits nothing
 * is taken.
 *
 * Similarity is the cosine of the logarithms of the counts of words and pairs of words, 0..1.
 */
#ifndef JSYNTH_H
#define JSYNTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/jstr.h"

struct jsynth_answer {
	const char *expert;
	const char *text;
	size_t n;
	double score;			/* 0 or more */
	double weight;			/* filled in: share of the result */
};

/* Index of the highest score, the first of equals; n > 0. */
size_t jsynth_best(const struct jsynth_answer *a, size_t n);
/* Weights in proportion to the scores, equal where all scores are 0. */
void jsynth_weigh(struct jsynth_answer *a, size_t n);
/* The results are appended to out. */
void jsynth_select(struct jsynth_answer *a, size_t n, struct jbuf *out);
/* All, best first, under headings with their experts' names; attribution false: no headings. */
void jsynth_concatenate(struct jsynth_answer *a, size_t n, bool attribution, struct jbuf *out);
struct jsynth_weighted {
	size_t max_bytes;		/* of the texts together */
	double threshold;		/* lower scores are left out, but never the best */
	bool attribution;
};
void jsynth_weighted(struct jsynth_answer *a, size_t n, const struct jsynth_weighted *o,
	struct jbuf *out);
/* Bytes of the longest beginning of at most max bytes that ends where a text may be cut. */
size_t jsynth_cut(const char *text, size_t n, size_t max);

double jsynth_similarity(const char *a, size_t an, const char *b, size_t bn);
/* Mean similarity of each to the others into agree[n] (1 where n is 1); returns the mean of all. */
double jsynth_agreement(const struct jsynth_answer *a, size_t n, double *agree);

/*
 * Fixed share (Herbster and Warmuth 1998).  Weights over n experts start equal; each step they become
 * the posterior of Bayes, then (1 - share) of it plus share / n, so that none dies and the best may
 * change.  For every sequence of experts with m changes over T steps, in nats:
 *
 *	loss <= its loss + ln n + m ln(n / share) - (T - 1 - m) ln(1 - share + share / n)
 *
 * With share 0 it is the Bayes mixture: loss <= that of the best expert + ln n.
 *
 * With a prior q, as of a router, weights start as q and share * q comes back each step, in the place of
 * share / n: the same bound with -ln q of an expert for ln n, and q for 1 / n of those changed to.
 */
struct jmixture {
	size_t n;
	double share;
	double *w;			/* [n], sum 1 */
	double *prior;			/* [n], sum 1 */
};
void jmixture_init(struct jmixture *m, size_t n, double share);
/* Before the first step: a prior in proportion to score[n], none below 0, of which `even` is spread evenly. */
void jmixture_prior(struct jmixture *m, const double *score, double even);
void jmixture_release(struct jmixture *m);
/* What each expert gave to what came next: moves the weights; returns ln of the mixture's probability. */
double jmixture_step(struct jmixture *m, const double *logp);

#endif
