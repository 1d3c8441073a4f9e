/*
 * jsched.h - learning-rate schedules: the rate of a step as a function of its number alone, so a
 * resumed run needs no state.
 *
 *	rate
 *	 lr        ____________            constant, wsd
 *	          /            \  (wsd: 1 - sqrt over the last `decay` steps)
 *	         /              \
 *	 min_lr /                \___      linear, cosine: from the end of the warm-up to `steps`
 *	       warm-up
 *
 * Steps are numbered from 0.  Warm-up is linear and never gives 0: step 0 has lr / warmup.
 */
#ifndef JSCHED_H
#define JSCHED_H

#include <stdint.h>

#include "base/jerr.h"

enum jsched_kind { JSCHED_CONSTANT, JSCHED_LINEAR, JSCHED_COSINE, JSCHED_WSD };

struct jsched {
	enum jsched_kind kind;
	double lr, min_lr;
	int64_t steps;		/* length of the run */
	int64_t warmup;		/* steps of linear warm-up */
	int64_t decay;		/* JSCHED_WSD: steps of decay at the end */
};

/* "constant|linear|cosine|wsd" for option tables. */
extern const char jsched_names[];

/* Kind by name; JERR_ARG names the choices. */
int jsched_parse(enum jsched_kind *kind, const char *name, struct jerr *e);
double jsched_rate(const struct jsched *s, int64_t step);

#endif
