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
 * cyclical rises linearly from min_lr to lr in the first half of every `cycle` steps and falls back in
 * the second (torch's CyclicLR, "triangular"); a warm-up takes the place of the first rise.
 *
 * Steps are numbered from 0.  Warm-up is linear and never gives 0: step 0 has lr / warmup.
 *
 * Two phases: from step `next_from` on the schedule `next` counts, with steps numbered from there.
 * Cooldown: from step `cool_from` on the rate falls as in wsd, from what it would be at that step to
 * min_lr in `cool_steps` steps, whatever else is asked: a wsd run that was cut off before its decay
 * and cooled down is, bit for bit, the wsd run of that length.
 */
#ifndef JSCHED_H
#define JSCHED_H

#include <stdint.h>

#include "base/jerr.h"

enum jsched_kind { JSCHED_CONSTANT, JSCHED_LINEAR, JSCHED_COSINE, JSCHED_WSD, JSCHED_CYCLICAL };

struct jsched {
	enum jsched_kind kind;
	double lr, min_lr;
	int64_t steps;		/* length of the run, or of the phase */
	int64_t warmup;		/* steps of linear warm-up */
	int64_t decay;		/* JSCHED_WSD: steps of decay at the end */
	int64_t cycle;		/* JSCHED_CYCLICAL: at least 1 */
	const struct jsched *next;	/* the caller's; NULL: one phase */
	int64_t next_from;
	int64_t cool_from, cool_steps;	/* cool_steps 0: no cooldown */
};

/* "constant|linear|..." for option tables. */
extern const char jsched_names[];

/* Kind by name; JERR_ARG names the choices. */
int jsched_parse(enum jsched_kind *kind, const char *name, struct jerr *e);
double jsched_rate(const struct jsched *s, int64_t step);

#endif
