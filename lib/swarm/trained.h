/*
 * trained.h - inside the room swarm: a trained router, and what it sees in a text.
 *
 * Signals tell the experts apart: a number for each expert, higher for those whose text it is.  Each
 * strategy is a conditional logit over some of them.  Looks tell whether the text is anybody's here:
 * the acceptance is their logistic regression.
 */
#ifndef TRAINED_H
#define TRAINED_H

#include <stdbool.h>

#include "swarm/jroute.h"
#include "swarm/nearest.h"
#include "swarm/weights.h"

enum {
	SIGNAL_WORDS,			/* the classifier's logits */
	SIGNAL_KEYWORDS,		/* scores of the keywords, 0..1 */
	SIGNAL_NEAREST, SIGNAL_RIDGE,	/* of the embedding; 0 where there is none */
	SIGNALS
};
enum {
	LOOKS_COVERAGE,			/* ln of the share of its words that the experts' texts have */
	LOOKS_ODDS,			/* ln of the experts' odds against "none of these"; 0 without it */
	LOOKS_MARGIN,			/* ln of the best expert's share among them */
	LOOKS_NEAR,			/* cosine of the nearest expert, above that of foreign examples */
	LOOKS
};
#define STRATEGIES (JROUTE_HYBRID + 1)

struct trained {
	struct weights w;
	struct nearest e;
	float mix[STRATEGIES][SIGNALS];
	float looks[2][LOOKS + 1];	/* without and with a vector; the last is a constant */
	double threshold[2];		/* of the acceptance */
};
void trained_release(struct trained *t);
bool trained_embeds(const struct trained *t);
/* The signals that a strategy may use. */
bool strategy_uses(enum jroute_strategy s, int signal);

struct sight {
	double *z;			/* [classes] logits */
	double *signal;			/* [experts, SIGNALS] */
	double looks[LOOKS + 1];	/* the last is 1 */
	bool embeds;			/* a vector was seen */
	struct near near;
	double *ridge;			/* [classes] */
	float *turned;			/* [C] */
};
void sight_init(struct sight *s, const struct trained *t);
void sight_release(struct sight *s);
struct text_seen {
	const struct features *f;	/* weighed */
	const double *keyword;		/* [experts] */
	const float *vector;		/* [C] of the encoder; NULL: not asked for */
	size_t without;			/* an expert that is left out, or SIZE_MAX */
};
void sight_see(struct sight *s, const struct trained *t, const struct text_seen *q);
/* Is all that was seen a number?  A router that was learnt always gives numbers. */
bool sight_is_finite(const struct sight *s, const struct trained *t);
/* p[experts] under a strategy. */
void sight_probabilities(const struct sight *s, const struct trained *t, enum jroute_strategy how,
	double *p);
double sight_acceptance(const struct sight *s, const struct trained *t);

#endif
