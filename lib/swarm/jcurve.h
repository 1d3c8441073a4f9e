/*
 * jcurve.h - strong or weak model: what quality costs under a router that predicts, from the question
 * alone, how much the strong model would gain.
 *
 * Questions come with the quality q of both models' answers, 0..1.  The predictor is ridge regression
 * on q_strong - q_weak over the hashed words of jroute.h and measures of the form (length, numbers,
 * symbols, lines), and every question is predicted by one that was fitted without its fold.  Equal
 * questions share a fold; so do those of one group (a subject), where groups are given: then it is
 * tested on subjects that it has never seen.  Where there are questions to learn from, one predictor is
 * fitted on these alone.
 *
 * Sent to the strong model are first the questions of the highest prediction.  With a(s) the mean
 * quality when the share s goes there, w = a(0) and S = a(1) (Ong et al. 2024, RouteLLM):
 *
 *	PGR(s) = (a(s) - w) / (S - w)		APGR = integral of PGR over s; random choice: 0.5
 *	CPT(x) = least s with PGR(s) >= x
 *
 * Everything is a function of the questions, their order and the seed.
 */
#ifndef JCURVE_H
#define JCURVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

#define JCURVE_POINTS 21	/* shares 0, 0.05 ... 1 */

struct jcurve;
struct jcurve *jcurve_new(uint64_t seed, int folds, double ridge);
void jcurve_free(struct jcurve *c);	/* NULL is fine */
/* group: questions of one group share a fold; NULL: each by itself. */
void jcurve_add(struct jcurve *c, const char *text, size_t n, const char *group, double weak,
	double strong);

/* A question that is only learned from. */
void jcurve_learn(struct jcurve *c, const char *text, size_t n, double weak, double strong);

struct jcurve_result {
	size_t questions;
	double weak, strong;			/* mean qualities */
	double apgr, apgr_low, apgr_high;	/* 95 %, bootstrap over questions */
	double perfect;				/* APGR of a router that knows the answers */
	double cpt50, cpt80, cpt95;
	double quality[JCURVE_POINTS];
};
/* JERR_ARG for fewer questions or groups than folds, or where the strong model is no better. */
int jcurve_run(struct jcurve *c, struct jcurve_result *r, struct jerr *e);

#endif
