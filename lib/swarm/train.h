/*
 * train.h - inside the room swarm: a router in the making.
 *
 * passages.c cuts the texts and shares them out, router_train.c fits the classifier and the embedding,
 * router_tune.c the strategies and the threshold, on what was held out.
 */
#ifndef TRAIN_H
#define TRAIN_H

#include "swarm/keywords.h"
#include "swarm/trained.h"

struct passage {
	uint64_t key;			/* random, by seed and content */
	uint32_t expert;		/* or their number: nobody's */
	bool held_out, is_short;
	uint64_t text_at;		/* in `bytes` */
	uint32_t text_n;
	struct features f;
};

struct jrouter_train {
	const struct jexperts *x;
	uint64_t seed;
	struct passage *p;
	size_t n, cap;
	struct jbuf bytes;
	struct jbuf foreign;		/* lines for the next run of them */
	bool has_foreign;
	struct trained t;
	struct keywords *kw;
	struct encoder *encoder;	/* NULL: no embedding */
};

/* Drops what is too much, says what is held out; the passages are then in a random order. */
int passages_share(struct jrouter_train *t, struct jrouter_report *r, struct jerr *e);
/* Fits what tells the experts apart and the threshold. */
int router_tune(struct jrouter_train *t, struct jrouter_report *r, struct jerr *e);

#endif
